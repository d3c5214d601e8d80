//! Writes: what can be told without the rows is refused at once, what is preset is put in, and the rest becomes the [`Guard`] that the engine
//! judges the rows by.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::NaiveDateTime;
use dialects::Value;
use introspect::schema::RelationshipKind;
use introspect::{ColumnId, Relationship, RelationshipId, Schema, TableId};
use rules::change::{Action, RowId};
use rules::expr::eval;
use rules::policy::{Allowed, Authority, Choice, Grant, Grants, Guard, Unset};

use super::Who;
use super::seen::Row;
use crate::plan::write::{PlannedOperation, Verb, WritePlan, needed_columns};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// Refuses what is granted for no row of a table. A view is refused for what it is.
pub fn may(snapshot: &Snapshot, table: TableId, verb: Verb) -> Result<()> {
    match grants(&snapshot.authority, table, verb).is_some_and(Grants::is_nothing) {
        true => Err(forbidden(&snapshot.schema, table, verb).into()),
        false => Ok(()),
    }
}

/// The columns of new rows that are preset, whatever else is granted: clients need not give them.
pub fn presets(snapshot: &Snapshot, table: TableId) -> BTreeSet<ColumnId> {
    let grants = grants(&snapshot.authority, table, Verb::Create).into_iter().flat_map(|grants| &grants.any);
    grants.flat_map(|grant| &grant.presets).map(|(column, _)| *column).collect()
}

/// What the rows are judged by, nothing where no access rules are configured; and whether nothing about them has to be judged.
pub(super) fn guard(
    plan: &mut WritePlan,
    snapshot: &Snapshot,
    who: &Who,
    now: NaiveDateTime,
) -> Result<(Option<Guard>, bool)> {
    if who.authority.is_open() {
        return Ok((None, true));
    }
    let added = added(&snapshot.schema, plan);
    let restriction = Restriction { snapshot, who, now, added };
    let (mut operations, mut errors) = (Vec::new(), Vec::new());
    for operation in &mut plan.operations {
        match restriction.allowed(operation) {
            Ok(allowed) => operations.push(allowed),
            Err(refused) => errors.extend(refused.under(&operation.place)),
        }
    }
    if let Some(errors) = Errors::from_vec(errors) {
        return Err(errors);
    }
    let mut judged = plan.operations.iter().zip(&operations);
    let free = judged.all(|(operation, allowed)| restriction.is_free(operation, allowed));
    Ok((Some(Guard { authority: who.authority.clone(), operations }), free))
}

/// What clients give to a row that the request adds, by whichever operation.
#[derive(Debug, Default)]
struct Added {
    columns: BTreeSet<ColumnId>,
    relationships: BTreeSet<RelationshipId>,
}

/// By the row. A new row that a to-many relationship comes to lead to is given its foreign key by that.
fn added(schema: &Schema, plan: &WritePlan) -> BTreeMap<RowId, Added> {
    let mut added: BTreeMap<RowId, Added> = BTreeMap::new();
    let is_new = |id: &RowId| id.key().is_none();
    for operation in &plan.operations {
        match &operation.action {
            Action::Insert(values) | Action::Update(values) if is_new(&operation.id) => {
                added.entry(operation.id.clone()).or_default().columns.extend(values.keys());
            }
            Action::Relate(relating) => {
                if is_new(&operation.id) {
                    let of = added.entry(operation.id.clone()).or_default();
                    of.relationships.insert(relating.relationship);
                }
                let there = &schema[operation.id.table][relating.relationship];
                let by_foreign_key = !matches!(there.kind, RelationshipKind::ManyToMany { .. });
                for row in relating.rows.iter().filter(|row| by_foreign_key && is_new(row)) {
                    added.entry(row.clone()).or_default().columns.extend(&there.target_columns);
                }
            }
            _ => {}
        }
    }
    added
}

struct Restriction<'a> {
    snapshot: &'a Snapshot,
    who: &'a Who,
    now: NaiveDateTime,
    added: BTreeMap<RowId, Added>,
}

impl Added {
    fn fits(&self, grant: &Grant) -> bool {
        grant.locked.is_disjoint(&self.columns) && grant.locked_relationships.is_disjoint(&self.relationships)
    }
}

impl Restriction<'_> {
    fn schema(&self) -> &Schema {
        &self.snapshot.schema
    }

    fn grants(&self, table: TableId, verb: Verb) -> Grants {
        grants(&self.who.authority, table, verb).cloned().unwrap_or_default()
    }

    /// What allows an operation. What is done to a row that the request adds is part of its addition.
    fn allowed(&self, operation: &mut PlannedOperation) -> Result<Allowed> {
        let (id, is_new) = (operation.id.clone(), operation.id.key().is_none());
        let verb = match &operation.action {
            Action::Insert(_) => Verb::Create,
            Action::Delete => Verb::Delete,
            Action::Update(_) | Action::Relate(_) if is_new => Verb::Create,
            Action::Update(_) | Action::Relate(_) => Verb::Update,
        };
        if let Action::Delete = operation.action
            && is_new
        {
            return Ok(Allowed::default());
        }
        may(self.snapshot, id.table, verb)?;
        let grants = self.grants(id.table, verb);
        let relationship = match &operation.action {
            Action::Relate(relating) => Some(relating.relationship),
            _ => None,
        };
        let grants = self.for_relationship(grants, id.table, relationship);
        let grants = grants.map_err(|errors| errors.map(|error| error.at(operation.data.clone())))?;
        Ok(match verb {
            Verb::Create => self.creation(operation, grants)?,
            Verb::Update => self.update(operation, grants),
            Verb::Delete => Allowed { grants, ..Allowed::default() },
        })
    }

    /// A grant counts for all that is given to the row, or not at all.
    fn creation(&self, operation: &mut PlannedOperation, grants: Grants) -> Result<Allowed> {
        let nothing = Added::default();
        let all = self.added.get(&operation.id).unwrap_or(&nothing);
        let (fitting, others): (Vec<Grant>, Vec<Grant>) =
            grants.any.into_iter().partition(|grant| all.fits(grant));
        if fitting.is_empty() {
            return Err(self.read_only(operation, &others));
        }
        let any = fitting.into_iter().map(|grant| Grant { locked: BTreeSet::new(), ..grant }).collect();
        Ok(self.preset(operation, Grants { any, ..grants }))
    }

    /// What no grant lets be written is fine as long as it says what the row holds: it is compared under the row's lock.
    fn update(&self, operation: &mut PlannedOperation, grants: Grants) -> Allowed {
        if let Action::Update(values) = &mut operation.action {
            let is_locked = |column: &ColumnId| grants.any.iter().all(|grant| grant.locked.contains(column));
            let unchanged = values.extract_if(.., |column, _| is_locked(column));
            operation.unchanged.extend(unchanged);
        }
        self.preset(operation, grants)
    }

    /// Puts in what the first grants set in the client's place. Where they do not allow the row as it will be, the next ones do, with what they set.
    fn preset(&self, operation: &mut PlannedOperation, grants: Grants) -> Allowed {
        let (table, is_new) = (operation.id.table, operation.id.key().is_none());
        let given = given(&operation.action);
        let choices = match &operation.action {
            Action::Insert(_) => self.choices(table, &grants, || self.needed(operation)),
            Action::Update(_) if !is_new => self.choices(table, &grants, Vec::new),
            Action::Relate(relating) => self.members(table, relating.relationship),
            Action::Update(_) | Action::Delete => VecDeque::new(),
        };
        let allowed = Allowed { grants, given, choices };
        operation.preset = allowed.choices.iter().any(|choice| !choice.presets.is_empty());
        if let Action::Insert(values) | Action::Update(values) = &mut operation.action {
            values.extend(allowed.presets().map(|(column, value)| (*column, value.clone())));
        }
        allowed
    }

    /// The columns of a new row that must have a value and have none yet.
    fn needed(&self, operation: &PlannedOperation) -> Vec<ColumnId> {
        let elsewhere = self.added.get(&operation.id).map(|added| &added.columns);
        let open = |column: &ColumnId| {
            !operation.pointers.contains_key(column) && !elsewhere.is_some_and(|given| given.contains(column))
        };
        needed_columns(self.snapshot, operation.id.table).filter(open).collect()
    }

    /// What allows rows to come to a to-many relationship, or to leave it, by what that sets of them.
    fn members(&self, table: TableId, relationship: RelationshipId) -> VecDeque<Choice> {
        let there = &self.schema()[table][relationship];
        match (there.kind, grants(&self.who.authority, there.target, Verb::Update)) {
            (RelationshipKind::ManyToMany { .. }, _) | (_, None) => VecDeque::new(),
            (_, Some(grants)) => self.choices(there.target, grants, Vec::new),
        }
    }

    /// Grants by what they set, in the order of the files; those that set nothing come after the others, so that what one of them sets need not be given,
    /// and those that leave a column without a value come last. None, where none sets anything. `needed`: the columns that must get one.
    fn choices(
        &self,
        table: TableId,
        grants: &Grants,
        needed: impl FnOnce() -> Vec<ColumnId>,
    ) -> VecDeque<Choice> {
        let mut choices: VecDeque<Choice> = VecDeque::new();
        if grants.any.iter().all(|grant| grant.presets.is_empty()) {
            return choices;
        }
        let needed = needed();
        for grant in &grants.any {
            let (presets, unset) = self.presets(table, grant, &needed);
            match choices.iter_mut().find(|choice| choice.presets == presets && choice.unset == unset) {
                Some(choice) => choice.grants.any.push(grant.clone()),
                None => {
                    let grants = Grants { any: vec![grant.clone()], filters: grants.filters.clone() };
                    choices.push_back(Choice { grants, presets, unset });
                }
            }
        }
        choices.make_contiguous().sort_by_key(|choice| (choice.unset.is_some(), choice.presets.is_empty()));
        choices
    }

    /// What a grant sets, and a column that has no value then.
    fn presets(
        &self,
        table: TableId,
        grant: &Grant,
        needed: &[ColumnId],
    ) -> (BTreeMap<ColumnId, Value>, Option<(ColumnId, Unset)>) {
        let row = Row { values: &[], actor: &self.who.actor, now: self.now };
        let (mut presets, mut unset) = (BTreeMap::new(), None);
        for (column, expr) in &grant.presets {
            let of = &self.schema()[table][*column];
            let value = eval::eval(expr, &row).map_err(|error| error.to_string());
            let fitting = value.and_then(|value| {
                eval::fit(value, of, self.schema().dialect).map_err(|error| error.to_string())
            });
            match fitting {
                Ok(value) => _ = presets.insert(*column, value),
                Err(why) => unset = unset.or(Some((*column, Unset::Unfit(why)))),
            }
        }
        let missing = needed.iter().find(|column| !presets.contains_key(*column));
        let unset = unset.or_else(|| Some((*missing?, Unset::Missing)));
        (presets, unset)
    }

    /// The grants that let a relationship be written.
    fn for_relationship(
        &self,
        grants: Grants,
        table: TableId,
        relationship: Option<RelationshipId>,
    ) -> Result<Grants> {
        let Some(relationship) = relationship else { return Ok(grants) };
        let there = &self.schema()[table][relationship];
        let fits = |grant: &Grant| !grant.locked_relationships.contains(&relationship);
        let any: Vec<Grant> = grants.any.into_iter().filter(fits).collect();
        if any.is_empty() || self.is_locked_there(there) {
            let detail = format!("You may not change `{}`.", there.name);
            return Err(Error::new(ErrorCode::ReadOnly, detail).about(&there.name).into());
        }
        Ok(Grants { any, ..grants })
    }

    /// Whether a pair of a join table is read-only from its other side, where rows there may be changed.
    fn is_locked_there(&self, there: &Relationship) -> bool {
        let grants = self.grants(there.target, Verb::Update);
        let mut locks = grants.any.iter().map(|grant| grant.locked_relationships.contains(&there.inverse));
        matches!(there.kind, RelationshipKind::ManyToMany { .. })
            && !grants.any.is_empty()
            && locks.all(|locks| locks)
    }

    /// Tells each column that no grant lets be written; or that no one grant lets all of them.
    fn read_only(&self, operation: &PlannedOperation, grants: &[Grant]) -> Errors {
        let always = |column: &&ColumnId| grants.iter().all(|grant| grant.locked.contains(column));
        let error = |column: &ColumnId| {
            let name = shown_name(self.schema(), operation.id.table, *column);
            let pointer = operation.pointers.get(column).cloned().unwrap_or_else(|| operation.data.clone());
            Error::new(ErrorCode::ReadOnly, format!("You may not set {name}.")).at(pointer)
        };
        let given = given(&operation.action);
        let errors: Vec<Error> = given.keys().filter(always).map(error).collect();
        Errors::from_vec(errors).unwrap_or_else(|| {
            let detail = "Nothing that is granted to you lets all of this be set at once.";
            Error::new(ErrorCode::Forbidden, detail).at(operation.data.clone()).into()
        })
    }

    /// Whether nothing about the rows has to be judged.
    fn is_free(&self, operation: &PlannedOperation, allowed: &Allowed) -> bool {
        let authority = &self.who.authority;
        let open = |table: TableId| authority.reads_all(table);
        let table = &self.schema()[operation.id.table];
        let leads = |columns: &[ColumnId]| columns.iter().any(|column| allowed.given.contains_key(column));
        let named = table.relationships().filter(|(_, there)| there.to_one() && leads(&there.columns));
        let removes_new = matches!(operation.action, Action::Delete) && operation.id.key().is_none();
        let is_relation = matches!(operation.action, Action::Relate(_));
        removes_new
            || (allowed.chosen().is_free()
                && allowed.unset().is_none()
                && !is_relation
                && open(operation.id.table)
                && named.map(|(_, there)| there.target).all(open))
    }
}

/// What allows a verb; `None`: nothing needs to.
fn grants(authority: &Authority, table: TableId, verb: Verb) -> Option<&Grants> {
    authority.table(table).map(|allowed| match verb {
        Verb::Create => &allowed.create,
        Verb::Update => &allowed.update,
        Verb::Delete => &allowed.delete,
    })
}

fn given(action: &Action) -> BTreeMap<ColumnId, Value> {
    match action {
        Action::Insert(values) | Action::Update(values) => values.clone(),
        Action::Delete | Action::Relate(_) => BTreeMap::new(),
    }
}

fn forbidden(schema: &Schema, table: TableId, verb: Verb) -> Error {
    let what = match verb {
        Verb::Create => "add",
        Verb::Update => "change",
        Verb::Delete => "remove",
    };
    Error::new(
        ErrorCode::Forbidden,
        format!("You may not {what} resources of type `{}`.", schema[table].name),
    )
}

/// A column by the name that whoever asks knows, if they do.
pub fn shown_name(schema: &Schema, table: TableId, column: ColumnId) -> String {
    let table = &schema[table];
    match table[column].hidden {
        true => format!("an attribute of `{}`", table.name),
        false => format!("`{}`", table[column].name),
    }
}
