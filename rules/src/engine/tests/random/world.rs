//! Random schemas and rules. Rules read what clients set and what rules before them set, so that their order is right by construction.

use std::collections::{BTreeMap, BTreeSet};

use dialects::{Dialect, Value, ValueType};
use introspect::schema::{Action, ColumnDefault};
use introspect::{ColumnId, RelationshipId, Schema, TableId};

use super::dice::Dice;
use crate::engine::tests::database::Database;
use crate::engine::tests::declare::{int, op};
use crate::engine::tests::drive::World;
use crate::expr::{BinaryOp, Event, Expr, Function, Place};
use crate::fixture::{self, INT, MONEY, Sketch};
use crate::rule::{
    Aggregate, AggregateFunction, Constraint, Derivation, DerivationKind, Operations, RuleSet, Transition,
};

/// The plain columns that clients set, in every table.
pub(super) const CLIENT: [ColumnId; 2] = [ColumnId(1), ColumnId(2)];
/// The columns that rules set, in every table.
const DERIVED: [ColumnId; 4] = [ColumnId(3), ColumnId(4), ColumnId(5), ColumnId(6)];
/// The column that an `exists` may set, in every table.
const FLAG: ColumnId = ColumnId(7);
/// A column that clients and steps set, in every table.
pub(super) const STEPPED: ColumnId = ColumnId(8);
/// A column that clients move from state to state, in every table.
pub(super) const STATE: ColumnId = ColumnId(9);

/// What foreign keys do everywhere.
const PORTABLE: [Action; 4] = [Action::Cascade, Action::SetNull, Action::NoAction, Action::Cascade];
/// MySQL lacks the last.
const ALL: [Action; 5] =
    [Action::Cascade, Action::SetNull, Action::NoAction, Action::Cascade, Action::SetDefault];
/// To what rows fall back.
const FALLBACK: i64 = 51;

pub(in crate::engine::tests) fn random(dice: &mut Dice) -> World {
    world(dice, &ALL)
}

/// One that every database can play.
pub(in crate::engine::tests) fn portable(dice: &mut Dice) -> World {
    world(dice, &PORTABLE)
}

fn world(dice: &mut Dice, actions: &[Action]) -> World {
    let schema = schema(dice, actions);
    let rules = Builder::new(dice, &schema).rules();
    let mut database = Database::new(&schema);
    for (table, there) in schema.iter() {
        if there.columns[2].default != ColumnDefault::None {
            database.defaults.insert((table, ColumnId(2)), Value::Int(7));
        }
        for key in there.foreign_keys.iter().filter(|key| key.on_delete == Action::SetDefault) {
            database.defaults.insert((table, key.columns[0]), Value::Int(FALLBACK));
        }
    }
    World::new(&schema, rules, database)
}

/// Whether clients set a column: it is neither the key nor left to rules.
pub(super) fn is_client(_: &Schema, _: TableId, column: ColumnId) -> bool {
    column.0 != 0 && !DERIVED.contains(&column) && column != FLAG
}

fn schema(dice: &mut Dice, actions: &[Action]) -> Schema {
    let tables = 2 + dice.roll(4);
    let sketches = (0..tables).map(|n| sketch(dice, n, actions)).collect();
    fixture::schema(Dialect::Postgres, sketches)
}

fn sketch(dice: &mut Dice, n: usize, actions: &[Action]) -> Sketch {
    let mut sketch = Sketch::new(&format!("t{n}")).column("a", INT).column("b", INT);
    for derived in ["d0", "d1", "d2", "d3"] {
        sketch = sketch.column(derived, MONEY);
    }
    sketch = sketch.column("flag", ValueType::Bool).column("step", INT).column("state", INT);
    for parent in 0..if n == 0 { 0 } else { 1 + dice.roll(2) } {
        let target = format!("t{}", dice.roll(n));
        sketch = sketch.parent(&format!("p{parent}_id"), &target, *dice.pick(actions));
    }
    if dice.chance(30) {
        sketch = sketch.parent("s_id", &format!("t{n}"), *dice.pick(actions));
    }
    if dice.chance(30) {
        sketch.table.columns[2].default = ColumnDefault::Expression("7".into());
    }
    for (column, _, on_delete, _) in &sketch.parents {
        if *on_delete == Action::SetDefault {
            let fallback = ColumnDefault::Expression(FALLBACK.to_string());
            sketch.table.columns[column.0 as usize].default = fallback;
        }
    }
    sketch
}

/// From 0 through 1 to 2 and back to nothing, or from 1 back to 0.
fn states(table: TableId) -> Transition {
    let state = Value::Int;
    Transition {
        name: "state".into(),
        table,
        column: STATE,
        initial: vec![state(0), Value::Null],
        edges: vec![
            (state(0), vec![state(1)]),
            (state(1), vec![state(0), state(2)]),
            (state(2), vec![Value::Null]),
        ],
    }
}

struct Builder<'a> {
    dice: &'a mut Dice,
    schema: &'a Schema,
    /// What may be read so far, by table.
    readable: BTreeMap<TableId, Vec<ColumnId>>,
    /// Where the flag is set.
    flagged: BTreeSet<TableId>,
    rules: RuleSet,
}

impl<'a> Builder<'a> {
    fn new(dice: &'a mut Dice, schema: &'a Schema) -> Self {
        let readable = schema.iter().map(|(table, _)| (table, CLIENT.to_vec())).collect();
        Self { dice, schema, readable, flagged: BTreeSet::new(), rules: RuleSet::default() }
    }

    fn rules(mut self) -> RuleSet {
        self.rules.lock_rank = (0..self.schema.tables.len() as u32).collect();
        for (table, _) in self.schema.iter() {
            if self.dice.chance(30) {
                let expr = op(BinaryOp::Add, Expr::column(CLIENT[1]), int(1));
                self.add(table, CLIENT[0], DerivationKind::Default(expr));
            }
        }
        for _ in 0..2 + self.dice.roll(3 * self.schema.tables.len()) {
            self.derive();
        }
        self.create();
        for _ in 0..self.dice.roll(4) {
            self.constrain();
        }
        for (table, _) in self.schema.iter() {
            if self.dice.chance(30) {
                self.rules.transitions.push(states(table));
            }
        }
        self.rules
    }

    /// Aggregates add the rows that they are missing, now and then.
    fn create(&mut self) {
        for derivation in &self.rules.derivations {
            // A row that falls back by default may find nothing there: that is the database's to say.
            let falls_back = self.schema[derivation.table]
                .foreign_keys
                .iter()
                .any(|key| key.on_delete == Action::SetDefault);
            if let DerivationKind::Aggregate(aggregate) = &derivation.kind
                && self.dice.chance(50)
                && !falls_back
            {
                self.rules.created.insert((aggregate.child, aggregate.parent));
            }
        }
    }

    fn add(&mut self, table: TableId, column: ColumnId, kind: DerivationKind) {
        let name = format!("{}.{}", self.schema[table].name, self.schema[table][column].name);
        self.rules.derivations.push(Derivation { name, table, column, kind });
    }

    fn derive(&mut self) {
        let table = self.table();
        if self.dice.chance(15) {
            return self.flag(table);
        }
        if self.dice.chance(15) {
            return self.step(table);
        }
        let taken: BTreeSet<ColumnId> = self.readable[&table].iter().copied().collect();
        let Some(column) = DERIVED.iter().find(|c| !taken.contains(c)) else { return };
        let kind = match self.dice.roll(10) {
            0..5 => self.aggregate(table, number),
            5..7 => Some(DerivationKind::Formula(self.expr(table, 3))),
            7 => Some(self.stamp(table, *column)),
            _ => self.copy(table),
        };
        if let Some(kind) = kind {
            self.add(table, *column, kind);
            self.readable.get_mut(&table).unwrap().push(*column);
        }
    }

    fn flag(&mut self, table: TableId) {
        if self.flagged.contains(&table) {
            return;
        }
        if let Some(kind) = self.aggregate(table, |_, _| AggregateFunction::Exists) {
            self.add(table, FLAG, kind);
            self.flagged.insert(table);
        }
    }

    fn table(&mut self) -> TableId {
        TableId(self.dice.roll(self.schema.tables.len()) as u32)
    }

    fn relationship(&mut self, table: TableId, to_one: bool) -> Option<RelationshipId> {
        let fitting = self.schema[table].relationships().filter(|(_, r)| r.to_one() == to_one);
        let all: Vec<RelationshipId> = fitting.map(|(id, _)| id).collect();
        (!all.is_empty()).then(|| *self.dice.pick(&all))
    }

    fn aggregate(
        &mut self,
        table: TableId,
        function: fn(&mut Dice, ColumnId) -> AggregateFunction,
    ) -> Option<DerivationKind> {
        let relationship = self.relationship(table, false)?;
        let there = &self.schema[table][relationship];
        let (child, parent) = (there.target, there.inverse);
        let column = self.own(child);
        Some(DerivationKind::Aggregate(Aggregate {
            function: function(self.dice, column),
            relationship,
            child,
            parent,
            filter: if self.dice.chance(60) { Some(self.filter(child)) } else { None },
        }))
    }

    /// It counts, or shows what stands above.
    fn stamp(&mut self, table: TableId, column: ColumnId) -> DerivationKind {
        let count = Expr::Call(Function::Coalesce, vec![Expr::Old(column), int(0)]);
        let added = if self.dice.chance(60) { int(1) } else { self.leaf(table) };
        let operations = match self.dice.roll(4) {
            0 => Operations { insert: true, update: false, delete: false },
            1 => Operations { insert: false, update: true, delete: false },
            _ => Operations::default(),
        };
        DerivationKind::Stamp { expr: op(BinaryOp::Add, count, added), operations }
    }

    /// `old.step + (x - old.x)`, or of something above.
    fn step(&mut self, table: TableId) {
        if self.readable[&table].contains(&STEPPED) {
            return;
        }
        let old = Expr::Call(Function::Coalesce, vec![Expr::Old(STEPPED), int(0)]);
        let own = self.own(table);
        let moved = match self.dice.chance(70) {
            true => op(BinaryOp::Sub, Expr::column(own), Expr::Old(own)),
            false => self.leaf(table),
        };
        let expr = op(BinaryOp::Add, old, moved);
        if expr.places_beside_old(STEPPED).is_empty() {
            return;
        }
        if self.dice.chance(30) {
            self.add(table, STEPPED, DerivationKind::Default(Expr::column(CLIENT[1])));
        }
        self.add(table, STEPPED, DerivationKind::Step(expr));
        self.readable.get_mut(&table).unwrap().push(STEPPED);
    }

    fn copy(&mut self, table: TableId) -> Option<DerivationKind> {
        let relationship = self.relationship(table, true)?;
        let column = self.own(self.schema[table][relationship].target);
        Some(DerivationKind::Copy { relationship, column })
    }

    /// A column of a row itself.
    fn own(&mut self, table: TableId) -> ColumnId {
        *self.dice.pick(&self.readable[&table])
    }

    fn filter(&mut self, table: TableId) -> Expr {
        if self.flagged.contains(&table) && self.dice.chance(30) {
            return Expr::column(FLAG);
        }
        let column = Expr::column(self.own(table));
        if self.dice.chance(20) {
            return Expr::IsNull(Box::new(column), self.dice.chance(50));
        }
        let comparison = *self.dice.pick(&[BinaryOp::Lt, BinaryOp::Ge, BinaryOp::Ne]);
        op(comparison, column, int(self.dice.between(-1, 6)))
    }

    fn expr(&mut self, table: TableId, depth: usize) -> Expr {
        if depth == 0 || self.dice.chance(20) {
            return self.leaf(table);
        }
        let (a, b) = (self.expr(table, depth - 1), self.expr(table, depth - 1));
        match self.dice.roll(20) {
            0..9 => op(BinaryOp::Add, a, b),
            9..12 => op(BinaryOp::Sub, a, b),
            12..14 => op(BinaryOp::Mul, a, b),
            14..15 => op(BinaryOp::Div, a, b),
            15..18 => Expr::Call(Function::Coalesce, vec![a, b]),
            _ => Expr::Case(vec![(op(BinaryOp::Gt, a.clone(), int(2)), a)], Some(Box::new(b))),
        }
    }

    fn leaf(&mut self, table: TableId) -> Expr {
        if self.dice.chance(20) {
            return int(self.dice.between(-2, 4));
        }
        let (mut path, mut at) = (Vec::new(), table);
        while path.len() < 3 && self.dice.chance(45) {
            let Some(relationship) = self.relationship(at, true) else { break };
            path.push(relationship);
            at = self.schema[at][relationship].target;
        }
        Expr::Column(Place { path, column: self.own(at) })
    }

    /// Loose enough that most requests pass.
    fn constrain(&mut self) {
        let table = self.table();
        let constraint = Constraint {
            name: format!("{} check", self.schema[table].name),
            table,
            when: if self.dice.chance(40) { Some(self.when(table)) } else { None },
            check: self.check(table),
            message: Vec::new(),
            operations: self.operations(),
            attribute: None,
            code: None,
            recheck: self.dice.chance(80),
        };
        self.rules.constraints.push(constraint);
    }

    fn check(&mut self, table: TableId) -> Expr {
        let own = self.own(table);
        match self.dice.roll(10) {
            0 => op(BinaryOp::Le, Expr::Old(own), int(7)),
            1..3 => op(BinaryOp::Ge, Expr::column(own), op(BinaryOp::Sub, Expr::Old(own), int(6))),
            _ => {
                let bound = op(BinaryOp::Add, self.leaf(table), int(8));
                op(BinaryOp::Le, self.leaf(table), bound)
            }
        }
    }

    fn when(&mut self, table: TableId) -> Expr {
        match self.dice.roll(4) {
            0 => Expr::Event(*self.dice.pick(&[Event::Inserting, Event::Updating, Event::Deleting])),
            1 => Expr::Changed(vec![self.own(table), self.own(table)]),
            _ => self.filter(table),
        }
    }

    fn operations(&mut self) -> Operations {
        let mut some = || self.dice.chance(70);
        match some() {
            true => Operations::default(),
            false => Operations { insert: some(), update: some(), delete: true },
        }
    }
}

/// An aggregate that comes to a number.
fn number(dice: &mut Dice, column: ColumnId) -> AggregateFunction {
    match dice.roll(10) {
        0..3 => AggregateFunction::Sum(column),
        3..4 => AggregateFunction::Count,
        4..7 => AggregateFunction::Min(column),
        _ => AggregateFunction::Max(column),
    }
}

/// What the rules of a world are made of, in words.
fn parts(world: &World) -> Vec<String> {
    let rules = &world.rules;
    let word = |of: String| of.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
    let mut parts = Vec::new();
    let mut exprs: Vec<(TableId, &Expr)> = Vec::new();
    for derivation in &rules.derivations {
        parts.push(word(format!("{:?}", derivation.kind)));
        match &derivation.kind {
            DerivationKind::Aggregate(aggregate) => {
                parts.push(word(format!("{:?}", aggregate.function)));
                exprs.extend(aggregate.filter.iter().map(|filter| (aggregate.child, filter)));
            }
            DerivationKind::Formula(expr)
            | DerivationKind::Default(expr)
            | DerivationKind::Step(expr)
            | DerivationKind::Stamp { expr, .. } => exprs.push((derivation.table, expr)),
            DerivationKind::Copy { .. } => {}
        }
    }
    exprs.extend(rules.constraints.iter().flat_map(|c| c.conditions().map(|expr| (c.table, expr))));
    for (table, expr) in exprs {
        let above = world.schema[table].foreign_keys.len();
        expr.walk(&mut |expr| match expr {
            Expr::Binary(operator, ..) => parts.push(format!("{operator:?}")),
            Expr::Column(place) if above > 0 => parts.push(format!("{} up", place.path.len())),
            Expr::Event(event) => parts.push(format!("{event:?}")),
            Expr::Literal(_) => {}
            expr => parts.push(word(format!("{expr:?}"))),
        });
    }
    parts.extend(rules.transitions.iter().map(|_| "Transition".into()));
    parts.extend(rules.created.iter().map(|_| "Created".into()));
    parts
}

#[test]
fn rules_of_every_kind_turn_up() {
    let parts: BTreeSet<String> = (1..=100).flat_map(|seed| parts(&random(&mut Dice::new(seed)))).collect();
    assert_eq!(
        parts.into_iter().collect::<Vec<_>>().join(" "),
        "0 up 1 up 2 up 3 up Add Aggregate Call Case Changed Column Copy Count Created Default Deleting Div Exists \
         Formula Ge Gt Inserting IsNull Le Lt Max Min Mul Ne Old Stamp Step Sub Sum Transition Updating"
    );
}
