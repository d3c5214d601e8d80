//! The random worlds of the rules' own tests in a real database: tables, rule files and requests as clients send them.

use std::collections::BTreeMap;

use dialects::{Dialect, Value, ValueType};
use http::Method;
use introspect::schema::Action as ForeignAction;
use introspect::{ColumnId, Relationship, RelationshipId, Schema, Table, TableId};
use proxy::exchange::Request as Sent;
use rules::change::{Action, Membership, Operation, Relating, Request, RowId, RowRef};
use rules::engine::game::Game;
use rules::expr::{BinaryOp, Event, Expr, Function, Place};
use rules::rule::{Aggregate, AggregateFunction, Derivation, DerivationKind, Operations, RuleSet};
use serde_json::{Map, Number, Value as Json, json};

use crate::client;

/// The tables, in an order in which each stands after those it refers to.
pub fn ddl(game: &Game, dialect: Dialect) -> String {
    let schema = game.schema();
    schema.iter().map(|(id, table)| create(game, id, table, dialect)).collect::<Vec<_>>().join("\n")
}

fn create(game: &Game, id: TableId, table: &Table, dialect: Dialect) -> String {
    let mut lines: Vec<String> = table.columns().map(|(c, _)| declared(game, id, c, dialect)).collect();
    for key in &table.foreign_keys {
        let on_delete = match key.on_delete {
            ForeignAction::Cascade => "cascade",
            ForeignAction::SetNull => "set null",
            _ => "no action",
        };
        let target = &game.schema()[key.target].name;
        let column = &table[key.columns[0]].name;
        lines.push(format!("foreign key ({column}) references {target} (id) on delete {on_delete}"));
    }
    format!("create table {} (\n  {}\n);", table.name, lines.join(",\n  "))
}

fn declared(game: &Game, table: TableId, column: ColumnId, dialect: Dialect) -> String {
    let there = &game.schema()[table][column];
    let ty = match there.ty {
        ValueType::Int(_) if dialect == Dialect::Sqlite => "int",
        ValueType::Int(_) => "integer",
        ValueType::Decimal { precision: Some(precision), scale: Some(scale) } => {
            return format!("{} decimal({precision},{scale})", there.name);
        }
        ValueType::Bool => "boolean",
        other => panic!("{other:?}"),
    };
    let rest = match game.default_of(table, column) {
        _ if game.schema()[table].key.contains(&column) => " not null primary key".to_owned(),
        Some(value) => format!(" default {}", number(value)),
        None => String::new(),
    };
    format!("{} {ty}{rest}", there.name)
}

/// The rules as a file over the schema that was read from the database, whose relationships may have other names.
pub fn file(game: &Game, schema: &Schema) -> String {
    let names = Names { here: game.schema(), there: schema };
    let RuleSet { derivations, constraints, transitions, .. } = game.rules();
    let (mut derive, mut default, mut stamp) = (Map::new(), Map::new(), Map::new());
    let (mut constrain, mut transition) = (Map::new(), Map::new());
    for derivation in derivations {
        let expression = names.derivation(derivation);
        let (into, entry) = match &derivation.kind {
            DerivationKind::Default(_) => (&mut default, expression.into()),
            DerivationKind::Stamp { operations, .. } => {
                (&mut stamp, json!({"as": expression, "operations": watched(*operations)}))
            }
            DerivationKind::Aggregate(aggregate) => {
                let created = game.rules().created_by(aggregate.child, aggregate.parent);
                (&mut derive, json!({"as": expression, "insert_parent": created}))
            }
            _ => (&mut derive, expression.into()),
        };
        into.insert(derivation.name.clone(), entry);
    }
    for rule in transitions {
        let mut states = Map::new();
        states.insert("initial".into(), rule.initial.iter().map(json_of).collect());
        for (from, to) in &rule.edges {
            states.insert(number(from), to.iter().map(json_of).collect());
        }
        let table = &game.schema()[rule.table];
        transition.insert(format!("{}.{}", table.name, table[rule.column].name), states.into());
    }
    for constraint in constraints {
        let mut entry = json!({
            "check": names.expr(constraint.table, &constraint.check), "message": "refused",
            "operations": watched(constraint.operations)
        });
        // Where nothing above is read, there is nothing to leave alone.
        let above = |expr: &Expr| expr.places().iter().any(|place| !place.path.is_empty());
        if constraint.conditions().any(above) {
            entry["recheck"] = constraint.recheck.into();
        }
        if let Some(when) = &constraint.when {
            entry["when"] = names.expr(constraint.table, when).into();
        }
        let table = game.schema()[constraint.table].name.clone();
        let list = constrain.entry(table).or_insert_with(|| json!([]));
        list.as_array_mut().unwrap().push(entry);
    }
    // JSON is YAML; but what stands in quotes would be a state of that name.
    json!({"derive": derive, "default": default, "stamp": stamp, "constrain": constrain, "transition": transition})
        .to_string()
        .replace("\"initial\":", "initial: ")
}

fn watched(operations: Operations) -> Vec<&'static str> {
    let named = [(operations.insert, "insert"), (operations.update, "update"), (operations.delete, "delete")];
    named.into_iter().filter_map(|(watched, name)| watched.then_some(name)).collect()
}

struct Names<'a> {
    here: &'a Schema,
    there: &'a Schema,
}

impl Names<'_> {
    fn derivation(&self, derivation: &Derivation) -> String {
        let table = derivation.table;
        match &derivation.kind {
            DerivationKind::Aggregate(aggregate) => self.aggregate(table, aggregate),
            DerivationKind::Formula(expr)
            | DerivationKind::Default(expr)
            | DerivationKind::Step(expr)
            | DerivationKind::Stamp { expr, .. } => self.expr(table, expr),
            DerivationKind::Copy { relationship, column } => {
                let place = Place { path: vec![*relationship], column: *column };
                format!("copy({})", self.place(table, &place))
            }
        }
    }

    fn aggregate(&self, table: TableId, aggregate: &Aggregate) -> String {
        let children = self.relationship(table, aggregate.relationship);
        let of = |column: ColumnId| format!("{children}.{}", self.here[aggregate.child][column].name);
        let what = match aggregate.function {
            AggregateFunction::Sum(column) => format!("sum({}", of(column)),
            AggregateFunction::Min(column) => format!("min({}", of(column)),
            AggregateFunction::Max(column) => format!("max({}", of(column)),
            AggregateFunction::Count => format!("count({children}"),
            AggregateFunction::Exists => format!("exists({children}"),
        };
        match &aggregate.filter {
            Some(filter) => format!("{what} where {})", self.expr(aggregate.child, filter)),
            None => format!("{what})"),
        }
    }

    /// The relationship over the same columns.
    fn relationship(&self, table: TableId, id: RelationshipId) -> String {
        let wanted = &self.here[table][id];
        let same = |r: &&Relationship| {
            r.target == wanted.target
                && r.columns == wanted.columns
                && r.target_columns == wanted.target_columns
                && r.to_one() == wanted.to_one()
        };
        self.there[table].relationships.iter().find(same).unwrap().name.clone()
    }

    fn place(&self, table: TableId, place: &Place) -> String {
        let (mut at, mut names) = (table, Vec::new());
        for hop in &place.path {
            names.push(self.relationship(at, *hop));
            at = self.here[at][*hop].target;
        }
        names.push(self.here[at][place.column].name.clone());
        names.join(".")
    }

    fn expr(&self, table: TableId, expr: &Expr) -> String {
        let text = |e: &Expr| self.expr(table, e);
        match expr {
            Expr::Literal(value) => number(value),
            Expr::Column(place) => self.place(table, place),
            Expr::Old(column) => format!("old.{}", self.here[table][*column].name),
            Expr::Event(Event::Inserting) => "inserting".into(),
            Expr::Event(Event::Updating) => "updating".into(),
            Expr::Event(Event::Deleting) => "deleting".into(),
            Expr::Changed(columns) => {
                let names: Vec<&str> = columns.iter().map(|c| self.here[table][*c].name.as_str()).collect();
                format!("changed({})", names.join(", "))
            }
            Expr::Binary(op, a, b) => format!("({} {} {})", text(a), operator(*op), text(b)),
            Expr::IsNull(e, true) => format!("({} is null)", text(e)),
            Expr::IsNull(e, false) => format!("({} is not null)", text(e)),
            Expr::Call(Function::Coalesce, args) => {
                format!("coalesce({})", args.iter().map(text).collect::<Vec<_>>().join(", "))
            }
            Expr::Case(arms, otherwise) => {
                let arms: Vec<String> = arms
                    .iter()
                    .map(|(when, then)| format!("when {} then {}", text(when), text(then)))
                    .collect();
                let otherwise = otherwise.as_ref().map(|e| format!(" else {}", text(e))).unwrap_or_default();
                format!("case {}{otherwise} end", arms.join(" "))
            }
            other => panic!("no random rule holds {other:?}"),
        }
    }
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Eq => "=",
        BinaryOp::Ne => "<>",
        other => panic!("no random rule holds {other:?}"),
    }
}

fn number(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Int(number) => number.to_string(),
        Value::Decimal(number) => number.to_plain_string(),
        other => panic!("no random rule holds {other:?}"),
    }
}

/// The request as a client sends it.
pub fn sent(game: &Game, schema: &Schema, request: &Request) -> Sent {
    let names = Names { here: game.schema(), there: schema };
    let ids = Ids::of(schema, request);
    match request.operations.as_slice() {
        [one] => single(&names, &ids, one),
        many => client::operations_request(many.iter().map(|one| operation(&names, &ids, one)).collect()),
    }
}

/// The ids of the rows that a request adds.
struct Ids(BTreeMap<RowRef, String>);

impl Ids {
    fn of(schema: &Schema, request: &Request) -> Self {
        let added = request.operations.iter().filter_map(|operation| match &operation.action {
            Action::Insert(values) => {
                let key = schema[operation.id.table].key[0];
                Some((operation.id.row.clone(), number(&values[&key])))
            }
            _ => None,
        });
        Self(added.collect())
    }

    fn id(&self, row: &RowRef) -> String {
        match row {
            RowRef::Existing(key) => number(&key[0]),
            row => self.0[row].clone(),
        }
    }
}

fn single(names: &Names<'_>, ids: &Ids, operation: &Operation) -> Sent {
    let schema = names.there;
    let collection = format!("/api/{}", schema[operation.id.table].name);
    let resource = format!("{collection}/{}", ids.id(&operation.id.row));
    let document = json!({"data": data(schema, ids, operation)});
    match &operation.action {
        Action::Insert(_) => client::with_body(client::request(Method::POST, &collection), &document),
        Action::Update(_) => client::with_body(client::request(Method::PATCH, &resource), &document),
        Action::Delete => client::request(Method::DELETE, &resource),
        Action::Relate(relating) => {
            let name = names.relationship(operation.id.table, relating.relationship);
            let (method, _) = verb(relating.how);
            let document = json!({"data": linkage(schema, ids, relating)});
            client::with_body(client::request(method, &format!("{resource}/relationships/{name}")), &document)
        }
    }
}

fn operation(names: &Names<'_>, ids: &Ids, operation: &Operation) -> Json {
    let data = data(names.there, ids, operation);
    match &operation.action {
        Action::Insert(_) => json!({"op": "add", "data": data}),
        Action::Update(_) => json!({"op": "update", "data": data}),
        Action::Delete => json!({"op": "remove", "ref": {"type": data["type"], "id": data["id"]}}),
        Action::Relate(relating) => {
            let name = names.relationship(operation.id.table, relating.relationship);
            let (_, op) = verb(relating.how);
            let of = json!({"type": data["type"], "id": data["id"], "relationship": name});
            json!({"op": op, "ref": of, "data": linkage(names.there, ids, relating)})
        }
    }
}

/// The method at the relationship's own URL, and the operation's word.
fn verb(how: Membership) -> (Method, &'static str) {
    match how {
        Membership::Replace => (Method::PATCH, "update"),
        Membership::Add => (Method::POST, "add"),
        Membership::Remove => (Method::DELETE, "remove"),
    }
}

fn linkage(schema: &Schema, ids: &Ids, relating: &Relating) -> Json {
    let one = |row: &RowId| json!({"type": schema[row.table].name, "id": ids.id(&row.row)});
    relating.rows.iter().map(one).collect()
}

fn data(schema: &Schema, ids: &Ids, operation: &Operation) -> Json {
    let table = &schema[operation.id.table];
    let mut attributes = Map::new();
    if let Action::Insert(values) | Action::Update(values) = &operation.action {
        for (column, value) in values.iter().filter(|(column, _)| !table.key.contains(column)) {
            attributes.insert(table[*column].name.clone(), json_of(value));
        }
    }
    json!({"type": table.name, "id": ids.id(&operation.id.row), "attributes": attributes})
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        value => Json::Number(number(value).parse::<Number>().unwrap()),
    }
}
