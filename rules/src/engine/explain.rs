//! The trace of an attempt, told by what has moved since the last look: no rule says itself what it did, so none can forget to.
//!
//! Every look is nothing at all unless somebody asked for a trace.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dialects::Value;
use introspect::{ColumnId, RelationshipId, TableId};

use super::attempt::{Attempt, Found};
use super::rows::Hold;
use super::scope::{At, RowScope};
use crate::change::{Image, Reason, RowId, Violation};
use crate::expr::eval;
use crate::expr::{Expr, Place};
use crate::rule::{Aggregate, Constraint, Derivation, DerivationKind, Transition};
use crate::trace::{By, Effect, Step, Trace};

/// Most steps that are kept: a person reads no more, and an answer holds no more.
const STEPS_MAX: usize = 1000;

/// Most causes that a step names.
const CAUSES_MAX: usize = 10;

/// The places of steps in the trace.
type Causes = BTreeSet<usize>;

/// A trace in the making.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    trace: Trace,
    /// The touched rows as they stood at the last look; `None`: gone.
    seen: HashMap<RowId, Option<Image>>,
    /// The step that set a column last.
    set: HashMap<(RowId, ColumnId), usize>,
    /// The step in which a row came or went.
    came: HashMap<RowId, usize>,
}

impl Recorder {
    pub(super) fn finish(self) -> Trace {
        self.trace
    }

    fn push(&mut self, row: &RowId, by: &By, effect: Effect, causes: &Causes) -> usize {
        let n = self.trace.steps.len();
        if n >= STEPS_MAX {
            self.trace.left_out += 1;
            return n;
        }
        let depth_of = |n: &usize| self.trace.steps.get(*n).map_or(0, |step| step.depth);
        let depth = match by {
            By::Request => 0,
            _ => 1 + causes.iter().map(depth_of).max().unwrap_or(0),
        };
        let causes = causes.iter().copied().filter(|n| *n < STEPS_MAX).take(CAUSES_MAX).collect();
        self.trace.steps.push(Step { row: row.clone(), by: by.clone(), effect, causes, depth });
        n
    }

    /// The step that moved a column, if one did.
    fn mover(&self, row: &RowId, column: ColumnId) -> Option<usize> {
        self.set.get(&(row.clone(), column)).or_else(|| self.came.get(row)).copied()
    }
}

impl Attempt<'_> {
    /// Notes what has moved since the last look, and who moved it.
    pub(super) fn explain(&mut self, by: &By) {
        let Some(recorder) = self.trace.take() else { return };
        self.note_moves(recorder, by, &BTreeMap::new());
        self.trace = Some(recorder);
    }

    /// Notes of which rows the actor may be told. What it takes to know that is not asked for.
    pub(super) fn explain_readable(&mut self) {
        let Some(recorder) = self.trace.take() else { return };
        let needs = (self.row_needs.clone(), self.other_needs.clone());
        for id in self.touched.keys().cloned().collect::<Vec<_>>() {
            if self.is_readable(&id) {
                recorder.trace.readable.insert(id);
            }
        }
        (self.row_needs, self.other_needs) = needs;
        self.trace = Some(recorder);
    }

    /// Notes what a derivation has moved, what it left as it was, and where it had nothing to do.
    pub(super) fn explain_derivation(&mut self, derivation: &Derivation) {
        let Some(recorder) = self.trace.take() else { return };
        let by = By::Rule(derivation.name.clone());
        let (causes, idle) = self.reasons(recorder, derivation);
        let moved = self.note_moves(recorder, &by, &causes);
        let failed =
            |id: &RowId| self.violations.iter().any(|v| v.id == *id && blames(&v.reason, derivation));
        for (id, causes) in causes.iter().filter(|(id, causes)| !causes.is_empty() && !moved.contains(*id)) {
            let effect = if failed(id) { Effect::Refused("it has no value".into()) } else { Effect::Same };
            recorder.push(id, &by, effect, causes);
        }
        for id in idle {
            recorder.push(&id, &by, Effect::Pruned, &Causes::new());
        }
        self.trace = Some(recorder);
    }

    /// Notes what a constraint came to on the rows on which it was judged, and which touched rows it had no reason to look at.
    pub(super) fn explain_checks(
        &mut self,
        index: usize,
        constraint: &Constraint,
        judged: &[(RowId, Image)],
    ) {
        let Some(recorder) = self.trace.take() else { return };
        let by = By::Rule(constraint.name.clone());
        let places = self.inputs(constraint);
        for (id, image) in judged {
            let causes = self.causes(recorder, id, &places);
            recorder.push(id, &by, self.verdict(index, constraint, id, image), &causes);
        }
        for id in self.standing(constraint.table).filter(|id| judged.iter().all(|(it, _)| it != *id)) {
            recorder.push(id, &by, Effect::Pruned, &Causes::new());
        }
        self.trace = Some(recorder);
    }

    fn verdict(&self, index: usize, constraint: &Constraint, id: &RowId, image: &Image) -> Effect {
        let refusal = self.violations.iter().filter(|v| v.id == *id).find_map(|v| match &v.reason {
            Reason::Constraint { constraint, message } if *constraint == index => Some(message),
            Reason::Uncomputable { rule, why } if *rule == constraint.name => Some(why),
            _ => None,
        });
        let scope = RowScope { attempt: self, id, image, at: At::After };
        let applies = |when: &Expr| eval::truth(when, &scope).is_ok_and(|truth| truth == Some(true));
        match refusal {
            Some(why) => Effect::Refused(why.clone()),
            None if constraint.when.as_ref().is_none_or(applies) => Effect::Held,
            None => Effect::NotApplied,
        }
    }

    /// Notes where a transition was taken, refused, or not looked at.
    pub(super) fn explain_transition(&mut self, index: usize, transition: &Transition) {
        let Some(recorder) = self.trace.take() else { return };
        let by = By::Rule(transition.name.clone());
        for id in self.standing(transition.table) {
            let why: Causes = recorder.mover(id, transition.column).into_iter().collect();
            let refused = |v: &Violation| match &v.reason {
                Reason::Transition { transition, .. } => v.id == *id && *transition == index,
                _ => false,
            };
            let effect = match self.violations.iter().any(refused) {
                true => Effect::Refused("no transition leads there".into()),
                false if why.is_empty() => Effect::Pruned,
                false => Effect::Held,
            };
            recorder.push(id, &by, effect, &why);
        }
        self.trace = Some(recorder);
    }

    /// The touched rows of a table that are not removed.
    fn standing(&self, table: TableId) -> impl Iterator<Item = &RowId> {
        self.touched.iter().filter(move |(id, t)| id.table == table && t.after.is_some()).map(|(id, _)| id)
    }

    /// Compares every touched row with what it was at the last look. The rows that moved.
    fn note_moves(
        &self,
        recorder: &mut Recorder,
        by: &By,
        causes: &BTreeMap<RowId, Causes>,
    ) -> BTreeSet<RowId> {
        let mut moved = BTreeSet::new();
        for (id, touched) in &self.touched {
            let known = recorder.seen.get(id).cloned();
            let (before, first) = match known {
                Some(image) => (image, false),
                None => (touched.before.clone(), true),
            };
            if !first && before == touched.after {
                continue;
            }
            let causes = match causes.get(id) {
                Some(causes) => causes.clone(),
                None => self.outer_causes(recorder, by, id),
            };
            if self.note_row(recorder, by, id, before.as_ref(), &causes) {
                moved.insert(id.clone());
            }
            recorder.seen.insert(id.clone(), touched.after.clone());
        }
        moved
    }

    fn note_row(
        &self,
        recorder: &mut Recorder,
        by: &By,
        id: &RowId,
        before: Option<&Image>,
        causes: &Causes,
    ) -> bool {
        let after = self.touched.get(id).and_then(|touched| touched.after.as_ref());
        let came = match (before, after) {
            (None, Some(_)) => Some(Effect::Inserted),
            (Some(_), None) => Some(Effect::Deleted),
            _ => None,
        };
        let mut moved = came.is_some();
        if let Some(effect) = came {
            let n = recorder.push(id, by, effect, causes);
            recorder.came.insert(id.clone(), n);
        }
        for (column, new) in after.into_iter().flat_map(Image::columns) {
            let old = before.and_then(|image| image.value(column));
            let (Some(new), true) = (new, new != old) else { continue };
            let old = old.cloned().unwrap_or(Value::Null);
            let n = recorder.push(id, by, Effect::Set { column, old, new: new.clone() }, causes);
            recorder.set.insert((id.clone(), column), n);
            moved = true;
        }
        moved
    }

    /// Why something other than a rule moved a row.
    fn outer_causes(&self, recorder: &Recorder, by: &By, id: &RowId) -> Causes {
        match by {
            By::Request => Causes::new(),
            By::ForeignKey => {
                let parents = self.engine.schema[id.table].relationships().filter(|(_, r)| r.to_one());
                let image = self.image_before(id);
                let goers = parents.filter_map(|(relationship, _)| {
                    let finder = self.parent_finder(id.table, image?, relationship)?;
                    let (key, _) = self.rows.find(&finder)??;
                    recorder.came.get(&RowId::existing(finder.table, key.clone())).copied()
                });
                goers.collect()
            }
            By::Default | By::Rule(_) => recorder.came.get(id).copied().into_iter().collect(),
        }
    }

    /// For each row that a derivation may move: why it would; and the rows that give it no reason.
    fn reasons(
        &mut self,
        recorder: &Recorder,
        derivation: &Derivation,
    ) -> (BTreeMap<RowId, Causes>, Vec<RowId>) {
        match &derivation.kind {
            DerivationKind::Aggregate(aggregate) => self.reasons_below(recorder, derivation, aggregate),
            kind => {
                let ids: Vec<RowId> = self.standing(derivation.table).cloned().collect();
                let on_insert = matches!(kind, DerivationKind::Default(_));
                let (mut causes, mut idle) = (BTreeMap::new(), Vec::new());
                for id in ids {
                    let is_new = self.touched.get(&id).is_some_and(|touched| touched.is_new());
                    let given = recorder.set.contains_key(&(id.clone(), derivation.column));
                    let why = match kind {
                        _ if on_insert && (given || !is_new) => Causes::new(),
                        _ if on_insert => recorder.came.get(&id).copied().into_iter().collect(),
                        DerivationKind::Step(_) if is_new => Causes::new(),
                        DerivationKind::Stamp { operations, .. } if !self.is_due(&id, *operations) => {
                            Causes::new()
                        }
                        DerivationKind::Stamp { .. } if is_new => {
                            recorder.came.get(&id).copied().into_iter().collect()
                        }
                        _ => self.causes(recorder, &id, &self.triggers(derivation)),
                    };
                    match why.is_empty() {
                        true if on_insert && !is_new => {}
                        true => idle.push(id),
                        false => _ = causes.insert(id, why),
                    }
                }
                (causes, idle)
            }
        }
    }

    /// An aggregate moves because of the rows below: those that came, went, moved away, or changed in what it reads.
    fn reasons_below(
        &mut self,
        recorder: &Recorder,
        derivation: &Derivation,
        aggregate: &Aggregate,
    ) -> (BTreeMap<RowId, Causes>, Vec<RowId>) {
        let (mut causes, mut idle): (BTreeMap<RowId, Causes>, _) = (BTreeMap::new(), Vec::new());
        for id in self.touched_in(derivation.table) {
            if let (Some(n), true) = (recorder.came.get(&id), self.image(&id).is_some()) {
                causes.entry(id).or_default().insert(*n);
            }
        }
        let mut inputs = self.engine.schema[aggregate.child][aggregate.parent].columns.clone();
        inputs.extend(aggregate.column());
        inputs.extend(aggregate.filter.iter().flat_map(Expr::places).map(|place| place.column));
        for id in self.touched_in(aggregate.child) {
            let Some(touched) = self.touched.get(&id).cloned() else { continue };
            let counting: Vec<&Image> = touched
                .before
                .iter()
                .chain(&touched.after)
                .filter(|image| self.counts(aggregate, &id, image))
                .collect();
            if counting.is_empty() || !touched.changed_any(&inputs) {
                idle.push(id);
                continue;
            }
            let why: Causes = inputs.iter().filter_map(|column| recorder.mover(&id, *column)).collect();
            for image in counting {
                if let Some(parent) = self.row_above(id.table, image, aggregate.parent) {
                    causes.entry(parent).or_default().extend(&why);
                }
            }
        }
        causes.retain(|parent, _| self.touched.get(parent).is_none_or(|touched| touched.after.is_some()));
        (causes, idle)
    }

    /// Whether a row counts below its parent.
    fn counts(&self, aggregate: &Aggregate, id: &RowId, image: &Image) -> bool {
        let scope = RowScope { attempt: self, id, image, at: At::After };
        aggregate
            .filter
            .as_ref()
            .is_none_or(|filter| eval::truth(filter, &scope).is_ok_and(|t| t == Some(true)))
    }

    /// The row at the other end of a to-one relationship, looked at or not.
    fn row_above(&mut self, table: TableId, image: &Image, relationship: RelationshipId) -> Option<RowId> {
        let finder = self.parent_finder(table, image, relationship)?;
        match self.row(finder.clone(), Hold::PLAIN) {
            Found::Row(id) => Some(id),
            Found::Unknown if finder.columns == self.engine.schema[finder.table].key => {
                Some(RowId::existing(finder.table, finder.values))
            }
            _ => None,
        }
    }

    /// What makes a rule over the row's own columns and those above be computed. A copy reads its parent only when the row comes to it.
    fn triggers(&self, derivation: &Derivation) -> Vec<Place> {
        let table = derivation.table;
        let own = |columns: &[ColumnId]| columns.iter().copied().map(Place::own).collect();
        match &derivation.kind {
            DerivationKind::Formula(expr) | DerivationKind::Default(expr) => expr.places(),
            DerivationKind::Copy { relationship, .. } => {
                own(&self.engine.schema[table][*relationship].columns)
            }
            DerivationKind::Stamp { .. } => own(self.engine.facts.watched(table)),
            DerivationKind::Step(expr) => expr.places_beside_old(derivation.column),
            DerivationKind::Aggregate(_) => Vec::new(),
        }
    }

    /// The steps that moved what some places read, seen from a row.
    fn causes(&mut self, recorder: &Recorder, id: &RowId, places: &[Place]) -> Causes {
        let mut causes = Causes::new();
        for place in places {
            let mut here = Some(id.clone());
            for relationship in &place.path {
                let Some(row) = here.take() else { break };
                let columns = &self.engine.schema[row.table][*relationship].columns;
                causes.extend(columns.iter().filter_map(|column| recorder.mover(&row, *column)));
                if let Some(Found::Row(parent)) = self.parent(&row, *relationship, Hold::PLAIN) {
                    here = Some(parent);
                }
            }
            causes.extend(here.and_then(|row| recorder.mover(&row, place.column)));
        }
        causes
    }
}

/// Whether a violation is that a derivation has no value, or none that fits.
fn blames(reason: &Reason, derivation: &Derivation) -> bool {
    match reason {
        Reason::Uncomputable { rule, .. } => *rule == derivation.name,
        Reason::Overflow { column, .. } => *column == derivation.column,
        _ => false,
    }
}
