//! One attempt: the rows touched so far, what is missing, what is wrong.
//!
//! An attempt never stops at the first thing it lacks: it goes on with what it has, so that one wave fetches as much as possible.

use std::collections::{BTreeMap, HashMap, HashSet};

use dialects::Value;
use indexmap::{IndexMap, IndexSet};
use introspect::{ColumnId, RelationshipId, TableId};

use super::circle::Levels;
use super::create::Missing;
use super::explain::Recorder;
use super::mend::Mend;
use super::rows::{ChildList, Extreme, Finder, Hold, ReadersLock, RowLock, Rows};
use super::{Engine, Lookup, Outcome, Phase, RowLookup};
use crate::change::{Action, Image, Operation, Reason, Request, RowId, RowRef, Violation};
use crate::rule::Derivation;
use crate::trace::By;

pub(super) struct Attempt<'a> {
    pub(super) engine: Engine<'a>,
    pub(super) request: &'a Request,
    pub(super) rows: &'a Rows,
    phase: Phase,
    /// Every row that changes, in the order in which it was first touched.
    pub(super) touched: IndexMap<RowId, Touched>,
    pub(super) violations: Vec<Violation>,
    /// What the actor is not granted: told before, and instead of, all else that is wrong.
    pub(super) denials: Vec<Violation>,
    /// The rows at the other ends of to-many relationships that an operation moves.
    pub(super) related: Vec<(usize, RowId)>,
    /// The rows of join tables that operations add or remove.
    pub(super) paired: Vec<(usize, RowId)>,
    /// What an expression lacked without anything being asked for: a gap that must refuse, never pass.
    pub(super) gap: Option<Violation>,
    /// The rows that were there and that the request itself changes.
    pub(super) moved: HashSet<RowId>,
    /// The rows that go, in the order in which that was found out.
    pub(super) removed: Vec<RowId>,
    /// What those were that came and went.
    pub(super) passed: Vec<(TableId, Image)>,
    /// The rows that are added because foreign keys or relationships name them.
    pub(super) created: HashMap<Finder, RowId>,
    /// What names those that are to be added, too.
    pub(super) missing: Missing,
    /// The rows that come, by table.
    pub(super) added: BTreeMap<TableId, Vec<RowId>>,
    /// A list of children is longer than what one transaction may touch.
    pub(super) crowded: bool,
    /// What is computed anew, when that is all.
    pub(super) mend: Option<&'a Mend>,
    /// Where the attempt is told, when somebody asks why.
    pub(super) trace: Option<&'a mut Recorder>,
    pub(super) row_needs: BTreeMap<Finder, RowLookup>,
    pub(super) other_needs: IndexSet<Lookup>,
}

/// A row that changes.
#[derive(Clone, Debug)]
pub(super) struct Touched {
    /// As first locked; `None`: new.
    pub(super) before: Option<Image>,
    /// As it is now; `None`: removed.
    pub(super) after: Option<Image>,
}

/// What looking for a row came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is not known yet; the need is noted.
    Unknown,
    /// There is none.
    Absent,
    /// This one.
    Row(RowId),
}

impl Touched {
    /// Whether a column differs, or the row is new or gone.
    pub(super) fn changed(&self, column: ColumnId) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => before.value(column) != after.value(column),
            _ => true,
        }
    }

    pub(super) fn changed_any(&self, columns: &[ColumnId]) -> bool {
        columns.iter().any(|c| self.changed(*c))
    }

    pub(super) fn is_new(&self) -> bool {
        self.before.is_none()
    }
}

impl<'a> Attempt<'a> {
    pub(super) fn new(engine: Engine<'a>, request: &'a Request, rows: &'a Rows, phase: Phase) -> Self {
        Self {
            engine,
            request,
            rows,
            phase,
            touched: IndexMap::new(),
            violations: Vec::new(),
            denials: Vec::new(),
            related: Vec::new(),
            paired: Vec::new(),
            gap: None,
            moved: HashSet::new(),
            removed: Vec::new(),
            passed: Vec::new(),
            created: HashMap::new(),
            missing: Missing::new(),
            added: BTreeMap::new(),
            crowded: false,
            mend: None,
            trace: None,
            row_needs: BTreeMap::new(),
            other_needs: IndexSet::new(),
        }
    }

    /// What the request comes to, with these rows added; or which more are missing.
    pub(super) fn run(mut self, missing: &Missing) -> Result<Outcome, Missing> {
        self.create(missing);
        self.explain(&By::ForeignKey);
        self.join(missing);
        for (index, operation) in self.request.operations.iter().enumerate() {
            self.apply(index, operation);
        }
        self.take_up();
        self.guard_named();
        if !self.denials.is_empty() {
            return Ok(self.denied());
        }
        self.explain(&By::Request);
        self.carry_removals();
        self.check_removed_keys();
        self.explain(&By::ForeignKey);
        self.note_moved();
        self.derive();
        self.look_for_related();
        if self.crowded || self.touched.len() > self.request.rows_max {
            return Ok(self.too_many_rows());
        }
        if !self.missing.is_empty() {
            return Err(self.missing);
        }
        self.check_references();
        let levels = self.order_new_rows();
        self.guard_settled();
        if !self.denials.is_empty() {
            return Ok(self.denied());
        }
        self.explain_readable();
        if self.mend.is_none() {
            self.check();
            self.check_transitions();
        }
        Ok(self.outcome(&levels))
    }

    fn outcome(mut self, levels: &Levels) -> Outcome {
        if self.lacks() {
            return self.needs();
        }
        self.violations.extend(self.gap.take());
        if !self.violations.is_empty() {
            self.violations.dedup();
            return Outcome::Violated(self.violations);
        }
        Outcome::Done(super::order::changes(&self.engine, self.touched, levels))
    }

    pub(super) fn lacks(&self) -> bool {
        !self.row_needs.is_empty() || !self.other_needs.is_empty()
    }

    fn needs(self) -> Outcome {
        let rows = self.row_needs.into_values().map(Lookup::Row);
        Outcome::Need(rows.chain(self.other_needs).collect())
    }

    /// What is not granted, once it is sure. Nothing else is told of such a request.
    fn denied(mut self) -> Outcome {
        if self.lacks() {
            return self.needs();
        }
        // Of a row that must not be changed it does not matter what to.
        let named: HashSet<&RowId> = self.request.operations.iter().map(|operation| &operation.id).collect();
        let forbidden = |denial: &Violation| matches!(denial.reason, Reason::Forbidden { after: false, .. });
        if self.denials.iter().any(forbidden) {
            self.denials.retain(|denial| forbidden(denial) || named.contains(&denial.id));
        }
        self.denials.dedup();
        Outcome::Violated(self.denials)
    }

    fn too_many_rows(self) -> Outcome {
        let reason = Reason::TooManyRows { rows_max: self.request.rows_max };
        let asked = self.request.operations.first().map(|operation| operation.id.clone());
        let id = asked.or_else(|| self.touched.keys().next().cloned());
        Outcome::Violated(id.map(|id| Violation { id, reason }).into_iter().collect())
    }

    fn apply(&mut self, index: usize, operation: &Operation) {
        match &operation.action {
            Action::Insert(values) => self.insert(&operation.id, values),
            Action::Update(values) => self.update(index, &operation.id, values),
            Action::Delete => self.delete(index, &operation.id),
            Action::Relate(relating) => self.relate(index, &operation.id, relating),
        }
    }

    fn insert(&mut self, id: &RowId, values: &BTreeMap<ColumnId, Value>) {
        let mut image = Image::empty(self.engine.schema[id.table].columns.len());
        values.iter().for_each(|(column, value)| image.set(*column, value.clone()));
        self.add(id, image);
    }

    /// A new row, with what is known of it.
    pub(super) fn add(&mut self, id: &RowId, image: Image) {
        self.touched.insert(id.clone(), Touched { before: None, after: Some(image) });
        self.added.entry(id.table).or_default().push(id.clone());
    }

    fn update(&mut self, index: usize, id: &RowId, values: &BTreeMap<ColumnId, Value>) {
        let hold = self.hold_to_set(id.table, &self.moving(id, values));
        let Some(found) = self.target(index, id, hold) else { return };
        if !self.is_what_was_named(id, &found) {
            return;
        }
        for (column, value) in values {
            self.put(&found, *column, value.clone());
        }
    }

    /// The columns that an update moves, as far as is known. Many clients send the whole object back: what stays needs no firm lock.
    fn moving(&self, id: &RowId, values: &BTreeMap<ColumnId, Value>) -> Vec<ColumnId> {
        let known = id.key().and_then(|key| self.rows.row(id.table, key));
        let moves = |(column, value): &(&ColumnId, &Value)| {
            known.and_then(|known| known.image.value(**column)) != Some(*value)
        };
        values.iter().filter(moves).map(|(column, _)| *column).collect()
    }

    /// A row that the request adds cannot be named by a key that nobody has given it: what came of it could not be told.
    pub(super) fn is_what_was_named(&mut self, id: &RowId, found: &RowId) -> bool {
        let is_other = id.key().is_some() && found.key().is_none();
        if is_other {
            self.violate(id.clone(), Reason::NotFound);
        }
        !is_other
    }

    fn delete(&mut self, index: usize, id: &RowId) {
        match self.target(index, id, self.hold_to_remove(id.table)) {
            Some(id) => {
                if self.takes_a_place(&id) {
                    self.violate(id.clone(), Reason::Removed { operation: index });
                }
                self.remove(&id);
            }
            None => self.foresee_children(id),
        }
    }

    /// Whether a new row has the key of one that is there: which of them is to go?
    fn takes_a_place(&mut self, id: &RowId) -> bool {
        let image = self.image(id).filter(|_| id.key().is_none());
        let key = image.and_then(|image| image.key(self.engine.schema, id.table));
        let known = key.filter(|key| !key.iter().any(|value| matches!(value, Value::Drawn(_))));
        known.is_some_and(|key| self.hold(&RowId::existing(id.table, key), Hold::PLAIN))
    }

    /// Holds a row of which the key is known; `false`: not known yet, or vanished meanwhile.
    pub(super) fn hold(&mut self, id: &RowId, hold: Hold) -> bool {
        let Some(key) = id.key() else { return true };
        let finder = Finder::by_key(self.engine.schema, id.table, key.clone());
        let columns = self.columns(id.table);
        self.stored(finder, columns, hold) == Found::Row(id.clone())
    }

    /// The row that an operation names, touched. One that an operation before it removes is gone for good.
    pub(super) fn target(&mut self, index: usize, id: &RowId, hold: Hold) -> Option<RowId> {
        let id = self.named(id, hold)?;
        if !self.is_shown(&id)? {
            self.violate(id, Reason::NotFound);
            return None;
        }
        if self.image(&id).is_none() {
            self.violate(id, Reason::Removed { operation: index });
            return None;
        }
        Some(id)
    }

    /// A row by the name that an operation has for it. It is loaded whole: its answer shows it.
    fn named(&mut self, id: &RowId, hold: Hold) -> Option<RowId> {
        let RowRef::Existing(key) = &id.row else { return self.touched.contains_key(id).then(|| id.clone()) };
        let finder = Finder::by_key(self.engine.schema, id.table, key.clone());
        let columns: Vec<ColumnId> =
            self.engine.schema[id.table].stored().map(|(column, _)| column).collect();
        match self.row_with(finder, columns, hold) {
            Found::Unknown => None,
            // A row that comes only because another names it is none that the request can speak of.
            Found::Absent | Found::Row(RowId { row: RowRef::Created(_), .. }) => {
                self.violate(id.clone(), Reason::NotFound);
                None
            }
            Found::Row(id) => {
                self.touch(&id);
                Some(id)
            }
        }
    }

    /// What is computed anew, and by which rule.
    pub(super) fn mending(&self) -> Option<(&'a Mend, &'a Derivation)> {
        let mend = self.mend?;
        Some((mend, self.engine.rules.derivations.get(mend.derivation)?))
    }

    // ---- looking

    /// Looks for a row with the columns that rules on its table know of.
    pub(super) fn row(&mut self, finder: Finder, hold: Hold) -> Found {
        let columns = self.columns(finder.table);
        self.row_with(finder, columns, hold)
    }

    fn row_with(&mut self, finder: Finder, columns: Vec<ColumnId>, hold: Hold) -> Found {
        match finder.is_drawn() || self.added(&finder).is_some() {
            true => self.found(&finder),
            false => self.stored(finder, columns, hold),
        }
    }

    /// Likewise, among the rows that the database holds.
    fn stored(&mut self, finder: Finder, columns: Vec<ColumnId>, hold: Hold) -> Found {
        match self.rows.find(&finder) {
            None => {
                self.need_row(finder, columns, hold);
                Found::Unknown
            }
            Some(None) => {
                let found = self.found(&finder);
                // Seen before the locks: looked for again, but that it was not there tells what will be needed.
                if self.phase == Phase::Locked && !self.rows.is_still_absent(&finder) {
                    self.need_row(finder, columns, hold);
                }
                found
            }
            Some(Some((key, known))) => {
                let id = RowId::existing(finder.table, key.clone());
                if !known.image.has(&columns) {
                    self.need_row(finder, columns, hold.join(known.hold));
                    return Found::Unknown;
                }
                // Held too weakly: needed again, but what it holds now tells what else will be.
                if self.phase == Phase::Locked && !known.hold.covers(hold) {
                    self.need_row(finder, columns, hold);
                }
                Found::Row(id)
            }
        }
    }

    /// Where a finder leads, as far as is known: to a row that the request adds, to one that the database holds, or to one that comes because
    /// it is named so.
    pub(super) fn found(&self, finder: &Finder) -> Found {
        if let Some(id) = self.added(finder) {
            return Found::Row(id);
        }
        match self.rows.find(finder) {
            None if !finder.is_drawn() => Found::Unknown,
            None | Some(None) => self.created(finder).map_or(Found::Absent, Found::Row),
            Some(Some((key, _))) => Found::Row(RowId::existing(finder.table, key.clone())),
        }
    }

    fn need_row(&mut self, finder: Finder, columns: Vec<ColumnId>, hold: Hold) {
        match self.row_needs.get_mut(&finder) {
            Some(lookup) => {
                lookup.hold = lookup.hold.join(hold);
                lookup.columns.extend(columns);
                lookup.columns.sort();
                lookup.columns.dedup();
            }
            None => {
                self.row_needs.insert(finder.clone(), RowLookup { finder, columns, hold });
            }
        }
    }

    /// The row at the other end of a to-one relationship as it stands now; `None`: the foreign key is null.
    pub(super) fn parent(&mut self, id: &RowId, relationship: RelationshipId, hold: Hold) -> Option<Found> {
        let image = self.image(id)?.clone();
        self.parent_of(id.table, &image, relationship, hold)
    }

    /// Likewise, of an image.
    pub(super) fn parent_of(
        &mut self,
        table: TableId,
        image: &Image,
        relationship: RelationshipId,
        hold: Hold,
    ) -> Option<Found> {
        self.parent_finder(table, image, relationship).map(|finder| self.row(finder, hold))
    }

    /// What names the row at the other end; `None`: the foreign key is null.
    pub(super) fn parent_finder(
        &self,
        table: TableId,
        image: &Image,
        relationship: RelationshipId,
    ) -> Option<Finder> {
        let relationship = &self.engine.schema[table][relationship];
        let values = image.values(&relationship.columns)?;
        let finder =
            Finder { table: relationship.target, columns: relationship.target_columns.clone(), values };
        (!finder.values.iter().any(Value::is_null)).then_some(finder)
    }

    /// The rows that point at one of these rows now: those that always did and those that came. What is not known yet is left out.
    pub(super) fn children(
        &mut self,
        parents: &[RowId],
        child: TableId,
        relationship: RelationshipId,
    ) -> IndexSet<RowId> {
        let there = &self.engine.schema[child][relationship];
        let mut children = IndexSet::new();
        for parent in parents {
            children.extend(self.children_left(parent, child, relationship));
            if children.len() > self.request.rows_max {
                self.crowded = true;
                return IndexSet::new();
            }
        }
        let keys: HashSet<Vec<Value>> = parents
            .iter()
            .filter_map(|parent| self.image_before(parent)?.values(&there.target_columns))
            .collect();
        for (id, touched) in self.touched.iter().filter(|(id, _)| id.table == child) {
            let now = touched.after.as_ref().and_then(|image| image.values(&there.columns));
            if now.is_some_and(|values| keys.contains(&values)) {
                children.insert(id.clone());
            }
        }
        children
    }

    /// The rows that the database lists below a row, less those that have moved away or gone; none while they are not known yet.
    pub(super) fn children_left(
        &mut self,
        parent: &RowId,
        child: TableId,
        relationship: RelationshipId,
    ) -> Vec<RowId> {
        let there = &self.engine.schema[child][relationship];
        let key = self.image_before(parent).and_then(|image| image.values(&there.target_columns));
        let Some(values) = key else { return Vec::new() };
        let list = ChildList { table: child, columns: there.columns.clone(), values };
        let mut children = self.list(list).unwrap_or_default();
        self.crowded |= children.len() > self.request.rows_max;
        children.retain(|id| self.touched.get(id).is_none_or(|t| !t.changed_any(&there.columns)));
        children
    }

    /// What the database lists. `None`: not known yet.
    pub(super) fn list(&mut self, list: ChildList) -> Option<Vec<RowId>> {
        let table = list.table;
        let known = self.rows.list(&list).map(|(keys, fresh)| {
            (keys.iter().map(|key| RowId::existing(table, key.clone())).collect::<Vec<_>>(), fresh)
        });
        if !self.serves(known.as_ref().map(|(_, fresh)| *fresh)) {
            let columns = self.columns(table);
            self.need(Lookup::Children { list, columns });
        }
        known.map(|(ids, _)| ids)
    }

    /// What the database says of the children that are left alone. `None`: not known yet.
    pub(super) fn extreme_left(&mut self, extreme: Extreme) -> Option<Value> {
        let known = self.rows.extreme(&extreme).map(|(value, fresh)| (value.clone(), fresh));
        if !self.serves(known.as_ref().map(|(_, fresh)| *fresh)) {
            self.need(Lookup::Extreme(extreme));
        }
        known.map(|(value, _)| value)
    }

    /// Whether an answer that is fresh or not, if there is one, will do. An old one still tells what else will be needed.
    fn serves(&self, fresh: Option<bool>) -> bool {
        fresh.is_some_and(|fresh| fresh || self.phase == Phase::Discover)
    }

    pub(super) fn need(&mut self, lookup: Lookup) {
        self.other_needs.insert(lookup);
    }

    /// A row as it stands now; `None`: removed or not known.
    pub(super) fn image(&self, id: &RowId) -> Option<&Image> {
        match self.touched.get(id) {
            Some(touched) => touched.after.as_ref(),
            None => id.key().and_then(|key| self.rows.row(id.table, key)).map(|known| &known.image),
        }
    }

    /// A row as the database holds it.
    pub(super) fn image_before(&self, id: &RowId) -> Option<&Image> {
        match self.touched.get(id) {
            Some(touched) => touched.before.as_ref(),
            None => id.key().and_then(|key| self.rows.row(id.table, key)).map(|known| &known.image),
        }
    }

    // ---- changing

    /// Counts a row that is known among the touched ones.
    pub(super) fn touch(&mut self, id: &RowId) {
        if self.touched.contains_key(id) {
            return;
        }
        let image = id.key().and_then(|key| self.rows.row(id.table, key)).map(|known| known.image.clone());
        self.touched.insert(id.clone(), Touched { before: image.clone(), after: image });
    }

    /// Sets a column of a row; a row that was removed stays removed.
    pub(super) fn put(&mut self, id: &RowId, column: ColumnId, value: Value) {
        self.touch(id);
        if let Some(image) = self.touched.get_mut(id).and_then(|touched| touched.after.as_mut()) {
            image.set(column, value);
        }
    }

    /// How firmly a row must be held to set these columns.
    pub(super) fn hold_to_set(&self, table: TableId, columns: &[ColumnId]) -> Hold {
        let unique = |c: &ColumnId| self.engine.schema[table].uniques.iter().any(|u| u.columns.contains(c));
        Hold {
            row: if columns.iter().any(unique) { RowLock::Remove } else { RowLock::Change },
            readers: match columns.iter().any(|c| self.engine.facts.read_from_below(table, *c)) {
                true => ReadersLock::Write,
                false => ReadersLock::None,
            },
        }
    }

    /// How firmly a row must be held to remove it.
    pub(super) fn hold_to_remove(&self, table: TableId) -> Hold {
        let facts = self.engine.facts;
        let read = self.engine.schema[table].columns().any(|(c, _)| facts.read_from_below(table, c))
            || facts.referrers(table).iter().any(|referrer| !referrer.enforced);
        Hold { row: RowLock::Remove, readers: if read { ReadersLock::Write } else { ReadersLock::None } }
    }

    /// Where the actor is not granted everything, a row that does not exist is told as one that they may not see: alone.
    pub(super) fn violate(&mut self, id: RowId, reason: Reason) {
        let guarded = self.request.guard.is_some();
        let absent = matches!(reason, Reason::NotFound | Reason::RelatedNotFound { .. });
        let violation = Violation { id, reason };
        match guarded && absent {
            true => self.denials.push(violation),
            false => self.violations.push(violation),
        }
    }

    /// The touched rows of a table, removed ones included.
    pub(super) fn touched_in(&self, table: TableId) -> Vec<RowId> {
        self.touched.keys().filter(|id| id.table == table).cloned().collect()
    }
}
