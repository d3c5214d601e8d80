//! Derivations, one column after the other, in the order in which each stands after all that it reads.

use dialects::Value;
use introspect::schema::ColumnDefault;
use introspect::{ColumnId, RelationshipId, TableId};

use super::Lookup;
use super::attempt::{Attempt, Found};
use super::rows::{DefaultOf, Hold, ReadersLock, RowLock};
use super::scope::{At, RowScope};
use crate::change::{Image, Reason, RowId, RowRef, Violation};
use crate::expr::eval::{self, EvalError};
use crate::expr::{Expr, Place};
use crate::rule::{Derivation, DerivationKind};
use crate::trace::By;

/// How a row above is held while a rule reads it.
pub(super) const READ: Hold = Hold { row: RowLock::None, readers: ReadersLock::Read };

impl Attempt<'_> {
    pub(super) fn derive(&mut self) {
        let rules = self.engine.rules;
        self.fetch_defaults();
        self.settle_references();
        self.explain(&By::Default);
        for derivation in &rules.derivations {
            match &derivation.kind {
                DerivationKind::Default(expr) => self.default(derivation, expr),
                DerivationKind::Copy { relationship, column } => {
                    self.copy(derivation, *relationship, *column)
                }
                DerivationKind::Formula(expr) => self.formula(derivation, expr),
                DerivationKind::Stamp { expr, operations } => self.stamp(derivation, expr, *operations),
                // That its inputs were noted wrongly is no event that moves it.
                DerivationKind::Step(_) if self.mend.is_some() => {}
                DerivationKind::Step(expr) => self.step(derivation, expr),
                DerivationKind::Aggregate(aggregate) => self.aggregate(derivation, aggregate),
            }
            self.explain_derivation(derivation);
        }
    }

    /// A new row shows the database's defaults to the rules that read them; what has neither value nor default is null.
    fn fetch_defaults(&mut self) {
        let new: Vec<RowId> =
            self.touched.iter().filter(|(_, t)| t.is_new()).map(|(id, _)| id.clone()).collect();
        for id in new {
            for column in &self.columns(id.table) {
                let given = self.image(&id).is_none_or(|image| image.value(*column).is_some());
                if given || !self.default_is_needed(id.table, *column) {
                    continue;
                }
                if let Some(value) = self.database_default(&id, *column) {
                    self.put(&id, *column, value);
                }
            }
        }
    }

    /// Whether rules read the default; or it makes the key, which a database without RETURNING would not tell.
    fn default_is_needed(&self, table: TableId, column: ColumnId) -> bool {
        let schema = self.engine.schema;
        let untold = !schema.dialect.returning() && schema[table].key.contains(&column);
        let judged = || {
            let guard = self.request.guard.as_ref();
            guard.is_some_and(|guard| guard.authority.inputs(table).any(|input| input == column))
        };
        untold || self.engine.facts.default_is_read(table, column) || judged()
    }

    /// What the database will put into a column that nobody gives. `None`: not known yet, or drawn at the write.
    pub(super) fn database_default(&mut self, id: &RowId, column: ColumnId) -> Option<Value> {
        let table = &self.engine.schema[id.table];
        match &table[column].default {
            ColumnDefault::None if table[column].generated.is_none() => Some(Value::Null),
            ColumnDefault::Expression(_) => {
                let of = self.default_of(id, column);
                let dialect = self.engine.schema.dialect;
                let kept = |value: &Value| {
                    eval::fit(value.clone(), &table[column], dialect).unwrap_or_else(|_| value.clone())
                };
                let known = self.rows.default_of(of).map(kept);
                if known.is_none() {
                    self.need(Lookup::Default(of));
                }
                known
            }
            _ => None,
        }
    }

    /// A default that makes a key or another unique value is drawn for each row.
    fn default_of(&self, id: &RowId, column: ColumnId) -> DefaultOf {
        let table = &self.engine.schema[id.table];
        let unique = table.key.contains(&column) || table.uniques.iter().any(|u| u.columns.contains(&column));
        let row = match id.row {
            RowRef::New(n) if unique => n,
            RowRef::Created(n) if unique => u32::MAX - n,
            _ => 0,
        };
        DefaultOf { table: id.table, column, row }
    }

    fn default(&mut self, derivation: &Derivation, expr: &Expr) {
        for id in self.touched_in(derivation.table) {
            let Some(touched) = self.touched.get(&id) else { continue };
            let given = touched.after.as_ref().is_none_or(|image| image.value(derivation.column).is_some());
            if touched.is_new() && !given {
                self.compute(derivation, expr, &id);
            }
        }
    }

    fn copy(&mut self, derivation: &Derivation, relationship: RelationshipId, column: ColumnId) {
        let foreign_key = &self.engine.schema[derivation.table][relationship].columns;
        for id in self.touched_in(derivation.table) {
            let moved =
                self.touched.get(&id).is_some_and(|t| t.after.is_some() && t.changed_any(foreign_key));
            if !moved {
                continue;
            }
            let value = match self.parent(&id, relationship, Hold::PLAIN) {
                None | Some(Found::Absent) => Value::Null,
                Some(Found::Unknown) => continue,
                Some(Found::Row(parent)) => match self.image(&parent) {
                    Some(image) => match image.value(column) {
                        Some(value) => value.clone(),
                        None => {
                            self.uncomputable(&derivation.name, &id, &EvalError::Drawn);
                            continue;
                        }
                    },
                    None => continue,
                },
            };
            self.settle(derivation, &id, value);
        }
    }

    fn formula(&mut self, derivation: &Derivation, expr: &Expr) {
        let places = expr.places();
        let mut ids = self.affected(derivation.table, &places);
        ids.extend(self.mended(derivation));
        for id in ids {
            self.compute(derivation, expr, &id);
        }
    }

    pub(super) fn compute(&mut self, derivation: &Derivation, expr: &Expr, id: &RowId) {
        let hold = self.hold_to_set(derivation.table, &[derivation.column]);
        if !self.touched.contains_key(id) && !self.hold(id, hold) {
            return;
        }
        if !self.ready(id, &expr.places()) {
            return;
        }
        match self.evaluate(id, |scope| eval::eval(expr, scope)) {
            Some(Ok(value)) => self.settle(derivation, id, value),
            Some(Err(error)) => self.uncomputable(&derivation.name, id, &error),
            None => {}
        }
    }

    /// Sets a derived column, rounded to it; leaves the row alone when that is what it holds already.
    pub(super) fn settle(&mut self, derivation: &Derivation, id: &RowId, value: Value) {
        if matches!(value, Value::Drawn(_)) {
            return self.uncomputable(&derivation.name, id, &EvalError::Drawn);
        }
        let schema = self.engine.schema;
        let column = &schema[derivation.table][derivation.column];
        let value = match eval::fit(value, column, schema.dialect) {
            Ok(value) => value,
            Err(error) => {
                let reason = Reason::Overflow { column: derivation.column, why: error.to_string() };
                return self.violate(id.clone(), reason);
            }
        };
        let Some(held) = self.image(id) else { return };
        if held.value(derivation.column) == Some(&value) {
            return;
        }
        let hold = self.hold_to_set(derivation.table, &[derivation.column]);
        if self.hold(id, hold) {
            self.put(id, derivation.column, value);
        }
    }

    /// Evaluates something over a row as it stands; `None`: the row is gone or unknown.
    pub(super) fn evaluate<T>(
        &self,
        id: &RowId,
        evaluate: impl FnOnce(&RowScope<'_, '_>) -> Result<T, EvalError>,
    ) -> Option<Result<T, EvalError>> {
        let image = self.image(id)?;
        Some(evaluate(&RowScope { attempt: self, id, image, at: At::After }))
    }

    /// Makes sure that every row above that the places lead through is known, and held so that nobody changes what is read.
    pub(super) fn ready(&mut self, id: &RowId, places: &[Place]) -> bool {
        match self.image(id).cloned() {
            Some(image) => self.ready_above(id.table, &image, places, READ, At::After),
            None => false,
        }
    }

    /// Likewise, for an image and the rows above it as of then.
    pub(super) fn ready_above(
        &mut self,
        table: TableId,
        image: &Image,
        places: &[Place],
        hold: Hold,
        at: At,
    ) -> bool {
        let mut ready = true;
        for place in places {
            let (mut table, mut image) = (table, image.clone());
            for relationship in &place.path {
                match self.parent_of(table, &image, *relationship, hold) {
                    None | Some(Found::Absent) => break,
                    Some(Found::Unknown) => {
                        ready = false;
                        break;
                    }
                    Some(Found::Row(parent)) => {
                        table = parent.table;
                        match self.image_at(&parent, at) {
                            Some(above) => image = above.clone(),
                            None => break,
                        }
                    }
                }
            }
        }
        ready
    }

    /// Notes that a rule has no value. Where that is because something is not known yet, it has been asked for.
    pub(super) fn uncomputable(&mut self, rule: &str, id: &RowId, error: &EvalError) {
        let reason = Reason::Uncomputable { rule: rule.into(), why: error.to_string() };
        let violation = Violation { id: id.clone(), reason };
        match error {
            EvalError::Missing(_) | EvalError::Drawn => self.gap = Some(violation),
            _ => self.violations.push(violation),
        }
    }
}
