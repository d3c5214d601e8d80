//! Rows, requests, changes and waves as lines of text: `items 3 quantity=2 unit_price=null`, `items 3: quantity 2 > 5`.

use std::collections::BTreeMap;

use dialects::value::Drawn;
use dialects::{Value, ValueType};
use introspect::{ColumnId, Schema, TableId};

use super::declare::decimal;
use crate::change::{
    Action, Change, Key, Membership, Operation, Reason, Relating, Request, RowId, RowRef, Violation,
};
use crate::engine::{Hold, Lookup, Of, ReadersLock, RowLock};
use crate::expr::eval::show;
use crate::policy::Actor;

/// `+items order_id=1 quantity=2`, `items 3 quantity=5`, `-items 3`: one operation a line or after a semicolon. `#1` is the second of the
/// rows that the request adds: `+items order_id=#1`, `orders #1 notes=x`. `orders 1 items:=2,#0` replaces, `:+` adds, `:-` takes away; with a
/// `!` behind it none may come or leave.
pub(super) fn request(schema: &Schema, text: &str) -> Request {
    let mut added = 0;
    let operations = lines(text).map(|line| operation(schema, line, &mut added)).collect();
    Request { operations, now: Default::default(), actor: Actor::anonymous(), guard: None, rows_max: 100 }
}

pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty())
}

/// A request as text.
pub(super) fn asked(schema: &Schema, request: &Request) -> String {
    let lines = request.operations.iter().map(|operation| {
        let name = name(schema, &operation.id);
        match &operation.action {
            Action::Insert(values) => format!("+{name} {}", pairs(schema, operation.id.table, values)),
            Action::Update(values) => format!("{name} {}", pairs(schema, operation.id.table, values)),
            Action::Delete => format!("-{name}"),
            Action::Relate(relating) => format!("{name} {}", related(schema, operation.id.table, relating)),
        }
    });
    lines.collect::<Vec<_>>().join("; ")
}

fn pairs(schema: &Schema, table: TableId, values: &BTreeMap<ColumnId, Value>) -> String {
    let pair = |(c, v): (&ColumnId, &Value)| format!("{}={}", schema[table][*c].name, show(v));
    values.iter().map(pair).collect::<Vec<_>>().join(" ")
}

fn related(schema: &Schema, table: TableId, relating: &Relating) -> String {
    let how = match relating.how {
        Membership::Replace => ":=",
        Membership::Add => ":+",
        Membership::Remove => ":-",
    };
    let rows: Vec<String> = relating.rows.iter().map(|row| name(schema, row)).collect();
    format!("{}{how}{}", schema[table][relating.relationship].name, rows.join(","))
}

/// `items:=2,#0`, where a line is a change of a relationship.
fn relating(schema: &Schema, line: &str) -> Option<Operation> {
    let (head, tail) = line.split_once(':').filter(|(head, _)| !head.contains('='))?;
    let (row, relationship) = head.rsplit_once(' ').unwrap();
    let (id, _) = self::row(schema, row);
    let relationship = schema[id.table].relationship(relationship).unwrap();
    let there = &schema[id.table][relationship];
    let (how, named) = tail.split_at(1);
    let how = match how {
        "=" => Membership::Replace,
        "+" => Membership::Add,
        _ => Membership::Remove,
    };
    let free = !named.ends_with('!');
    let named = named.trim_end_matches('!').split(',').filter(|key| !key.is_empty());
    let target = &schema[there.target].name;
    let rows = named.map(|key| self::row(schema, &format!("{target} {key}")).0).collect();
    let relating = Relating { relationship, how, rows, comes: free, leaves: free };
    Some(Operation { id, action: Action::Relate(relating) })
}

fn operation(schema: &Schema, line: &str, added: &mut u32) -> Operation {
    if let Some(relating) = relating(schema, line) {
        return relating;
    }
    if let Some(line) = line.strip_prefix('+') {
        let (table, rest) = line.split_once(' ').unwrap_or((line, ""));
        let table = schema.find(table).unwrap();
        *added += 1;
        let id = RowId::new(table, *added - 1);
        return Operation { id, action: Action::Insert(values(schema, table, rest)) };
    }
    let (id, values) = row(schema, line.trim_start_matches('-'));
    let action = if line.starts_with('-') { Action::Delete } else { Action::Update(values) };
    Operation { id, action }
}

/// `table key column=value …`; the parts of a key stand between slashes.
pub(super) fn row(schema: &Schema, line: &str) -> (RowId, BTreeMap<ColumnId, Value>) {
    let mut words = line.splitn(3, ' ');
    let table = schema.find(words.next().unwrap()).unwrap_or_else(|| panic!("{line}"));
    let columns = &schema[table].key;
    let named = words.next().unwrap();
    if let Some(n) = named.strip_prefix('#') {
        return (
            RowId::new(table, n.parse().unwrap()),
            values(schema, table, words.next().unwrap_or_default()),
        );
    }
    let key: Key = named.split('/').zip(columns).map(|(v, c)| value(schema, table, *c, v)).collect();
    (RowId::existing(table, key), values(schema, table, words.next().unwrap_or_default()))
}

fn values(schema: &Schema, table: TableId, text: &str) -> BTreeMap<ColumnId, Value> {
    let pair = |word: &str| {
        let (name, text) = word.split_once('=').unwrap();
        let column = schema[table].column(name).unwrap_or_else(|| panic!("{name}"));
        (column, value(schema, table, column, text))
    };
    text.split_whitespace().map(pair).collect()
}

fn value(schema: &Schema, table: TableId, column: ColumnId, text: &str) -> Value {
    match schema[table][column].ty {
        _ if text == "null" => Value::Null,
        _ if text.starts_with('#') => drawn(schema, table, column, text[1..].parse().unwrap()),
        ValueType::Int(_) => Value::Int(text.parse().unwrap()),
        ValueType::Decimal { .. } => decimal(text),
        ValueType::Date => Value::Date(text.parse().unwrap()),
        ValueType::Bool => Value::Bool(text.parse().unwrap()),
        _ => Value::text(text),
    }
}

/// What a foreign key's column holds when it is to point at the n-th new row.
fn drawn(schema: &Schema, table: TableId, column: ColumnId, row: u32) -> Value {
    let key = schema[table].foreign_keys.iter().find(|key| key.columns.contains(&column)).unwrap();
    let at = key.columns.iter().position(|c| *c == column).unwrap();
    Value::Drawn(Drawn { row, column: key.target_columns[at].0 })
}

pub(super) fn changes(schema: &Schema, changes: &[Change]) -> Vec<String> {
    changes.iter().map(|change| self::change(schema, change)).collect()
}

fn change(schema: &Schema, change: &Change) -> String {
    let table = &schema[change.id.table];
    let shown = |image: &Option<crate::change::Image>, c: ColumnId| {
        image.as_ref().and_then(|image| image.value(c)).map_or("?".into(), show)
    };
    let written = |c: &ColumnId| match &change.before {
        None => format!("{}={}", table[*c].name, shown(&change.after, *c)),
        Some(_) => format!("{} {} > {}", table[*c].name, shown(&change.before, *c), shown(&change.after, *c)),
    };
    let columns: Vec<String> = change.columns.iter().map(written).collect();
    match (&change.before, &change.after) {
        (None, _) => format!("+{} {}", table.name, columns.join(" ")),
        (Some(_), None) => format!("-{}", name(schema, &change.id)),
        _ => format!("{}: {}", name(schema, &change.id), columns.join(", ")),
    }
}

pub(super) fn name(schema: &Schema, id: &RowId) -> String {
    let table = &schema[id.table].name;
    match &id.row {
        RowRef::Existing(key) => format!("{table} {}", slashed(key)),
        RowRef::Created(n) => format!("{table} +{n}"),
        RowRef::New(n) => format!("{table} #{n}"),
    }
}

fn slashed(values: &[Value]) -> String {
    values.iter().map(show).collect::<Vec<_>>().join("/")
}

pub(super) fn violations(schema: &Schema, violations: &[Violation]) -> Vec<String> {
    let mut lines: Vec<String> = violations
        .iter()
        .map(|v| format!("{}: {}", name(schema, &v.id), reason(schema, v.id.table, &v.reason)))
        .collect();
    lines.sort();
    lines
}

fn reason(schema: &Schema, table: TableId, reason: &Reason) -> String {
    match reason {
        Reason::NotFound => "not found".into(),
        Reason::Forbidden { operation, after } => {
            format!("operation {operation} is not granted{}", if *after { " as it would be" } else { "" })
        }
        Reason::Locked { operation, column } => {
            format!("operation {operation} may not write {}", schema[table][*column].name)
        }
        Reason::Unset { operation, column, why } => {
            format!("operation {operation} leaves {} unset: {why:?}", schema[table][*column].name)
        }
        Reason::RelatedNotFound { relationship } => format!("no such {}", schema[table][*relationship].name),
        Reason::Unmovable { relationship, leaving } => {
            let verb = if *leaving { "leave" } else { "come to" };
            format!("cannot {verb} its {}", schema[table][*relationship].name)
        }
        Reason::RelatedRemoved { relationship } => {
            format!("{} goes in the same request", schema[table][*relationship].name)
        }
        Reason::StillReferenced { by, relationship } => {
            format!("still {} of {}", schema[*by][*relationship].name, schema[*by].name)
        }
        Reason::Constraint { message, .. } => message.clone(),
        Reason::Transition { from, to, .. } => {
            format!("from {} to {}", from.as_ref().map_or("nothing".into(), show), show(to))
        }
        Reason::Stepped { column } => format!("{} is moved by its step", schema[table][*column].name),
        Reason::Overflow { column, why } => format!("{} {why}", schema[table][*column].name),
        Reason::Uncomputable { rule, why } => format!("{rule}: {why}"),
        Reason::Removed { operation } => format!("removed before operation {operation}"),
        Reason::Circle { column } => format!("{} leads in a circle", schema[table][*column].name),
        Reason::TooManyRows { rows_max } => format!("more than {rows_max} rows"),
    }
}

/// One wave: `orders 1 change`, `customers 1 change+write`, `items of order_id=1`, `default of orders.status`.
pub(super) fn wave(schema: &Schema, lookups: &[Lookup]) -> String {
    lookups.iter().map(|lookup| self::lookup(schema, lookup)).collect::<Vec<_>>().join("; ")
}

fn lookup(schema: &Schema, lookup: &Lookup) -> String {
    match lookup {
        Lookup::Row(row) => {
            let table = &schema[row.finder.table].name;
            format!("{table} {}{}", slashed(&row.finder.values), hold(row.hold))
        }
        Lookup::Children { list, .. } => {
            let table = &schema[list.table];
            let columns: Vec<&str> = list.columns.iter().map(|c| table[*c].name.as_str()).collect();
            format!("{} of {}={}", table.name, columns.join("/"), slashed(&list.values))
        }
        Lookup::Extreme(extreme) => {
            let table = &schema[extreme.table];
            let row = RowId::existing(extreme.table, extreme.key.clone());
            let except: Vec<String> = extreme.except.iter().map(|key| slashed(key)).collect();
            let of = match extreme.of {
                Of::Rule(column) => table[column].name.clone(),
                Of::Referrers(child, _) => format!("any {}", schema[child].name),
            };
            let but = if except.is_empty() { "" } else { " but " };
            format!("{of} of {}{but}{}", name(schema, &row), except.join(", "))
        }
        Lookup::Default(of) => {
            format!("default of {}.{}", schema[of.table].name, schema[of.table][of.column].name)
        }
    }
}

fn hold(hold: Hold) -> String {
    let row = match hold.row {
        RowLock::None => "",
        RowLock::Referenced => " referenced",
        RowLock::Change => " change",
        RowLock::Remove => " remove",
    };
    let readers = match hold.readers {
        ReadersLock::None => "",
        ReadersLock::Read => " read",
        ReadersLock::Write => " write",
    };
    format!("{row}{readers}")
}
