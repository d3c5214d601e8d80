//! Violations and database errors → errors with their place in the request.

mod deny;
mod relate;

use dialects::{Kind, Value};
use introspect::{ColumnId, RelationshipId, Schema, TableId};
use rules::Expr;
use rules::change::{Action, Reason, RowId, Violation};
use rules::expr::eval::show;
use rules::rule::Transition;
use serde_json::Value as Json;

use crate::error::Source;
use crate::jsonapi::{encode, id, shape};
use crate::plan::write::{PlannedOperation, Shows, WritePlan, not_found, related_not_found};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors};

/// All violations of a write.
pub(super) fn violations(snapshot: &Snapshot, plan: &WritePlan, violations: &[Violation]) -> Errors {
    let error = |violation: &Violation| {
        let table = violation.id.table;
        Refusal { snapshot, plan, table, id: Some(&violation.id) }.violation(violation)
    };
    Errors::from_vec(violations.iter().map(error).collect())
        .unwrap_or_else(|| Error::new(ErrorCode::Internal, "The change was refused.").into())
}

/// An error of the database on a write.
pub(super) fn database(snapshot: &Snapshot, plan: &WritePlan, error: dialects::Error) -> Error {
    match (error.kind, concerned(&snapshot.schema, plan, &error)) {
        (Kind::Referenced, _) => referenced(snapshot, plan, error),
        (_, Some(table)) => Refusal { snapshot, plan, table, id: None }.database(error),
        (_, None) => Error::from(error),
    }
}

/// A row cannot go, because of the rows whose foreign key the database names.
fn referenced(snapshot: &Snapshot, plan: &WritePlan, error: dialects::Error) -> Error {
    let of = |table: &introspect::Table| error.table.as_ref().is_none_or(|name| *name == table.db.name);
    let named = snapshot.schema.iter().filter(|(_, table)| of(table)).find_map(|(by, table)| {
        let key = table.foreign_keys.iter().find(|key| error.constraint.as_ref() == Some(&key.name))?;
        let (relationship, _) =
            table.relationships().find(|(_, r)| r.to_one() && r.columns == key.columns)?;
        Some((by, relationship, key.target))
    });
    match named {
        Some((by, relationship, table)) => {
            let refusal = Refusal { snapshot, plan, table, id: None };
            refusal.still_referenced(by, relationship).at(refusal.removal()).logged(error.to_string())
        }
        None => Error::from(error),
    }
}

/// Whether a row that a foreign key names could not be added because it is there already.
pub(super) fn taken(snapshot: &Snapshot, table: TableId, error: &dialects::Error) -> bool {
    let columns = || unique_columns(&snapshot.schema[table], error);
    let names = |child: &introspect::Table, relationship: RelationshipId| {
        let mut named = child[relationship].target_columns.clone();
        named.sort();
        named
    };
    let mut created = snapshot.rules.created.iter().map(|(child, r)| (&snapshot.schema[*child], *r));
    let joined = || snapshot.schema[table].join_table && columns() == snapshot.schema[table].key;
    error.kind == Kind::Unique
        && (created.any(|(child, r)| child[r].target == table && names(child, r) == sorted(columns()))
            || joined())
}

/// Why a row that a foreign key names could not be added.
pub(super) fn creation(
    snapshot: &Snapshot,
    plan: &WritePlan,
    table: TableId,
    error: dialects::Error,
) -> Error {
    if snapshot.schema[table].join_table {
        return Refusal { snapshot, plan, table, id: None }.database(error);
    }
    let table = &snapshot.schema[table];
    let named = match error.kind {
        Kind::Unique => unique_columns(table, &error),
        _ => error.column.iter().filter_map(|name| db_column(table, name)).collect(),
    };
    let mut refused = Error::from(error);
    let names: Vec<String> = named.iter().map(|c| format!(" (`{}`)", table[*c].name)).collect();
    refused.detail =
        format!("The missing `{}` cannot be added: {}{}", table.name, refused.detail, names.concat());
    refused.at(whole(plan))
}

/// The resource of a request for one, else all operations.
fn whole(plan: &WritePlan) -> String {
    let mut places = plan.operations.iter().map(|operation| &operation.place);
    match (plan.operations.first(), places.next()) {
        (Some(first), Some(place)) if places.all(|other| other == place) => first.whole(),
        _ => OPERATIONS.into(),
    }
}

fn sorted(mut columns: Vec<ColumnId>) -> Vec<ColumnId> {
    columns.sort();
    columns
}

fn db_column(table: &introspect::Table, name: &str) -> Option<ColumnId> {
    table.columns().find(|(_, column)| column.db_name == name).map(|(id, _)| id)
}

/// The columns of a unique constraint that the database names: by its name, or (SQLite) by its columns.
fn unique_columns(table: &introspect::Table, error: &dialects::Error) -> Vec<ColumnId> {
    let Some(name) = &error.constraint else { return Vec::new() };
    if let Some(unique) = table.uniques.iter().find(|unique| unique.name == *name) {
        return unique.columns.clone();
    }
    let columns = name.split(", ").filter_map(|part| part.rsplit_once('.'));
    let listed: Vec<ColumnId> = columns.filter_map(|(_, column)| db_column(table, column)).collect();
    if listed.is_empty() { table.key.clone() } else { listed }
}

/// The table that an error of the database is about, of those that the request names.
fn concerned(schema: &Schema, plan: &WritePlan, error: &dialects::Error) -> Option<TableId> {
    let mut tables: Vec<TableId> =
        plan.operations.iter().flat_map(|operation| relate::written(schema, operation)).collect();
    tables.sort();
    tables.dedup();
    if let [only] = tables.as_slice() {
        return Some(*only);
    }
    let constraint = error.constraint.as_deref().unwrap_or_default();
    let by_name = |table: &TableId| {
        let table = &schema[*table];
        error.table.as_deref() == Some(table.db.name.as_str())
            || table.uniques.iter().any(|unique| unique.name == constraint)
            || table.foreign_keys.iter().any(|key| key.name == constraint)
            || constraint
                .rsplit_once('.')
                .is_some_and(|(of, _)| of.rsplit([' ', '.']).next() == Some(&table.db.name))
    };
    let mut named = tables.iter().filter(|table| by_name(table));
    match (named.next(), named.next()) {
        (Some(table), None) => Some(*table),
        _ => None,
    }
}

/// A column that cannot be written was sent with another value. Its place is that in the operation.
pub(super) fn fixed(snapshot: &Snapshot, operation: &PlannedOperation, column: ColumnId) -> Error {
    let name = member(&snapshot.schema, operation.id.table, column);
    let pointer = operation.pointers.get(&column).cloned().unwrap_or_else(|| "/data".into());
    Error::new(ErrorCode::ReadOnly, format!("`{name}` cannot be changed.")).at(pointer).about(&name)
}

/// A row as JSON, for an error's `meta`.
pub(super) fn current(snapshot: &Snapshot, table: TableId, values: &[Value]) -> Json {
    let document = encode::single_document(snapshot, table, values, &serde_json::Map::new());
    let parsed: Result<Json, _> = serde_json::from_slice(&document);
    parsed.ok().and_then(|mut json| json.get_mut("data").map(Json::take)).unwrap_or(Json::Null)
}

struct Refusal<'a> {
    snapshot: &'a Snapshot,
    plan: &'a WritePlan,
    /// The table that is concerned.
    table: TableId,
    /// The row, where it is known which.
    id: Option<&'a RowId>,
}

impl Refusal<'_> {
    fn schema(&self) -> &Schema {
        &self.snapshot.schema
    }

    /// With several operations every error says which it is about.
    fn violation(&self, violation: &Violation) -> Error {
        let error = self.refusal(violation);
        let place = self.pointer(&[]);
        let whole = matches!(violation.reason, Reason::TooManyRows { .. });
        match error.source == Source::None && !whole && place.starts_with(OPERATIONS) {
            true => error.at(place),
            false => error,
        }
    }

    fn refusal(&self, violation: &Violation) -> Error {
        let of_target = self.operations().next().is_some();
        match &violation.reason {
            Reason::NotFound => self.not_found(&violation.id),
            Reason::Forbidden { operation, after } => self.forbidden(&violation.id, *operation, *after),
            Reason::Locked { operation, column } => self.locked(&violation.id, *operation, *column),
            Reason::Unset { operation, column, why } => self.unset(&violation.id, *operation, *column, why),
            Reason::Unmovable { relationship, leaving } => {
                self.unmovable(&violation.id, *relationship, *leaving)
            }
            Reason::RelatedNotFound { relationship } => {
                self.related_not_found(violation.id.table, *relationship, of_target)
            }
            Reason::RelatedRemoved { relationship } => {
                self.related_removed(violation.id.table, *relationship, of_target)
            }
            Reason::StillReferenced { by, relationship } => self.still_referenced(*by, *relationship),
            Reason::Constraint { constraint, message } => self.constraint(*constraint, message, of_target),
            Reason::Transition { transition, from, to } => {
                match self.snapshot.rules.transitions.get(*transition) {
                    Some(transition) => self.transition(transition, from.as_ref(), to, of_target),
                    None => Error::new(ErrorCode::TransitionViolated, "No step leads to this state."),
                }
            }
            Reason::Stepped { column } => {
                let name = self.member(violation.id.table, *column);
                let detail =
                    format!("A rule moves `{name}` in this change, to another value than the one sent.");
                Error::new(ErrorCode::StepConflict, detail).at(self.pointer(&[*column])).about(&name)
            }
            Reason::Overflow { column, why } => {
                let error =
                    Error::new(ErrorCode::DerivedOverflow, self.overflow(violation.id.table, *column, why));
                self.about(error.at(self.pointer(&[])), violation.id.table, *column)
            }
            Reason::Uncomputable { rule, why } => {
                Error::new(ErrorCode::Uncomputable, self.uncomputable(violation.id.table, rule, why))
                    .at(self.pointer(&[]))
            }
            Reason::Removed { operation } => self.removed(*operation),
            Reason::Circle { column } => self.circle(&violation.id, *column),
            Reason::TooManyRows { rows_max } => {
                let detail = format!("The change touches more than {rows_max} rows.");
                Error::new(ErrorCode::TooManyRows, detail).with_meta("maximum", *rows_max)
            }
        }
    }

    /// The operations about the row, or about rows of the table where it is not known which.
    fn operations(&self) -> impl DoubleEndedIterator<Item = &PlannedOperation> {
        self.plan.operations.iter().filter(|operation| match self.id {
            Some(id) => operation.id == *id,
            None => operation.id.table == self.table,
        })
    }

    fn removed(&self, operation: usize) -> Error {
        let detail =
            "The request removes this resource: nothing else can be done to it, nor a new one take its id.";
        let error = Error::new(ErrorCode::OperationsConflict, detail);
        match self.plan.operations.get(operation) {
            Some(operation) => error.at(operation.place.clone()),
            None => error,
        }
    }

    fn circle(&self, id: &RowId, column: ColumnId) -> Error {
        let name = self.member(id.table, column);
        let detail = format!(
            "By `{name}` new resources refer to each other in a circle: none can be written first. Leave one `{name}` out, and set it in a later request."
        );
        Error::new(ErrorCode::OperationsConflict, detail).at(self.pointer(&[column])).about(&name)
    }

    /// A row that no operation is about is one to which a relationship is to lead.
    fn not_found(&self, id: &RowId) -> Error {
        let text = id.key().map(|key| id::format(&self.schema()[id.table], key)).unwrap_or_default();
        if let (None, Some(place)) = (self.operations().next(), self.named_at(id)) {
            return related_not_found(&self.schema()[id.table], &text).at(place);
        }
        let errors = not_found(self.snapshot, id.table, &text);
        errors.iter().next().cloned().unwrap_or_else(|| Error::new(ErrorCode::NotFound, "No such resource."))
    }

    fn related_not_found(&self, table: TableId, relationship: RelationshipId, of_target: bool) -> Error {
        let relationship = &self.schema()[table][relationship];
        if !shape::shown(self.schema(), relationship) {
            let detail = "A resource that this one is to refer to does not exist.";
            return Error::new(ErrorCode::RelatedNotFound, detail).at(self.pointer(&[]));
        }
        let target = &self.schema()[relationship.target].name;
        let detail =
            format!("The resource of type `{target}` that `{}` names does not exist.", relationship.name);
        let pointer = self.pointer(if of_target { &relationship.columns } else { &[] });
        Error::new(ErrorCode::RelatedNotFound, detail)
            .at(pointer)
            .with_meta("relationship", relationship.name.clone())
    }

    fn related_removed(&self, table: TableId, relationship: RelationshipId, of_target: bool) -> Error {
        let relationship = &self.schema()[table][relationship];
        let target = &self.schema()[relationship.target].name;
        let detail = format!(
            "The request removes the resource of type `{target}` that `{}` names: it does not come again.",
            relationship.name
        );
        let pointer = self.pointer(if of_target { &relationship.columns } else { &[] });
        Error::new(ErrorCode::OperationsConflict, detail)
            .at(pointer)
            .with_meta("relationship", relationship.name.clone())
    }

    fn still_referenced(&self, by: TableId, relationship: RelationshipId) -> Error {
        let schema = self.schema();
        let (child, parent) = (&schema[by], &schema[self.table]);
        let name = &child[relationship].name;
        let seen_from_here = parent.relationships.get(child[relationship].inverse.0 as usize);
        if child.hidden || child[relationship].hidden {
            let detail = format!("Other resources still refer to this `{}`.", parent.name);
            return Error::new(ErrorCode::StillReferenced, detail);
        }
        let detail =
            format!("Resources of type `{}` refer to this `{}` by `{name}`.", child.name, parent.name);
        let error = Error::new(ErrorCode::StillReferenced, detail).with_meta("type", child.name.clone());
        match seen_from_here.filter(|there| !there.hidden) {
            Some(relationship) => error.with_meta("relationship", relationship.name.clone()),
            None => error,
        }
    }

    fn constraint(&self, index: usize, message: &str, of_target: bool) -> Error {
        let constraint = self.snapshot.rules.constraints.get(index);
        let mut error = Error::new(ErrorCode::ConstraintViolated, message);
        let Some(constraint) = constraint else { return error };
        if let Some(code) = &constraint.code {
            error = error.with_meta("code", code.clone());
        }
        let own = |expr: &Expr| {
            expr.places().into_iter().filter(|p| p.path.is_empty()).map(|p| p.column).collect::<Vec<_>>()
        };
        let columns = match constraint.attribute {
            Some(column) => vec![column],
            None => own(&constraint.check),
        };
        error = error.at(self.pointer(if of_target { &columns } else { &[] }));
        let named = columns
            .iter()
            .find(|c| of_target && self.operations().any(|operation| operation.pointers.contains_key(c)))
            .or(constraint.attribute.as_ref());
        match named {
            Some(column) if self.is_shown(constraint.table, *column) => {
                error.about(&self.member(constraint.table, *column))
            }
            _ => {
                let sentence = error.detail.clone();
                error.with_meta("message", sentence)
            }
        }
    }

    /// What may follow is told too: most clients show it to people.
    fn transition(&self, rule: &Transition, from: Option<&Value>, to: &Value, of_target: bool) -> Error {
        if !self.is_shown(rule.table, rule.column) || !self.tells(rule.table) {
            let detail = "No step leads to the state that this would come to.";
            return Error::new(ErrorCode::TransitionViolated, detail).at(self.pointer(&[]));
        }
        let name = self.member(rule.table, rule.column);
        let of_other = format!("{}.{name}", self.schema()[rule.table].name);
        let subject = if of_target { &name } else { &of_other };
        let next: Vec<String> = rule.next(from).iter().map(state).collect();
        let (to, next_one) = (state(to), next.join(" or "));
        let detail = match from {
            None | Some(Value::Null) => {
                format!("`{subject}` cannot begin as {to}. A row begins as {next_one}.")
            }
            Some(from) if next.is_empty() => {
                format!("`{subject}` cannot go from {} to {to}: nothing follows.", state(from))
            }
            Some(from) => {
                format!("`{subject}` cannot go from {} to {to}. What may follow: {next_one}.", state(from))
            }
        };
        let columns = if of_target { vec![rule.column] } else { Vec::new() };
        Error::new(ErrorCode::TransitionViolated, detail).at(self.pointer(&columns)).about(&name)
    }

    /// The deepest member of the request that gave one of the columns (of several the last: it wins), else the resource object. Where it
    /// cannot be told which operation is to blame, all of them.
    fn pointer(&self, columns: &[ColumnId]) -> String {
        let given = |operation: &PlannedOperation| {
            let pointer = columns.iter().find_map(|column| operation.pointers.get(column))?;
            Some(format!("{}{pointer}", operation.place))
        };
        let sure = self.id.is_some();
        let mut givers = self.operations().rev().filter_map(given);
        match (givers.next(), givers.next()) {
            (Some(last), other) if sure || other.is_none() => return last,
            (Some(_), Some(_)) => return OPERATIONS.into(),
            _ => {}
        }
        if let Some(place) = self.id.and_then(|id| self.named_at(id)) {
            return place;
        }
        let mut about = self.operations().rev().filter(|operation| operation.shows != Shows::Part);
        match (about.next(), about.next()) {
            (Some(last), other) if sure || other.is_none() => last.whole(),
            _ => whole(self.plan),
        }
    }

    /// The one operation that removes a row of the table, else all of them.
    fn removal(&self) -> String {
        let mut removals = self.operations().filter(|operation| matches!(operation.action, Action::Delete));
        match (removals.next(), removals.next(), self.plan.operations.as_slice()) {
            (Some(only), None, _) | (_, _, [only]) => only.whole(),
            _ => OPERATIONS.into(),
        }
    }

    fn member(&self, table: TableId, column: ColumnId) -> String {
        member(self.schema(), table, column)
    }

    // ---- what the database says

    fn database(&self, error: dialects::Error) -> Error {
        match error.kind {
            Kind::Unique => self.duplicate(error),
            Kind::ForeignKey => self.foreign_key(error),
            Kind::NotNull => self.not_null(error),
            Kind::Data | Kind::Check => self.of_column(error),
            _ => Error::from(error),
        }
    }

    fn duplicate(&self, error: dialects::Error) -> Error {
        let table = &self.schema()[self.table];
        let columns = unique_columns(table, &error);
        let is_key = columns == table.key;
        if !is_key && !columns.iter().all(|column| self.is_shown(self.table, *column)) {
            let detail = format!("Another `{}` has the same already.", table.name);
            return Error::new(ErrorCode::Duplicate, detail).at(self.pointer(&[])).logged(error.to_string());
        }
        let names: Vec<String> =
            columns.iter().map(|c| format!("`{}`", self.member(self.table, *c))).collect();
        let what = if is_key { "id".to_owned() } else { names.join(", ") };
        let mut detail = format!("Another `{}` has this {what} already.", table.name);
        let gives =
            |operation: &&PlannedOperation| columns.iter().any(|c| operation.pointers.contains_key(c));
        if !is_key && self.operations().filter(gives).count() > 1 {
            detail.push_str(
                " If another operation gives it up, let that one go first, in a request of its own.",
            );
        }
        let refused =
            Error::new(ErrorCode::Duplicate, detail).at(self.pointer(&columns)).logged(error.to_string());
        match columns.first() {
            Some(column) if !is_key => refused.about(&self.member(self.table, *column)),
            _ => refused,
        }
    }

    fn foreign_key(&self, error: dialects::Error) -> Error {
        let table = &self.schema()[self.table];
        let named = error
            .constraint
            .as_ref()
            .and_then(|name| table.foreign_keys.iter().find(|key| key.name == *name));
        let relationship = named.and_then(|key| {
            table.relationships().find(|(_, r)| r.to_one() && r.columns == key.columns).map(|(id, _)| id)
        });
        let sets = self.operations().any(|operation| !matches!(operation.action, Action::Delete));
        match relationship {
            Some(relationship) if sets => {
                self.related_not_found(self.table, relationship, true).logged(error.to_string())
            }
            _ => Error::from(error),
        }
    }

    fn not_null(&self, error: dialects::Error) -> Error {
        self.at_column(&error, ErrorCode::Required, |name| format!("`{name}` is required."))
            .unwrap_or_else(|| Error::from(error))
    }

    fn of_column(&self, error: dialects::Error) -> Error {
        let code = Error::from(dialects::Error::new(error.kind, "")).code;
        let told = |name: &str| format!("The database does not accept this value of `{name}`.");
        self.at_column(&error, code, told).unwrap_or_else(|| Error::from(error))
    }

    fn at_column(
        &self,
        error: &dialects::Error,
        code: ErrorCode,
        detail: impl Fn(&str) -> String,
    ) -> Option<Error> {
        let table = &self.schema()[self.table];
        let name = error.column.as_ref()?;
        let (column, _) = table.columns().find(|(_, c)| c.db_name == *name)?;
        if !self.is_shown(self.table, column) {
            let refused = Error::new(code, "A value that is not yours to give is missing, or does not fit.");
            return Some(refused.at(self.pointer(&[])).logged(error.to_string()));
        }
        let name = self.member(self.table, column);
        let refused = Error::new(code, detail(&name)).at(self.pointer(&[column])).about(&name);
        Some(refused.logged(error.to_string()))
    }
}

fn state(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        value => format!("`{}`", show(value)),
    }
}

/// Where all operations stand.
const OPERATIONS: &str = "/atomic:operations";

/// What clients call a column: its attribute, or the relationship it belongs to.
fn member(schema: &Schema, table: TableId, column: ColumnId) -> String {
    let table = &schema[table];
    let relationship = table.relationships.iter().find(|r| r.to_one() && r.columns.contains(&column));
    match relationship {
        Some(relationship) if !table.key.contains(&column) => relationship.name.clone(),
        _ => table[column].name.clone(),
    }
}
