//! The tables of one statement: the first one, those reached from it through to-one relationships, and those it is tied to.
//!
//! A table whose rows a client's request reads enters under the policy of whoever asks (`policy`), here and nowhere else: a scope of a client
//! cannot be made without it, nor be made a SELECT. What the operator's rules read on their own account, policies and virtual attributes,
//! is read with the rules' authority, through joins of their own.

mod policy;

use std::borrow::Cow;

use dialects::sql::{Alias, Expr, Item, Join, JoinKind, Order, Select};
use dialects::{Value, ValueType};
use introspect::schema::RelationshipKind;
use introspect::{Column, ColumnId, RelationshipId, Schema, TableId};
use rules::expr::Place;
use rules::policy::Actor;
use rules::rule::Virtual;

use crate::Result;
use crate::plan::filter::Exists;
use crate::plan::restrict::Who;
use crate::state::Snapshot;

pub(super) use policy::Seen;

/// How text is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// By the column's collation: what clients filter and sort by.
    Collated,
    /// By code points: rules and policies.
    Exact,
}

/// A statement's tables, as they are needed.
#[derive(Debug)]
pub struct Scope<'a> {
    schema: &'a Schema,
    table: TableId,
    root: Alias,
    next: u16,
    joins: Vec<Join>,
    paths: Vec<Reached>,
    virtuals: &'a [Virtual],
    /// Who asks; nobody: the engine itself.
    who: Option<&'a Who>,
    /// Which rows of the first table whoever asks may read; nothing: all.
    policy: Option<Expr>,
    /// True of what was joined for a client, and said so where it is to be computed first.
    guards: Vec<Expr>,
    /// Whether a policy leaves out rows of some table.
    restricted: bool,
    reader: Reader,
    pub(super) comparison: Comparison,
}

/// Whose expression reads places.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reader {
    /// A client's (or the engine's), over the first table's row.
    Asker,
    /// The operator's, over the row at the end of a path, to which the asker went the first hops.
    Rules { base: Vec<RelationshipId>, asked: usize },
}

/// The end of a path of to-one relationships.
#[derive(Debug)]
struct Reached {
    path: Vec<RelationshipId>,
    /// How many of its hops lead to what whoever asks may see alone.
    asked: usize,
    alias: Alias,
    table: TableId,
}

impl<'a> Scope<'a> {
    /// A statement of the engine's own over a table; further tables take the aliases after its own.
    pub fn new(schema: &'a Schema, table: TableId, root: Alias, comparison: Comparison) -> Self {
        let next = root.0.saturating_add(1);
        Self {
            schema,
            table,
            root,
            next,
            joins: Vec::new(),
            paths: Vec::new(),
            virtuals: &[],
            who: None,
            policy: None,
            guards: Vec::new(),
            restricted: false,
            reader: Reader::Asker,
            comparison,
        }
    }

    /// A client's statement, over those rows of a table that they may read. It knows the virtual attributes too.
    pub fn of(snapshot: &'a Snapshot, who: &'a Who, table: TableId) -> Self {
        let scope = Self::new(&snapshot.schema, table, Alias(0), Comparison::Collated);
        Self { virtuals: &snapshot.rules.virtuals, who: Some(who), ..scope }.restricted()
    }

    /// The schema.
    pub fn schema(&self) -> &'a Schema {
        self.schema
    }

    /// Who asks; nobody: the engine itself.
    pub(super) fn actor(&self) -> Option<&'a Actor> {
        self.who.map(|who| who.actor.as_ref())
    }

    /// The first table.
    pub fn table(&self) -> TableId {
        self.table
    }

    /// A column of the first table, or of one reached through to-one relationships, which is joined when first needed.
    pub fn place(&mut self, place: &Place) -> Expr {
        let (path, asked) = self.path(place);
        let (alias, table) = self.reach(&path, asked);
        match self.virtuals.iter().find(|v| v.table == table && v.column == place.column) {
            Some(computed) => self.computed_at(path.into_owned(), asked, computed),
            None => Expr::column(alias, &self.schema[table][place.column].db_name),
        }
    }

    /// A place's path from the first table, and how many of its hops the asker goes.
    fn path<'p>(&self, place: &'p Place) -> (Cow<'p, [RelationshipId]>, usize) {
        match &self.reader {
            Reader::Asker => (Cow::Borrowed(&place.path), place.path.len()),
            Reader::Rules { base, asked } if base.is_empty() => (Cow::Borrowed(&place.path), *asked),
            Reader::Rules { base, asked } => (Cow::Owned([base.as_slice(), &place.path].concat()), *asked),
        }
    }

    /// A column to be compared or sorted by, by what its values are, whatever the form in which they are stored.
    pub fn kept(&mut self, place: &Place) -> Expr {
        let (stored, column) = (self.place(place), self.column(place));
        if column.is_virtual { stored } else { by_value(stored, column.ty) }
    }

    /// A virtual attribute of the row at the end of a path.
    fn computed_at(&mut self, base: Vec<RelationshipId>, asked: usize, computed: &Virtual) -> Expr {
        let reader = std::mem::replace(&mut self.reader, Reader::Rules { base, asked });
        let value = self.computed(&computed.expr, computed.shown.ty);
        self.reader = reader;
        // INVARIANT: what cannot be computed was refused when the rules were loaded.
        value.unwrap_or(Expr::Null)
    }

    /// The column itself.
    pub fn column(&self, place: &Place) -> &'a Column {
        let end =
            |at: TableId, path: &[RelationshipId]| path.iter().fold(at, |at, id| self.schema[at][*id].target);
        let base = match &self.reader {
            Reader::Asker => self.table,
            Reader::Rules { base, .. } => end(self.table, base),
        };
        &self.schema[end(base, &place.path)][place.column]
    }

    /// A column of the first table, to be read.
    pub fn item(&mut self, column: ColumnId) -> Item {
        Item { expr: self.place(&Place::own(column)), ty: self.schema[self.table][column].ty }
    }

    /// A sort term.
    pub fn order(&mut self, place: &Place, descending: bool) -> Order {
        let column = self.column(place);
        let nullable = !place.path.is_empty() || column.nullable;
        let expr = match (column.is_virtual, column.ty) {
            (true, ValueType::Text { .. }) => Expr::Exact(Box::new(self.place(place))),
            (true, ValueType::Int(_) | ValueType::Decimal { .. }) => {
                Expr::Decimal(Box::new(self.place(place)))
            }
            _ => self.kept(place),
        };
        Order { expr, descending, nullable }
    }

    /// The key of a to-one's target, to be read.
    pub fn target_key(&mut self, relationship: RelationshipId) -> Vec<Item> {
        let target = &self.schema[self.schema[self.table][relationship].target];
        let item = |column: &ColumnId| {
            let expr = self.place(&Place { path: vec![relationship], column: *column });
            Item { expr, ty: target[*column].ty }
        };
        target.key.iter().map(item).collect()
    }

    /// The first table's row has this key.
    pub fn key_is(&mut self, key: &[Value]) -> Expr {
        let alias = self.root;
        self.key_of(alias, self.table, key)
    }

    /// What ties a row of the first table to a row of `from` that a relationship leads from: expressions that equal that row's own
    /// columns of the relationship, one by one, and the columns that they are.
    pub fn link(&mut self, from: TableId, relationship: RelationshipId) -> Vec<(Expr, &'a Column)> {
        let relationship = &self.schema[from][relationship];
        match relationship.kind {
            RelationshipKind::ManyToMany { through, near, far } => self.link_through(through, near, far),
            _ => self.columns(self.root, relationship.target, &relationship.target_columns),
        }
    }

    /// Ties the first table to a row that is found by its key.
    pub(super) fn join_origin(
        &mut self,
        table: TableId,
        key: &[Value],
        columns: &[ColumnId],
        link: Vec<(Expr, &'a Column)>,
    ) -> Expr {
        let alias = self.alias();
        let theirs = self.columns(alias, table, columns);
        let mut on: Vec<Expr> =
            link.into_iter().zip(theirs).map(|((ours, _), (theirs, _))| Expr::eq(ours, theirs)).collect();
        on.extend(self.visible(alias, table));
        self.join(JoinKind::Inner, table, alias, Expr::And(on));
        self.key_of(alias, table, key)
    }

    /// There is a row at the other end of a to-many relationship that meets a filter.
    pub(super) fn exists(&mut self, exists: &Exists) -> Result<Expr> {
        let (alias, table) = self.reach(&exists.path, exists.path.len());
        let relationship = &self.schema[table][exists.relationship];
        let ours = self.columns(alias, table, &relationship.columns);
        let root = self.alias();
        let mut other = self.over(relationship.target, root).restricted();
        let theirs = other.link(table, exists.relationship);
        let tied = theirs.into_iter().zip(ours).map(|((theirs, _), (ours, _))| Expr::eq(theirs, ours));
        let tied = tied.collect();
        let asked = exists.filter.as_deref().map(|filter| other.filter(filter)).transpose()?;
        self.next = other.next;
        self.restricted |= other.restricted;
        let seen = other.seen(tied, asked);
        Ok(Expr::Exists(Box::new(other.into_select(seen))))
    }

    /// How many tables the statement reads beside the first.
    pub(super) fn tables(&self) -> usize {
        usize::from(self.next.saturating_sub(self.root.0).saturating_sub(1))
    }

    /// The statement's FROM and WHERE.
    pub fn into_select(self, seen: Seen) -> Select {
        let from = Some((self.schema[self.table].db.clone().into(), self.root));
        Select { from, joins: self.joins, filter: seen.into(), ..Select::default() }
    }

    fn link_through(
        &mut self,
        through: TableId,
        near: RelationshipId,
        far: RelationshipId,
    ) -> Vec<(Expr, &'a Column)> {
        let alias = self.alias();
        let (near, far) = (&self.schema[through][near], &self.schema[through][far]);
        let theirs = self.columns(alias, through, &far.columns);
        let ours = self.columns(self.root, self.table, &far.target_columns);
        let mut on: Vec<Expr> =
            theirs.into_iter().zip(ours).map(|((theirs, _), (ours, _))| Expr::eq(theirs, ours)).collect();
        on.extend(self.links(alias, through));
        self.join(JoinKind::Inner, through, alias, Expr::And(on));
        self.columns(alias, through, &near.columns)
    }

    /// The alias and table at the end of a path, of which the asker goes the first hops.
    fn reach(&mut self, path: &[RelationshipId], asked: usize) -> (Alias, TableId) {
        let Some((last, before)) = path.split_last() else { return (self.root, self.table) };
        let asked = self.restricted_hops(path, asked);
        if let Some(known) = self.paths.iter().find(|known| known.asked == asked && known.path == path) {
            return (known.alias, known.table);
        }
        let (from, table) = self.reach(before, asked.min(before.len()));
        let relationship = &self.schema[table][*last];
        let target = relationship.target;
        let alias = self.alias();
        let ours = self.columns(from, table, &relationship.columns);
        let theirs = self.columns(alias, target, &relationship.target_columns);
        let there = theirs.first().map(|(theirs, _)| theirs.clone());
        let mut on: Vec<Expr> =
            ours.into_iter().zip(theirs).map(|((ours, _), (theirs, _))| Expr::eq(ours, theirs)).collect();
        if asked == path.len() {
            on.extend(self.guarded(alias, target, there));
        }
        self.join(JoinKind::Left, target, alias, Expr::And(on));
        self.paths.push(Reached { path: path.to_vec(), asked, alias, table: target });
        (alias, target)
    }

    /// An alias that nothing has yet.
    pub(super) fn alias(&mut self) -> Alias {
        let alias = Alias(self.next);
        self.next = self.next.saturating_add(1);
        alias
    }

    fn join(&mut self, kind: JoinKind, table: TableId, alias: Alias, on: Expr) {
        self.joins.push(Join { kind, table: self.schema[table].db.clone(), alias, on });
    }

    fn columns(&self, alias: Alias, table: TableId, columns: &[ColumnId]) -> Vec<(Expr, &'a Column)> {
        let schema = self.schema;
        let column = |id: &ColumnId| {
            let column = &schema[table][*id];
            (Expr::column(alias, &column.db_name), column)
        };
        columns.iter().map(column).collect()
    }

    /// An id names one row exactly, whatever the collation: for MySQL `tea` and `tea ` are equal.
    fn key_of(&self, alias: Alias, table: TableId, key: &[Value]) -> Expr {
        let columns = self.columns(alias, table, &self.schema[table].key);
        let part = |((expr, column), value): ((Expr, &Column), &Value)| {
            let expr = match column.ty {
                ValueType::Text { .. } => Expr::Exact(Box::new(expr)),
                _ => expr,
            };
            Expr::eq(expr, Expr::Param(value.clone(), Some(column.sql_type.clone())))
        };
        Expr::And(columns.into_iter().zip(key).map(part).collect())
    }
}

/// A stored value of a type that has several forms, in the one that compares.
pub(super) fn by_value(stored: Expr, ty: ValueType) -> Expr {
    match ty {
        ValueType::Date
        | ValueType::Time
        | ValueType::Timestamp
        | ValueType::TimestampTz
        | ValueType::Decimal { .. } => Expr::Kept(Box::new(stored), ty),
        _ => stored,
    }
}
