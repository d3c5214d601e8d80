//! What a set of roles may do with the rows of each table.

use std::borrow::Cow;
use std::collections::BTreeSet;

use introspect::{ColumnId, RelationshipId, Schema, TableId};

use crate::expr::{Expr, Place};

/// What a set of roles may do with each table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Authority {
    /// By the place of the table in the schema; `None`: no access rules are configured, and everything is allowed.
    tables: Option<Vec<TableAuthority>>,
    /// Which rows can be read, by the place of the table.
    readable: Vec<Rows>,
    /// The columns that conditions read, by the place of the table.
    inputs: Vec<BTreeSet<ColumnId>>,
    /// The claims that conditions, presets and virtual attributes read, by name.
    claims: BTreeSet<String>,
}

/// What a set of roles may do with one table. By itself: nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableAuthority {
    /// Which rows can be read.
    pub read: Grants,
    /// Which rows can be added, as they will be.
    pub create: Grants,
    /// Which rows can be changed, as they are and as they will be.
    pub update: Grants,
    /// Which rows can be removed.
    pub delete: Grants,
    /// Columns that are kept from the roles.
    pub hidden: BTreeSet<ColumnId>,
    /// Relationships that are kept from them.
    pub hidden_relationships: BTreeSet<RelationshipId>,
}

/// All that allows one action: any one of the grants does, where every filter holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grants {
    /// Any of these; of none: nothing is allowed.
    pub any: Vec<Grant>,
    /// All of these, whatever the grant.
    pub filters: Vec<Expr>,
}

/// One grant of one action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grant {
    /// Which rows; `None`: all.
    pub rows: Option<Expr>,
    /// Columns that it does not allow to be written: read-only, hidden and preset ones.
    pub locked: BTreeSet<ColumnId>,
    /// Relationships that it does not allow to be written: to-many ones, whose foreign keys stand elsewhere, and all that are hidden.
    pub locked_relationships: BTreeSet<RelationshipId>,
    /// What it sets in the request's place: expressions over the actor and the moment alone, each once.
    pub presets: Vec<(ColumnId, Expr)>,
}

/// Which rows of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// None.
    None,
    /// All.
    All,
    /// Those of which it is true.
    Where(Expr),
}

impl Authority {
    /// Everything is allowed.
    pub fn open() -> Self {
        Self::default()
    }

    /// What is allowed, by the place of the table in the schema.
    pub fn new(tables: Vec<TableAuthority>) -> Self {
        let readable = tables.iter().map(|table| table.read.rows()).collect();
        Self { tables: Some(tables), readable, ..Self::default() }
    }

    /// Likewise, with what is read noted: columns, which whoever judges rows in memory must load, and claims, also those that virtual attributes read.
    pub fn noted<'e>(self, schema: &Schema, virtuals: impl Iterator<Item = &'e Expr>) -> Self {
        let mut inputs = vec![BTreeSet::new(); schema.tables.len()];
        let mut claims: BTreeSet<String> = virtuals.flat_map(Expr::claims).collect();
        for (table, allowed) in (0..).map(TableId).zip(self.tables.iter().flatten()) {
            for expr in allowed.conditions() {
                expr.places().iter().for_each(|place| note(schema, table, place, &mut inputs));
            }
            for expr in allowed.conditions().chain(allowed.presets()) {
                claims.extend(expr.claims());
            }
        }
        Self { inputs, claims, ..self }
    }

    /// The names of the claims that conditions, presets and virtual attributes read.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.claims.iter().map(String::as_str)
    }

    /// The columns of a table that conditions read.
    pub fn inputs(&self, table: TableId) -> impl Iterator<Item = ColumnId> {
        self.inputs.get(table.0 as usize).into_iter().flatten().copied()
    }

    /// Whether everything is allowed, because no access rules are configured.
    pub fn is_open(&self) -> bool {
        self.tables.is_none()
    }

    /// What is allowed with a table; `None`: everything. What is not known is not allowed.
    pub fn table(&self, table: TableId) -> Option<&TableAuthority> {
        static NOTHING: TableAuthority = TableAuthority::nothing();
        self.tables.as_ref().map(|tables| tables.get(table.0 as usize).unwrap_or(&NOTHING))
    }

    /// Whether all rows of a table can be read.
    pub fn reads_all(&self, table: TableId) -> bool {
        self.table(table).is_none_or(|table| table.read.is_everything())
    }

    /// Which rows of a table can be read.
    pub fn readable(&self, table: TableId) -> &Rows {
        match self.is_open() {
            true => &Rows::All,
            false => self.readable.get(table.0 as usize).unwrap_or(&Rows::None),
        }
    }
}

impl TableAuthority {
    /// Nothing.
    pub const fn nothing() -> Self {
        Self {
            read: Grants::nothing(),
            create: Grants::nothing(),
            update: Grants::nothing(),
            delete: Grants::nothing(),
            hidden: BTreeSet::new(),
            hidden_relationships: BTreeSet::new(),
        }
    }

    /// Whether nothing at all is allowed.
    pub fn is_nothing(&self) -> bool {
        [&self.read, &self.create, &self.update, &self.delete].iter().all(|grants| grants.is_nothing())
    }
}

impl TableAuthority {
    fn presets(&self) -> impl Iterator<Item = &Expr> {
        let grants = self.create.any.iter().chain(&self.update.any);
        grants.flat_map(|grant| grant.presets.iter().map(|(_, expr)| expr))
    }

    fn conditions(&self) -> impl Iterator<Item = &Expr> {
        let grants = [&self.read, &self.create, &self.update, &self.delete].into_iter();
        grants.flat_map(|grants| {
            grants.any.iter().filter_map(|grant| grant.rows.as_ref()).chain(&grants.filters)
        })
    }
}

/// Notes a column, and those of the foreign keys on the way to it.
fn note(schema: &Schema, mut table: TableId, place: &Place, inputs: &mut [BTreeSet<ColumnId>]) {
    let mut add = |table: TableId, columns: &[ColumnId]| {
        inputs.get_mut(table.0 as usize).into_iter().for_each(|known| known.extend(columns));
    };
    for relationship in &place.path {
        let there = &schema[table][*relationship];
        add(table, &there.columns);
        add(there.target, &there.target_columns);
        table = there.target;
    }
    add(table, &[place.column]);
}

impl Grants {
    /// Nothing.
    pub const fn nothing() -> Self {
        Self { any: Vec::new(), filters: Vec::new() }
    }

    /// Whether no row can be meant.
    pub fn is_nothing(&self) -> bool {
        self.any.is_empty()
    }

    /// Whether every row is meant, whatever is written of it.
    pub fn is_free(&self) -> bool {
        self.filters.is_empty() && self.any.iter().any(Grant::is_free)
    }

    /// Whether every row is meant.
    pub fn is_everything(&self) -> bool {
        self.filters.is_empty() && self.any.iter().any(|grant| grant.rows.is_none())
    }

    /// Of the rows of a join table, where they tie two others: that needs no grant of its own, but what limits grants and filters say holds.
    pub fn of_links(&self) -> Cow<'_, Self> {
        match self.any.is_empty() {
            true => Cow::Owned(Self { any: vec![Grant::default()], filters: self.filters.clone() }),
            false => Cow::Borrowed(self),
        }
    }

    /// Which rows are meant.
    pub fn rows(&self) -> Rows {
        let mut terms = self.filters.clone();
        if self.any.is_empty() {
            return Rows::None;
        }
        let granted: Option<Vec<Expr>> = self.any.iter().map(|grant| grant.rows.clone()).collect();
        terms.extend(granted.map(|mut any| if any.len() == 1 { any.remove(0) } else { Expr::Or(any) }));
        match terms.len() {
            0 => Rows::All,
            1 => Rows::Where(terms.remove(0)),
            _ => Rows::Where(Expr::And(terms)),
        }
    }
}

impl Grant {
    fn is_free(&self) -> bool {
        self.rows.is_none() && self.locked.is_empty() && self.locked_relationships.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use dialects::Value;

    use super::*;

    fn grant(rows: Option<i64>) -> Grant {
        Grant { rows: rows.map(|n| Expr::Literal(Value::Int(n))), ..Grant::default() }
    }

    #[test]
    fn grants_are_or_ed_and_filters_and_ed() {
        let number = |n| Expr::Literal(Value::Int(n));
        let check = |any: &[Option<i64>], filters: &[i64], expect: Rows| {
            let any = any.iter().copied().map(grant).collect();
            let grants = Grants { any, filters: filters.iter().copied().map(number).collect() };
            assert_eq!(grants.is_everything(), expect == Rows::All);
            assert_eq!(grants.rows(), expect);
        };
        check(&[], &[1], Rows::None);
        check(&[None], &[], Rows::All);
        check(&[None, Some(1)], &[], Rows::All);
        check(&[Some(1)], &[], Rows::Where(number(1)));
        check(&[Some(1), Some(2)], &[], Rows::Where(Expr::Or(vec![number(1), number(2)])));
        check(&[None], &[3], Rows::Where(number(3)));
        check(&[Some(1)], &[3, 4], Rows::Where(Expr::And(vec![number(3), number(4), number(1)])));
    }

    #[test]
    fn what_is_not_known_is_not_allowed() {
        assert_eq!(*Authority::open().readable(TableId(7)), Rows::All);
        assert_eq!(*Authority::new(Vec::new()).readable(TableId(7)), Rows::None);
    }
}
