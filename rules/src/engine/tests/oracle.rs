//! What the rules mean, computed from whole tables: no steps, no pruning, no identity map.

mod judge;
mod relate;

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use dialects::Value;
use introspect::schema::Action as ForeignAction;
use introspect::{ColumnId, TableId};

use super::database::{At, Database};
use crate::change::{Action, Image, Operation, Request, RowId, RowRef};
use crate::expr::eval::{self, EvalError, Scope};
use crate::expr::{Event, Expr, Place};
use crate::policy::Actor;
use crate::rule::{Aggregate, AggregateFunction, Derivation, DerivationKind, RuleSet};

/// Why a value cannot be.
pub(super) type Bad = String;

/// A stored row as expressions see it.
struct Stored<'a> {
    database: &'a Database,
    table: TableId,
    image: &'a Image,
    /// As it was before the request; `None`: it is new.
    before: Option<&'a Image>,
    /// It is the row as it was: the request removes it.
    gone: bool,
    actor: Actor,
}

impl<'a> Stored<'a> {
    fn new(database: &'a Database, table: TableId, image: &'a Image) -> Self {
        Self { database, table, image, before: None, gone: false, actor: Actor::anonymous() }
    }
}

impl Scope for Stored<'_> {
    fn column(&self, place: &Place) -> Result<Value, EvalError> {
        let (mut table, mut image) = (self.table, self.image);
        for relationship in &place.path {
            let there = &self.database.schema[table][*relationship];
            let values = image.values(&there.columns).unwrap();
            let Some(above) = self.database.find(there.target, &there.target_columns, &values) else {
                return Ok(Value::Null);
            };
            (table, image) = (there.target, above);
        }
        Ok(image.value(place.column).unwrap().clone())
    }

    fn old(&self, column: ColumnId) -> Result<Value, EvalError> {
        Ok(self.before.map_or(Value::Null, |before| before.value(column).unwrap().clone()))
    }

    fn event(&self) -> Event {
        match self.before {
            _ if self.gone => Event::Deleting,
            Some(_) => Event::Updating,
            None => Event::Inserting,
        }
    }

    fn now(&self) -> NaiveDateTime {
        NaiveDateTime::default()
    }

    fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// Every derived column that is not what its rule says, every constraint that is false.
pub(super) fn wrong(rules: &RuleSet, database: &Database) -> Vec<String> {
    let mut wrong = Vec::new();
    for derivation in &rules.derivations {
        for (at, image) in database.table(derivation.table) {
            let stored = image.value(derivation.column).unwrap();
            match value(database, derivation, image) {
                Some(Ok(expect)) if expect == *stored => {}
                Some(other) => {
                    wrong.push(format!("{} of {:?}: {stored:?} not {other:?}", derivation.name, at.1))
                }
                None => {}
            }
        }
    }
    wrong.extend(judge::broken(rules, database));
    wrong
}

/// What an aggregate or a formula comes to; `None`: it depends on more than the rows as they stand.
pub(super) fn value(
    database: &Database,
    derivation: &Derivation,
    image: &Image,
) -> Option<Result<Value, Bad>> {
    let computed = match &derivation.kind {
        DerivationKind::Aggregate(aggregate) => aggregated(database, aggregate, derivation.table, image),
        DerivationKind::Formula(expr) => expression(database, expr, derivation.table, image),
        DerivationKind::Copy { .. }
        | DerivationKind::Default(_)
        | DerivationKind::Stamp { .. }
        | DerivationKind::Step(_) => return None,
    };
    Some(computed.and_then(|value| fitted(database, derivation, value)))
}

pub(super) fn fitted(database: &Database, derivation: &Derivation, value: Value) -> Result<Value, Bad> {
    let column = &database.schema[derivation.table][derivation.column];
    eval::fit(value, column, database.schema.dialect).map_err(|error| error.to_string())
}

pub(super) fn expression(
    database: &Database,
    expr: &crate::Expr,
    table: TableId,
    image: &Image,
) -> Result<Value, Bad> {
    eval::eval(expr, &Stored::new(database, table, image)).map_err(|error| error.to_string())
}

pub(super) fn aggregated(
    database: &Database,
    aggregate: &Aggregate,
    table: TableId,
    image: &Image,
) -> Result<Value, Bad> {
    let there = &database.schema[table][aggregate.relationship];
    let values = image.values(&there.columns).unwrap();
    let mut counting: Vec<&Image> = Vec::new();
    for (at, child) in database.matching(there.target, &there.target_columns, &values) {
        if counts(database, aggregate, at, child)? {
            counting.push(child);
        }
    }
    let given = |c: ColumnId| counting.iter().map(move |child| child.value(c).unwrap());
    let known = |c: ColumnId| given(c).filter(|value| !value.is_null()).cloned();
    Ok(match aggregate.function {
        AggregateFunction::Sum(c) => Value::Decimal(given(c).filter_map(Value::decimal).sum()),
        AggregateFunction::Count => Value::Int(counting.len() as i64),
        AggregateFunction::Min(c) => known(c).min().unwrap_or(Value::Null),
        AggregateFunction::Max(c) => known(c).max().unwrap_or(Value::Null),
        AggregateFunction::Exists => Value::Bool(!counting.is_empty()),
    })
}

fn counts(database: &Database, aggregate: &Aggregate, at: &At, child: &Image) -> Result<bool, Bad> {
    let Some(filter) = &aggregate.filter else { return Ok(true) };
    let row = Stored::new(database, at.0, child);
    eval::truth(filter, &row).map(|truth| truth == Some(true)).map_err(|error| error.to_string())
}

/// The rows after a request, or why there are none: the request's own values, what foreign keys carry along, then every derived
/// column of every row.
pub(super) fn apply(rules: &RuleSet, before: &Database, request: &Request) -> Result<Database, Bad> {
    let operations = net(&relate::plain(before, request)?)?;
    let mut after = before.clone();
    after.begin();
    for operation in &operations {
        match &operation.action {
            Action::Insert(values) => insert(rules, &mut after, &operation.id, values)?,
            Action::Update(values) => {
                let at = address(&after, operation);
                let values: Vec<_> = values.iter().map(|(c, value)| (*c, after.settled(value))).collect();
                let image = after.rows.get_mut(&at).ok_or("no such row")?;
                values.into_iter().for_each(|(column, value)| image.set(column, value));
            }
            Action::Delete if after.rows.contains_key(&address(&after, operation)) => {}
            Action::Delete => return Err("no such row".into()),
            Action::Relate(_) => panic!("it is plain by now"),
        }
    }
    let removed = operations.iter().filter(|o| matches!(o.action, Action::Delete));
    let removed = removed.map(|operation| address(&after, operation)).collect();
    remove(before, &mut after, removed);
    create(rules, before, &mut after)?;
    derive(rules, before, &mut after)?;
    for at in after.rows.keys() {
        after.refers_well(at)?;
    }
    keep_to_edges(rules, before, &after)?;
    match judge::refused(rules, before, &after).pop() {
        Some(constraint) => Err(constraint),
        None => Ok(after),
    }
}

/// The request with every new row as it is to be in the end: first what is added, in the order of what refers to what, then the rest.
fn net(request: &Request) -> Result<Vec<Operation>, Bad> {
    let (mut added, mut rest): (Vec<Operation>, Vec<Operation>) = (Vec::new(), Vec::new());
    for operation in &request.operations {
        if rest.iter().any(|o| o.id == operation.id && matches!(o.action, Action::Delete)) {
            return Err("it is removed already".into());
        }
        let new = added.iter_mut().find(|o| o.id == operation.id);
        match (&operation.action, new.map(|o| &mut o.action)) {
            (Action::Insert(_), _) => added.push(operation.clone()),
            (Action::Update(values), Some(Action::Insert(given))) => given.extend(values.clone()),
            _ => rest.push(operation.clone()),
        }
    }
    let mut ordered: Vec<Operation> = Vec::new();
    while !added.is_empty() {
        let waits =
            |o: &Operation| refers_to(o).iter().any(|n| added.iter().any(|a| a.id.row == RowRef::New(*n)));
        match added.iter().position(|o| !waits(o)) {
            Some(at) => ordered.push(added.remove(at)),
            None if added.iter().all(|o| rest.iter().any(|r| r.id == o.id)) => break,
            None => return Err("a circle".into()),
        }
    }
    // What turns in a circle and goes again is never there.
    rest.retain(|o| !added.iter().any(|a| a.id == o.id));
    let lost = |o: &Operation| refers_to(o).iter().any(|n| added.iter().any(|a| a.id.row == RowRef::New(*n)));
    match rest.iter().any(lost) {
        true => Err("it refers to a row that is never there".into()),
        false => Ok(ordered.into_iter().chain(rest).collect()),
    }
}

/// The new rows that an operation's values refer to.
fn refers_to(operation: &Operation) -> Vec<u32> {
    let (Action::Insert(values) | Action::Update(values)) = &operation.action else { return Vec::new() };
    let drawn = values.values().filter_map(|value| match value {
        Value::Drawn(drawn) => Some(drawn.row),
        _ => None,
    });
    drawn.collect()
}

fn address(database: &Database, operation: &Operation) -> At {
    match &operation.id.row {
        RowRef::Existing(key) => (operation.id.table, key.clone()),
        RowRef::New(n) => database.placed(*n),
        RowRef::Created(_) => panic!("no operation speaks of it"),
    }
}

fn insert(
    rules: &RuleSet,
    database: &mut Database,
    id: &RowId,
    values: &BTreeMap<ColumnId, Value>,
) -> Result<(), Bad> {
    let mut given = Image::empty(database.schema[id.table].columns.len());
    values.iter().for_each(|(column, value)| given.set(*column, value.clone()));
    let at = database.place(id, &given);
    for derivation in
        rules.derivations.iter().filter(|d| d.table == id.table && given.value(d.column).is_none())
    {
        if let DerivationKind::Default(expr) = &derivation.kind {
            let value = expression(database, expr, id.table, &database.rows[&at])?;
            let value = fitted(database, derivation, value)?;
            database.rows.get_mut(&at).unwrap().set(derivation.column, value);
        }
    }
    Ok(())
}

/// Rows that are named and missing come, where a rule says so, and so on upwards; not those that went.
fn create(rules: &RuleSet, before: &Database, after: &mut Database) -> Result<(), Bad> {
    let mut created = 0;
    while let Some((target, image)) = missing(rules, after) {
        let at = image.key(&after.schema, target).map(|key| (target, key));
        if at.is_some_and(|at| before.rows.contains_key(&at) || after.was_placed(&at)) {
            return Err("it went in the same request".into());
        }
        let values = image.columns().filter_map(|(column, value)| Some((column, value?.clone())));
        let id = RowId { table: target, row: RowRef::Created(created) };
        insert(rules, after, &id, &values.collect())?;
        created += 1;
    }
    Ok(())
}

/// The first row that is named and missing: what the foreign key tells of it.
fn missing(rules: &RuleSet, database: &Database) -> Option<(TableId, Image)> {
    for (table, relationship) in &rules.created {
        let there = &database.schema[*table][*relationship];
        for (_, child) in database.table(*table) {
            let values = child.values(&there.columns).unwrap();
            let null = values.iter().any(Value::is_null);
            if !null && database.find(there.target, &there.target_columns, &values).is_none() {
                let mut image = Image::empty(database.schema[there.target].columns.len());
                there.target_columns.iter().zip(values).for_each(|(c, value)| image.set(*c, value));
                return Some((there.target, image));
            }
        }
    }
    None
}

/// Rows go with those below them that pointed at them before and still do.
fn remove(before: &Database, after: &mut Database, mut going: Vec<At>) {
    while let Some(at) = going.pop() {
        let Some(image) = after.rows.remove(&at) else { continue };
        for (child, key) in before.keys_to(at.0) {
            let values = image.values(&key.target_columns).unwrap();
            let below = before.matching(child, &key.columns, &values).map(|(at, _)| at.clone());
            let points = |at: &At| {
                after.rows.get(at).is_some_and(|i| i.values(&key.columns).as_ref() == Some(&values))
            };
            let below: Vec<At> = below.filter(points).collect();
            match key.on_delete {
                ForeignAction::Cascade => going.extend(below),
                ForeignAction::SetNull | ForeignAction::SetDefault => {
                    below.iter().for_each(|at| after.detach(at, &key))
                }
                _ => {}
            }
        }
    }
}

fn derive(rules: &RuleSet, before: &Database, after: &mut Database) -> Result<(), Bad> {
    let asked = after.clone();
    for derivation in &rules.derivations {
        let rows: Vec<At> = after.table(derivation.table).map(|(at, _)| at.clone()).collect();
        for at in rows {
            let value = match &derivation.kind {
                DerivationKind::Copy { .. } => copied(before, after, derivation, &at).map(Ok),
                DerivationKind::Stamp { expr, operations } => {
                    let due = match before.rows.get(&at) {
                        None => operations.insert,
                        Some(_) => operations.update && moved(rules, before, &asked, &at),
                    };
                    due.then(|| since(before, after, derivation, expr, &at))
                }
                DerivationKind::Step(expr) => stepped(before, after, derivation, expr, &at),
                _ => value(after, derivation, &after.rows[&at]),
            };
            if let Some(value) = value {
                after.rows.get_mut(&at).unwrap().set(derivation.column, value?);
            }
        }
    }
    Ok(())
}

/// A value that may speak of the row before the request.
fn since(
    before: &Database,
    after: &Database,
    derivation: &Derivation,
    expr: &Expr,
    at: &At,
) -> Result<Value, Bad> {
    let row = Stored { before: before.rows.get(at), ..Stored::new(after, at.0, &after.rows[at]) };
    eval::eval(expr, &row).map_err(|error| error.to_string()).and_then(|v| fitted(after, derivation, v))
}

/// Whether the request changes something of a row that no rule sets.
fn moved(rules: &RuleSet, before: &Database, asked: &Database, at: &At) -> bool {
    let set = |c: &ColumnId| {
        rules.derivations.iter().any(|d| (d.table, d.column) == (at.0, *c) && !d.leaves_to_client())
    };
    let (old, new) = (&before.rows[at], &asked.rows[at]);
    asked.schema[at.0].columns().any(|(c, _)| !set(&c) && old.value(c) != new.value(c))
}

/// What a step comes to, where one of its inputs changed; what the request sets must be the same.
fn stepped(
    before: &Database,
    after: &Database,
    derivation: &Derivation,
    expr: &Expr,
    at: &At,
) -> Option<Result<Value, Bad>> {
    let old = before.rows.get(at)?.value(derivation.column);
    let inputs = expr.places_beside_old(derivation.column);
    if !inputs.iter().any(|place| differs(before, after, at, place)) {
        return None;
    }
    let value = since(before, after, derivation, expr, at);
    let given = after.rows[at].value(derivation.column);
    Some(match value {
        Ok(value) if given != old && given != Some(&value) => Err("set and stepped at once".into()),
        value => value,
    })
}

/// Whether a column changed, or a foreign key on the way to it.
fn differs(before: &Database, after: &Database, at: &At, place: &Place) -> bool {
    let mut at = at.clone();
    for relationship in &place.path {
        let there = &after.schema[at.0][*relationship];
        let values = after.rows[&at].values(&there.columns).unwrap();
        let was = before.rows.get(&at).map(|image| image.values(&there.columns).unwrap());
        if was.is_some_and(|was| was != values) {
            return true;
        }
        let Some((next, _)) = after.matching(there.target, &there.target_columns, &values).next() else {
            return false;
        };
        at = next.clone();
    }
    let now = after.rows[&at].value(place.column);
    before.rows.get(&at).is_some_and(|was| was.value(place.column) != now)
}

/// Every column with a transition moved along one of its edges.
fn keep_to_edges(rules: &RuleSet, before: &Database, after: &Database) -> Result<(), Bad> {
    for transition in &rules.transitions {
        for (at, image) in after.table(transition.table) {
            let to = image.value(transition.column).unwrap();
            let from = before.rows.get(at).map(|was| was.value(transition.column).unwrap().clone());
            let begins = matches!(from, None | Some(Value::Null)) && transition.initial.contains(to);
            let edge = |(a, all): &(Value, Vec<Value>)| Some(a) == from.as_ref() && all.contains(to);
            if from.as_ref() != Some(to) && !begins && !transition.edges.iter().any(edge) {
                return Err(format!("{} from {from:?} to {to:?}", transition.name));
            }
        }
    }
    Ok(())
}

/// The parent's value, where the row is new or has moved.
fn copied(before: &Database, after: &Database, derivation: &Derivation, at: &At) -> Option<Value> {
    let DerivationKind::Copy { relationship, column } = &derivation.kind else { return None };
    let there = &after.schema[derivation.table][*relationship];
    let values = after.rows[at].values(&there.columns).unwrap();
    if before.rows.get(at).and_then(|image| image.values(&there.columns)).as_ref() == Some(&values) {
        return None;
    }
    let parent = after.find(there.target, &there.target_columns, &values);
    Some(parent.and_then(|image| image.value(*column)).cloned().unwrap_or(Value::Null))
}
