//! What follows from a schema and its rules once and for all, so that no write has to work it out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use introspect::schema::{Action, RelationshipKind};
use introspect::{Column, ColumnId, RelationshipId, Schema, TableId};

use crate::expr::{Expr, Place};
use crate::rule::{Aggregate, Constraint, DerivationKind, Piece, RuleSet, Transition};

/// A column of a table.
type At = (TableId, ColumnId);

/// What follows from a schema and its rules.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// By table: what to load of a row: its key, its foreign keys, what rules read and set.
    columns: Vec<Vec<ColumnId>>,
    /// By table: the foreign keys that refer to it.
    referrers: Vec<Vec<Referrer>>,
    /// By table: a place in an order in which what is referred to stands before what refers to it.
    parents_first: Vec<u32>,
    /// Whether removing a row of the table moves anything but the row.
    removal_matters: Vec<bool>,
    /// Whether the engine itself removes rows of the table when a row above them goes.
    carried: Vec<bool>,
    /// What any rule reads.
    inputs: HashSet<At>,
    /// Of what any rule notes only that it changed.
    noted: HashSet<At>,
    /// What rules read from rows below, foreign keys on the way included (a `copy` does not count: it reads once).
    from_below: HashSet<At>,
    /// What rules set.
    set: HashSet<At>,
    /// What rules set of new rows.
    set_new: HashSet<At>,
    /// What rules set and clients do not.
    derived: HashSet<At>,
    /// By table with stamps: the columns of which a change sets them, which are those that clients set.
    watched: HashMap<TableId, Vec<ColumnId>>,
    /// The tables of which rules speak when rows come (derivations, constraints, aggregates over them).
    on_insert: HashSet<TableId>,
    /// Tables with a constraint on removal.
    on_delete: HashSet<TableId>,
    /// The tables of which rules look at rows that are there, for whatever reason.
    judged: HashSet<TableId>,
    flows: Vec<Flow>,
}

/// A foreign key, seen from the table it refers to.
#[derive(Clone, Debug)]
pub struct Referrer {
    /// The table that holds it.
    pub child: TableId,
    /// Its columns there.
    pub columns: Vec<ColumnId>,
    /// The to-one relationship there.
    pub relationship: RelationshipId,
    /// Whether the database knows it, and not the model file alone.
    pub enforced: bool,
    /// What happens to the children.
    pub on_delete: Action,
    /// The columns that `set null` and `set default` set.
    pub set: Vec<ColumnId>,
}

/// From what a rule reads to what it sets.
#[derive(Clone, Debug, Default)]
struct Flow {
    own: BTreeSet<At>,
    /// Noted when it changes, and not read.
    noted: BTreeSet<At>,
    from_below: BTreeSet<At>,
    to: Option<At>,
}

impl Referrer {
    /// Whether a row with children cannot be removed.
    pub fn refuses(&self) -> bool {
        matches!(self.on_delete, Action::NoAction | Action::Restrict)
    }

    /// Whether one with certain children cannot: their default may be the row that goes.
    pub fn may_refuse(&self) -> bool {
        self.refuses() || self.on_delete == Action::SetDefault
    }
}

impl Facts {
    /// Works them out.
    pub fn new(schema: &Schema, rules: &RuleSet) -> Self {
        let mut facts =
            Self { referrers: referrers(schema), parents_first: parents_first(schema), ..Self::default() };
        facts.read_targets(schema, rules);
        facts.read_derivations(schema, rules);
        facts.read_constraints(schema, &rules.constraints);
        facts.read_transitions(&rules.transitions);
        facts.collect_inputs();
        facts.columns = schema.iter().map(|(id, _)| facts.columns_of(schema, id)).collect();
        facts.removal_matters = facts.removals(schema);
        facts.carried = facts.carried(schema);
        facts
    }

    fn read_targets(&mut self, schema: &Schema, rules: &RuleSet) {
        for derivation in &rules.derivations {
            let at = (derivation.table, derivation.column);
            self.set.insert(at);
            if derivation.sets_new() {
                self.set_new.insert(at);
                self.on_insert.insert(derivation.table);
            }
            if !derivation.leaves_to_client() {
                self.derived.insert(at);
            }
            if !matches!(derivation.kind, DerivationKind::Default(_)) {
                self.judged.insert(derivation.table);
            }
        }
        for derivation in &rules.derivations {
            if matches!(&derivation.kind, DerivationKind::Stamp { operations, .. } if operations.update) {
                let watched = self.clients(schema, derivation.table);
                self.watched.insert(derivation.table, watched);
            }
        }
    }

    /// The columns that clients set.
    fn clients(&self, schema: &Schema, table: TableId) -> Vec<ColumnId> {
        let open = |(id, column): &(ColumnId, &Column)| {
            column.generated.is_none() && !self.derived.contains(&(table, *id))
        };
        schema[table].stored().filter(open).map(|(id, _)| id).collect()
    }

    fn read_derivations(&mut self, schema: &Schema, rules: &RuleSet) {
        for derivation in &rules.derivations {
            let table = derivation.table;
            let to = (table, derivation.column);
            let mut noted = BTreeSet::new();
            let (own, from_below) = match &derivation.kind {
                DerivationKind::Aggregate(aggregate) => {
                    (self.aggregate_inputs(schema, aggregate), BTreeSet::new())
                }
                DerivationKind::Formula(expr) => split(schema, table, &expr.places()),
                DerivationKind::Default(expr) => {
                    (self.read_once(schema, table, &expr.places()), BTreeSet::new())
                }
                DerivationKind::Stamp { expr, operations } => {
                    if operations.update {
                        noted.extend(self.watched(table).iter().map(|column| (table, *column)));
                    }
                    let places = expr.places_beside_old(derivation.column);
                    (self.read_once(schema, table, &places), BTreeSet::new())
                }
                DerivationKind::Step(expr) => {
                    split(schema, table, &expr.places_beside_old(derivation.column))
                }
                DerivationKind::Copy { relationship, column } => {
                    let place = Place { path: vec![*relationship], column: *column };
                    (self.read_once(schema, table, &[place]), BTreeSet::new())
                }
            };
            self.flows.push(Flow { own, noted, from_below, to: Some(to) });
        }
    }

    /// A later change of a row above moves nothing, but what is read of it must be loaded.
    fn read_once(&mut self, schema: &Schema, table: TableId, places: &[Place]) -> BTreeSet<At> {
        let (own, above) = split(schema, table, places);
        self.inputs.extend(above);
        own
    }

    fn aggregate_inputs(&mut self, schema: &Schema, aggregate: &Aggregate) -> BTreeSet<At> {
        let child = aggregate.child;
        self.on_insert.insert(child);
        self.on_delete.insert(child);
        let mut columns: Vec<ColumnId> = schema[child][aggregate.parent].columns.clone();
        columns.extend(aggregate.column());
        columns.extend(aggregate.filter.iter().flat_map(Expr::places).map(|place| place.column));
        columns.into_iter().map(|column| (child, column)).collect()
    }

    fn read_constraints(&mut self, schema: &Schema, constraints: &[Constraint]) {
        for constraint in constraints {
            let places: Vec<Place> = constraint.conditions().flat_map(Expr::places).collect();
            let (own, from_below) = split(schema, constraint.table, &places);
            let mut noted = BTreeSet::new();
            if constraint.is_about_change() {
                noted.extend(schema[constraint.table].stored().map(|(column, _)| (constraint.table, column)));
            }
            for piece in &constraint.message {
                if let Piece::Value(expr) = piece {
                    let (own, above) = split(schema, constraint.table, &expr.places());
                    self.inputs.extend(own);
                    self.inputs.extend(above);
                }
            }
            self.on_insert.insert(constraint.table);
            self.judged.insert(constraint.table);
            if constraint.operations.delete {
                self.on_delete.insert(constraint.table);
            }
            self.flows.push(Flow { own, noted, from_below, to: None });
        }
    }

    fn read_transitions(&mut self, transitions: &[Transition]) {
        for transition in transitions {
            let own = BTreeSet::from([(transition.table, transition.column)]);
            self.on_insert.insert(transition.table);
            self.judged.insert(transition.table);
            self.flows.push(Flow { own, ..Flow::default() });
        }
    }

    fn collect_inputs(&mut self) {
        for flow in &self.flows {
            self.inputs.extend(flow.own.iter().chain(&flow.from_below));
            self.from_below.extend(&flow.from_below);
            self.noted.extend(&flow.noted);
        }
    }

    fn columns_of(&self, schema: &Schema, table: TableId) -> Vec<ColumnId> {
        let mut columns: BTreeSet<ColumnId> = schema[table].key.iter().copied().collect();
        columns.extend(schema[table].foreign_keys.iter().flat_map(|key| key.columns.iter().copied()));
        columns.extend(
            schema[table].relationships.iter().flat_map(|relationship| relationship.columns.iter().copied()),
        );
        let of_rules = self.inputs.iter().chain(&self.noted).chain(&self.set);
        columns.extend(of_rules.filter(|(t, _)| *t == table).map(|(_, column)| *column));
        columns.into_iter().collect()
    }

    /// A removal matters when a rule speaks of it, when it carries others with it that matter, or when the database does not know who
    /// forbids it.
    fn removals(&self, schema: &Schema) -> Vec<bool> {
        self.upwards(schema, |table| {
            let sets = |r: &Referrer| matches!(r.on_delete, Action::SetNull | Action::SetDefault);
            let moves = |r: &Referrer| !r.enforced || (sets(r) && self.matters(r.child, &r.set));
            self.on_delete.contains(&table) || self.referrers(table).iter().any(moves)
        })
    }

    /// Where a removal further down may be refused the engine has to look, too: not every database says by whom. And where rules have
    /// another reason to look at a row: one that goes is neither computed nor checked, nor does it fall back to a default parent.
    fn carried(&self, schema: &Schema) -> Vec<bool> {
        self.upwards(schema, |table| {
            self.removal_matters(table)
                || self.judged.contains(&table)
                || schema[table].foreign_keys.iter().any(|key| key.on_delete == Action::SetDefault)
                || self.referrers(table).iter().any(Referrer::refuses)
                || self.in_diamond(schema, table)
        })
    }

    /// Whether a removal can reach rows of the table while another foreign key of theirs refuses something that goes with it.
    fn in_diamond(&self, schema: &Schema, child: TableId) -> bool {
        let refuses = |on_delete: Action| matches!(on_delete, Action::NoAction | Action::Restrict);
        let refusing = schema[child].foreign_keys.iter().filter(|key| refuses(key.on_delete));
        let targets: Vec<TableId> = refusing.map(|key| key.target).collect();
        let cascades = schema[child].foreign_keys.iter().any(|key| key.on_delete == Action::Cascade);
        // Few tables have both kinds, which spares large schemas the search.
        cascades
            && !targets.is_empty()
            && schema.iter().any(|(top, _)| {
                let swept = self.swept(top);
                swept.contains(&child) && targets.iter().any(|t| *t == top || swept.contains(t))
            })
    }

    /// The tables of which something holds, or from which removals cascade to such a table.
    fn upwards(&self, schema: &Schema, holds: impl Fn(TableId) -> bool) -> Vec<bool> {
        let held: Vec<bool> = schema.iter().map(|(id, _)| holds(id)).collect();
        let is_held = |table: &TableId| held.get(table.0 as usize).copied().unwrap_or(false);
        schema.iter().map(|(id, _)| is_held(&id) || self.swept(id).iter().any(is_held)).collect()
    }

    /// The tables of which rows may go with a row of this one, at any depth.
    fn swept(&self, table: TableId) -> BTreeSet<TableId> {
        let (mut swept, mut next) = (BTreeSet::new(), vec![table]);
        while let Some(table) = next.pop() {
            for referrer in self.referrers(table).iter().filter(|r| r.on_delete == Action::Cascade) {
                if swept.insert(referrer.child) {
                    next.push(referrer.child);
                }
            }
        }
        swept
    }

    /// What to load of a row of a table.
    pub fn columns(&self, table: TableId) -> &[ColumnId] {
        self.columns.get(table.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// The foreign keys that refer to a table.
    pub fn referrers(&self, table: TableId) -> &[Referrer] {
        self.referrers.get(table.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// A table's place in an order in which what is referred to stands before what refers to it.
    pub fn parents_first(&self, table: TableId) -> u32 {
        self.parents_first.get(table.0 as usize).copied().unwrap_or(0)
    }

    /// Whether removing a row of the table moves anything that rules look at, or may be forbidden without the database knowing.
    pub fn removal_matters(&self, table: TableId) -> bool {
        self.removal_matters.get(table.0 as usize).copied().unwrap_or(true)
    }

    /// Whether a rule reads one of the columns, or takes note when it changes.
    pub fn matters(&self, table: TableId, columns: &[ColumnId]) -> bool {
        let of_rule = |at: &At| self.inputs.contains(at) || self.noted.contains(at);
        columns.iter().any(|column| of_rule(&(table, *column)))
    }

    /// Whether the engine itself removes rows of the table when a row above them goes; else the database does.
    pub fn carries_removals(&self, table: TableId) -> bool {
        self.carried.get(table.0 as usize).copied().unwrap_or(true)
    }

    /// Whether rules look at rows of the table when they come.
    pub fn insertion_matters(&self, table: TableId) -> bool {
        self.on_insert.contains(&table)
    }

    /// Whether rules of rows below read the column.
    pub fn read_from_below(&self, table: TableId, column: ColumnId) -> bool {
        self.from_below.contains(&(table, column))
    }

    /// Whether a rule sets the column and clients do not (a default or a step leaves it to them).
    pub fn is_derived(&self, table: TableId, column: ColumnId) -> bool {
        self.derived.contains(&(table, column))
    }

    /// Whether rules read what the database's default gives a new row: none of them sets the column.
    pub fn default_is_read(&self, table: TableId, column: ColumnId) -> bool {
        let at = (table, column);
        self.inputs.contains(&at) && !self.set_new.contains(&at)
    }

    /// The columns of which a change by the request sets the table's stamps.
    pub fn watched(&self, table: TableId) -> &[ColumnId] {
        self.watched.get(&table).map_or(&[], Vec::as_slice)
    }

    /// Whether a change of these columns can reach rows below, of which nothing in the request or above it tells the keys.
    pub fn reaches_down(&self, table: TableId, columns: &[ColumnId]) -> bool {
        let mut moved: BTreeSet<At> = columns.iter().map(|column| (table, *column)).collect();
        loop {
            let before = moved.len();
            for flow in &self.flows {
                if flow.from_below.iter().any(|at| moved.contains(at)) {
                    return true;
                }
                if flow.own.iter().chain(&flow.noted).any(|at| moved.contains(at)) {
                    moved.extend(flow.to);
                }
            }
            if moved.len() == before {
                return false;
            }
        }
    }

    /// The columns of other tables that move when a row of a table comes or goes.
    pub fn fed_by(&self, table: TableId) -> BTreeMap<TableId, Vec<ColumnId>> {
        let mut fed: BTreeMap<TableId, Vec<ColumnId>> = BTreeMap::new();
        for flow in &self.flows {
            let Some((to, column)) = flow.to else { continue };
            if to != table && flow.own.iter().any(|(t, _)| *t == table) {
                fed.entry(to).or_default().push(column);
            }
        }
        fed
    }
}

/// What places read of the row itself (the foreign keys they start with included), and what of the rows above (those further up included).
fn split(schema: &Schema, table: TableId, places: &[Place]) -> (BTreeSet<At>, BTreeSet<At>) {
    let (mut own, mut above) = (BTreeSet::new(), BTreeSet::new());
    for place in places {
        let mut at = table;
        for (hop, relationship) in place.path.iter().enumerate() {
            let relationship = &schema[at][*relationship];
            let side = if hop == 0 { &mut own } else { &mut above };
            side.extend(relationship.columns.iter().map(|column| (at, *column)));
            at = relationship.target;
        }
        let side = if place.path.is_empty() { &mut own } else { &mut above };
        side.insert((at, place.column));
    }
    (own, above)
}

fn referrers(schema: &Schema) -> Vec<Vec<Referrer>> {
    let mut all: Vec<Vec<Referrer>> = vec![Vec::new(); schema.tables.len()];
    for (child, table) in schema.iter() {
        for (relationship, to_one) in table.relationships() {
            let RelationshipKind::ToOne { foreign_key } = to_one.kind else { continue };
            let Some(key) = table.foreign_keys.get(foreign_key) else { continue };
            let referrer = Referrer {
                child,
                columns: key.columns.clone(),
                relationship,
                enforced: key.enforced,
                on_delete: key.on_delete,
                set: key.set_on_delete().collect(),
            };
            if let Some(of_parent) = all.get_mut(key.target.0 as usize) {
                of_parent.push(referrer);
            }
        }
    }
    all
}

/// Whether foreign keys lead from a table to another.
fn leads_to(schema: &Schema, from: TableId, to: TableId) -> bool {
    let (mut seen, mut open) = (HashSet::from([from]), vec![from]);
    while let Some(table) = open.pop().filter(|table| *table != to) {
        open.extend(
            schema[table].foreign_keys.iter().map(|key| key.target).filter(|next| seen.insert(*next)),
        );
    }
    seen.contains(&to)
}

/// Depth first along the foreign keys. In a cycle those count that must name something; where all must, the first one met comes last.
fn parents_first(schema: &Schema) -> Vec<u32> {
    fn visit(schema: &Schema, table: TableId, seen: &mut HashSet<TableId>, order: &mut Vec<TableId>) {
        if seen.insert(table) {
            for key in &schema[table].foreign_keys {
                let may_be_null = key.columns.iter().any(|column| schema[table][*column].nullable);
                if !(may_be_null && leads_to(schema, key.target, table)) {
                    visit(schema, key.target, seen, order);
                }
            }
            order.push(table);
        }
    }
    let (mut seen, mut order) = (HashSet::new(), Vec::new());
    for (table, _) in schema.iter() {
        visit(schema, table, &mut seen, &mut order);
    }
    let position = |table: TableId| order.iter().position(|t| *t == table).unwrap_or(0) as u32;
    schema.iter().map(|(table, _)| position(table)).collect()
}
