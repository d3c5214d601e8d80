//! What the actor may do: judged on the rows that the request itself names, as they were and as they will be. Rules act by their own
//! authority, on whatever rows.
//!
//! A row that the actor may not see is as if it were not there. What a condition cannot be computed of it does not grant.

use std::collections::{BTreeMap, BTreeSet};

use dialects::Value;
use introspect::{ColumnId, RelationshipId, TableId};

use super::attempt::{Attempt, Found, Touched};
use super::derive::READ;
use super::rows::{Finder, Hold};
use super::scope::{At, RowScope};
use crate::change::{Action, Image, Reason, RowId, Violation};
use crate::expr::eval::{self, EvalError};
use crate::expr::{Expr, Place};
use crate::policy::{Allowed, Grant, Grants, Guard, Rows};

impl Attempt<'_> {
    /// The columns of a table that rules and conditions know of.
    pub(super) fn columns(&self, table: TableId) -> Vec<ColumnId> {
        let mut columns = self.engine.facts.columns(table).to_vec();
        if let Some(guard) = &self.request.guard {
            columns.extend(guard.authority.inputs(table));
            columns.sort();
            columns.dedup();
        }
        columns
    }

    /// Whether the actor may see a row, as the database holds it; one that the request adds is the actor's own. `None`: not known yet.
    pub(super) fn is_shown(&mut self, id: &RowId) -> Option<bool> {
        let request = self.request;
        let (Some(guard), Some(key)) = (&request.guard, id.key()) else { return Some(true) };
        match guard.authority.readable(id.table) {
            Rows::All => Some(true),
            Rows::None => Some(false),
            Rows::Where(expr) if self.touched.contains_key(id) => self.held(expr, id),
            Rows::Where(expr) => {
                let finder = Finder::by_key(self.engine.schema, id.table, key.clone());
                match self.row(finder, READ) {
                    Found::Unknown => None,
                    Found::Absent => Some(false),
                    Found::Row(id) => self.held(expr, &id),
                }
            }
        }
    }

    /// Whether the actor may see a row that the request touches, as it was and as it will be.
    pub(super) fn is_readable(&mut self, id: &RowId) -> bool {
        let request = self.request;
        let Some(guard) = &request.guard else { return true };
        let expr = match guard.authority.readable(id.table) {
            Rows::All => return true,
            Rows::None => return false,
            Rows::Where(expr) => expr,
        };
        let Some(Touched { before, after }) = self.touched.get(id).cloned() else { return false };
        let mut holds = |image: &Option<Image>, at| {
            image.as_ref().is_none_or(|image| self.holds(expr, id, image, at) == Some(true))
        };
        holds(&before, At::Before) && holds(&after, At::After)
    }

    /// Whether a condition holds of a row as the database has it.
    fn held(&mut self, expr: &Expr, id: &RowId) -> Option<bool> {
        let image = self.image_before(id)?.clone();
        self.holds(expr, id, &image, At::Before)
    }

    /// Whether the actor may see what a place leads to from a row, where they may see that row: no column that is kept from them, and no row on
    /// the way that is. What is not known is not shown.
    pub(super) fn shows(&mut self, id: &RowId, image: &Image, place: &Place) -> bool {
        let Some(guard) = &self.request.guard else { return true };
        let (mut id, mut image) = (id.clone(), image.clone());
        for relationship in &place.path {
            match self.parent_of(id.table, &image, *relationship, Hold::PLAIN) {
                None | Some(Found::Absent) => return true,
                Some(Found::Unknown) => return false,
                Some(Found::Row(above)) => id = above,
            }
            let Some(above) = self.image(&id).cloned().filter(|_| self.is_shown(&id) == Some(true)) else {
                return false;
            };
            image = above;
        }
        guard.authority.table(id.table).is_none_or(|allowed| !allowed.hidden.contains(&place.column))
    }

    /// Judges the rows that the operations name as they were, and looks for those that they refer to.
    pub(super) fn guard_named(&mut self) {
        let Some(guard) = &self.request.guard else { return };
        for (index, operation) in self.request.operations.iter().enumerate() {
            if self.is_denied(&operation.id) {
                continue;
            }
            let denials = self.denials.len();
            self.guard_before(guard, index);
            // Where the row must not be changed at all, it does not matter what to.
            if self.denials.len() == denials {
                self.guard_references(guard, index);
            }
        }
        for (index, id) in self.related.clone() {
            self.guard_related(guard, index, &id, At::Before);
        }
        for (index, id) in self.paired.clone() {
            self.guard_parted(guard, index, &id);
        }
    }

    /// Judges them as they will be.
    pub(super) fn guard_settled(&mut self) {
        let Some(guard) = &self.request.guard else { return };
        for index in 0..self.request.operations.len() {
            self.guard_after(guard, index);
        }
        for (index, id) in self.related.clone() {
            self.guard_related(guard, index, &id, At::After);
        }
        for (index, id) in self.paired.clone() {
            self.guard_coupled(guard, index, &id);
        }
    }

    /// Whether it has been told of a row that it is not there: nothing else is told of it.
    fn is_denied(&self, id: &RowId) -> bool {
        self.denials.iter().any(|denial| denial.id == *id && denial.reason == Reason::NotFound)
    }

    fn guard_before(&mut self, guard: &Guard, index: usize) {
        let Some(operation) = self.request.operations.get(index) else { return };
        let Some(allowed) = guard.operations.get(index) else {
            return self.forbid(&operation.id, index, At::Before);
        };
        let Some(touched) = self.touched.get(&operation.id) else {
            // What is not known yet is asked for; what is not there has been told. Anything else is not what was named.
            let known = operation.id.key().is_some() && !self.lacks();
            return if known {
                self.forbid(&operation.id, index, At::Before)
            };
        };
        let Some(before) = touched.before.clone() else { return };
        let changed = changed(&before, &operation.action, &allowed.given);
        self.allow(&allowed.grants, &changed, index, &operation.id, &before, At::Before);
    }

    /// What is removed is judged as it was alone.
    fn guard_after(&mut self, guard: &Guard, index: usize) {
        let (Some(operation), Some(allowed)) =
            (self.request.operations.get(index), guard.operations.get(index))
        else {
            return;
        };
        let Some(touched) = self.touched.get(&operation.id) else { return };
        let (Some(after), is_new) = (touched.after.clone(), touched.is_new()) else { return };
        let changed = match (&operation.action, &touched.before) {
            (Action::Insert(_), _) => BTreeSet::new(),
            (Action::Update(_) | Action::Relate(_), Some(before)) if !is_new => {
                changed(before, &operation.action, &allowed.given)
            }
            _ => return,
        };
        let grants = match operation.action {
            Action::Relate(_) => &allowed.grants,
            _ => allowed.chosen(),
        };
        self.allow(grants, &changed, index, &operation.id, &after, At::After);
        self.guard_values(allowed, index, &operation.id);
    }

    /// What allows a row must leave no column without a value.
    fn guard_values(&mut self, allowed: &Allowed, operation: usize, id: &RowId) {
        if let Some((column, why)) = allowed.unset().cloned()
            && !self.denials.iter().any(|denial| denial.id == *id)
        {
            let reason = Reason::Unset { operation, column, why };
            self.denials.push(Violation { id: id.clone(), reason });
        }
    }

    /// A row at the other end of a to-many relationship is changed by it.
    fn guard_related(&mut self, guard: &Guard, index: usize, id: &RowId, at: At) {
        let Some(allowed) = guard.authority.table(id.table) else { return };
        let Some(touched) = self.touched.get(id).filter(|touched| !touched.is_new()) else { return };
        let (Some(before), Some(after)) = (touched.before.clone(), touched.after.clone()) else { return };
        let moved = before
            .columns()
            .filter(|(column, value)| after.value(*column) != *value)
            .map(|(column, _)| column);
        let foreign_key = self.foreign_key(index);
        let changed: BTreeSet<ColumnId> = moved.filter(|column| foreign_key.contains(column)).collect();
        let (image, grants) = match at {
            At::Before => (before, &allowed.update),
            At::After => {
                let by = guard.operations.get(index).and_then(|operation| operation.choices.front());
                (after, by.map_or(&allowed.update, |choice| &choice.grants))
            }
        };
        self.allow(grants, &changed, index, id, &image, at);
    }

    /// A row of a join table that is removed.
    fn guard_parted(&mut self, guard: &Guard, index: usize, id: &RowId) {
        let Some(Touched { before: Some(before), after: None }) = self.touched.get(id).cloned() else {
            return;
        };
        if let Some(allowed) = guard.authority.table(id.table) {
            self.allow_pair(&allowed.delete, index, id, &before, At::Before);
        }
    }

    /// A row of a join table that is added; or that is there, but not for the actor, who is told no more of it than if it were not.
    fn guard_coupled(&mut self, guard: &Guard, index: usize, id: &RowId) {
        let is_new = self.touched.get(id).is_some_and(Touched::is_new);
        let Some(image) = self.image(id).cloned().filter(|_| is_new || !self.ties(id)) else { return };
        if let Some(allowed) = guard.authority.table(id.table) {
            self.allow_pair(&allowed.create, index, id, &image, At::After);
        }
    }

    /// A pair has no attributes: what locks some of a row, or sets them, does not allow one.
    fn allow_pair(&mut self, grants: &Grants, index: usize, id: &RowId, image: &Image, at: At) {
        let grants = grants.of_links();
        let fitting: Vec<&Grant> = grants.any.iter().filter(|grant| grant.locked.is_empty()).collect();
        if self.is_allowed(&fitting, &grants.filters, id, image, at) == Some(false)
            && let Some(operation) = self.request.operations.get(index)
        {
            self.forbid(&operation.id, index, at);
        }
    }

    /// Whether the actor may see what a row of a join table ties; `false` while that is not known.
    pub(super) fn ties(&mut self, id: &RowId) -> bool {
        let request = self.request;
        let allowed = request.guard.as_ref().and_then(|guard| guard.authority.table(id.table));
        let Some(allowed) = allowed.filter(|_| self.touched.get(id).is_none_or(|known| !known.is_new()))
        else {
            return true;
        };
        let grants = allowed.read.of_links();
        if grants.is_everything() {
            return true;
        }
        let image = if self.hold(id, Hold::PLAIN) { self.image_before(id).cloned() } else { None };
        let any: Vec<&Grant> = grants.any.iter().collect();
        image
            .is_some_and(|image| self.is_allowed(&any, &grants.filters, id, &image, At::Before) == Some(true))
    }

    /// The columns of the rows at the other end of the relationship that an operation changes.
    fn foreign_key(&self, index: usize) -> Vec<ColumnId> {
        let Some(operation) = self.request.operations.get(index) else { return Vec::new() };
        match &operation.action {
            Action::Relate(relating) => {
                self.engine.schema[operation.id.table][relating.relationship].target_columns.clone()
            }
            _ => Vec::new(),
        }
    }

    /// A foreign key that the client sets must lead to a row that it may see.
    fn guard_references(&mut self, guard: &Guard, index: usize) {
        let (Some(operation), Some(allowed)) =
            (self.request.operations.get(index), guard.operations.get(index))
        else {
            return;
        };
        let table = &self.engine.schema[operation.id.table];
        let named = |columns: &[ColumnId]| columns.iter().any(|column| allowed.gives(*column));
        let set: Vec<RelationshipId> = table
            .relationships()
            .filter(|(_, r)| r.to_one() && named(&r.columns))
            .map(|(id, _)| id)
            .collect();
        for relationship in set {
            let columns = &table[relationship].columns;
            let moved = self.touched.get(&operation.id).is_some_and(|touched| touched.changed_any(columns));
            if moved && !self.leads_to_a_row(&operation.id, relationship) {
                self.violate(operation.id.clone(), Reason::RelatedNotFound { relationship });
            }
        }
    }

    /// Whether a to-one relationship leads to nothing, to a row that the actor may see, or to one that a rule adds; or that is not known yet.
    fn leads_to_a_row(&mut self, id: &RowId, relationship: RelationshipId) -> bool {
        match self.parent(id, relationship, READ) {
            None | Some(Found::Unknown) => true,
            Some(Found::Absent) => self.engine.rules.created_by(id.table, relationship),
            Some(Found::Row(parent)) => self.is_shown(&parent) != Some(false),
        }
    }

    // ---- conditions

    fn allow(
        &mut self,
        grants: &Grants,
        changed: &BTreeSet<ColumnId>,
        index: usize,
        id: &RowId,
        image: &Image,
        at: At,
    ) {
        let fits = |grant: &&Grant| grant.locked.is_disjoint(changed);
        let fitting: Vec<&Grant> = grants.any.iter().filter(fits).collect();
        if let (true, Some(grant)) = (fitting.is_empty(), grants.any.first()) {
            let column = grant.locked.intersection(changed).next().copied();
            return column.into_iter().for_each(|column| self.lock(id, index, column));
        }
        if self.is_allowed(&fitting, &grants.filters, id, image, at) == Some(false) {
            self.forbid(id, index, at);
        }
    }

    /// `None`: not known yet.
    fn is_allowed(
        &mut self,
        grants: &[&Grant],
        filters: &[Expr],
        id: &RowId,
        image: &Image,
        at: At,
    ) -> Option<bool> {
        let filters: Vec<_> = filters.iter().map(|filter| self.holds(filter, id, image, at)).collect();
        let granted: Vec<_> = grants
            .iter()
            .map(|grant| grant.rows.as_ref().map_or(Some(true), |rows| self.holds(rows, id, image, at)))
            .collect();
        if filters.contains(&Some(false)) || granted.iter().all(|granted| *granted == Some(false)) {
            return Some(false);
        }
        (!filters.contains(&None) && granted.contains(&Some(true))).then_some(true)
    }

    /// Whether a condition is true of a row. `None`: not known yet.
    fn holds(&mut self, expr: &Expr, id: &RowId, image: &Image, at: At) -> Option<bool> {
        let places = expr.places();
        if !self.ready_above(id.table, image, &places, READ, at) {
            return None;
        }
        match eval::truth(expr, &RowScope { attempt: self, id, image, at }) {
            Ok(truth) => Some(truth == Some(true)),
            Err(EvalError::Missing(_)) if self.lacks() => None,
            Err(_) => Some(false),
        }
    }

    fn forbid(&mut self, id: &RowId, operation: usize, at: At) {
        let reason = Reason::Forbidden { operation, after: at == At::After };
        self.denials.push(Violation { id: id.clone(), reason });
    }

    fn lock(&mut self, id: &RowId, operation: usize, column: ColumnId) {
        self.denials.push(Violation { id: id.clone(), reason: Reason::Locked { operation, column } });
    }
}

/// The columns that the client itself moves: what it sends back unchanged moves nothing.
fn changed(before: &Image, action: &Action, given: &BTreeMap<ColumnId, Value>) -> BTreeSet<ColumnId> {
    let moves = |(column, value): &(&ColumnId, &Value)| before.value(**column) != Some(*value);
    match action {
        Action::Update(_) => given.iter().filter(moves).map(|(column, _)| *column).collect(),
        _ => BTreeSet::new(),
    }
}
