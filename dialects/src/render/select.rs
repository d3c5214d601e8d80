//! SELECT, clause by clause.

use super::{Statement, Writer, mysql, postgres, sqlite};
use crate::sql::{Alias, CastType, Expr, Item, Join, JoinKind, Order, Select, Source};
use crate::{Dialect, Param, Value, ValueType};

/// A SELECT as a statement of its own.
pub(super) fn statement(dialect: Dialect, select: &Select) -> Statement {
    let mut writer = Writer::new(dialect);
    writer.select(select);
    writer.finish(types(&select.items))
}

/// What a SELECT's plan is asked for with.
pub(super) fn explanation(dialect: Dialect, select: &Select) -> Option<Statement> {
    let mut writer = Writer::new(dialect);
    writer.push(match dialect {
        Dialect::Postgres => "explain (format json) ",
        Dialect::Mysql => "explain format=json ",
        Dialect::Sqlite => return None,
    });
    writer.select(select);
    Some(writer.finish(vec![ValueType::Json]))
}

/// How the cells of these items are decoded.
pub(super) fn types(items: &[Item]) -> Vec<ValueType> {
    items.iter().map(|item| item.ty).collect()
}

impl Writer {
    /// A SELECT, also inside of another statement.
    pub(super) fn select(&mut self, select: &Select) {
        self.push("select ");
        self.items(&select.items);
        self.clauses(select);
    }

    /// What stands behind the select list.
    fn clauses(&mut self, select: &Select) {
        if let Some((source, alias)) = &select.from {
            self.push(" from ");
            self.source(source, *alias);
        }
        select.joins.iter().for_each(|join| self.join(join));
        self.filter(select.filter.as_ref());
        self.group_by(&select.group_by);
        self.having(select.having.as_ref());
        self.order(&select.order);
        self.limit(select.limit, select.offset);
        if let (Some(lock), Some((_, alias))) = (select.lock, &select.from) {
            let text = match self.dialect {
                Dialect::Postgres => postgres::lock(lock, *alias),
                Dialect::Mysql => mysql::lock(lock).to_owned(),
                Dialect::Sqlite => String::new(),
            };
            self.push(&text);
        }
    }

    fn source(&mut self, source: &Source, alias: Alias) {
        match source {
            Source::Table(table) => self.table_as(table, alias),
            Source::Select(select) => {
                self.push("(select ");
                self.columns(&select.items);
                self.clauses(select);
                self.push(") as ");
                self.alias(alias);
            }
        }
    }

    /// A select list whose items have names, and stay in the form in which the database keeps them.
    fn columns(&mut self, items: &[Item]) {
        if items.is_empty() {
            self.push("1");
        }
        let numbered: Vec<_> = items.iter().enumerate().collect();
        self.list(&numbered, ", ", |writer, (n, item)| {
            writer.wrapped("", &item.expr, " as ");
            writer.push(&Source::column(*n));
        });
    }

    /// A select list; an empty one (an EXISTS) reads a constant.
    pub(super) fn items(&mut self, items: &[Item]) {
        if items.is_empty() {
            self.push("1");
        }
        self.list(items, ", ", Self::item);
    }

    /// What has no form of its own is read as text. PostgreSQL's enums too: each connection would have to look up what they are.
    fn item(&mut self, item: &Item) {
        match (self.dialect, item.ty) {
            (_, ValueType::Other) => self.cast(&item.expr, &CastType::Shown),
            (Dialect::Postgres, ValueType::Enum) => self.cast(&item.expr, &CastType::Text),
            (Dialect::Postgres, ValueType::Array(ValueType::Other | ValueType::Enum)) => {
                self.wrapped("(", &item.expr, ")::text[]")
            }
            _ => self.expr(&item.expr),
        }
    }

    fn join(&mut self, join: &Join) {
        self.push(match join.kind {
            JoinKind::Inner => " join ",
            JoinKind::Left => " left join ",
        });
        self.table_as(&join.table, join.alias);
        self.push(" on ");
        self.expr(&join.on);
    }

    fn filter(&mut self, filter: Option<&Expr>) {
        if let Some(filter) = filter {
            self.push(" where ");
            self.expr(filter);
        }
    }

    fn group_by(&mut self, terms: &[Expr]) {
        if !terms.is_empty() {
            self.push(" group by ");
            self.list(terms, ", ", Self::expr);
        }
    }

    fn having(&mut self, condition: Option<&Expr>) {
        if let Some(condition) = condition {
            self.wrapped(" having ", condition, "");
        }
    }

    fn order(&mut self, terms: &[Order]) {
        if !terms.is_empty() {
            self.push(" order by ");
            self.list(terms, ", ", Self::order_term);
        }
    }

    /// PostgreSQL takes null for the greatest value, which is the order wanted; the others take it for the least.
    fn order_term(&mut self, term: &Order) {
        let direction = if term.descending { " desc" } else { "" };
        // SQLite keeps long numbers as text.
        if let (Dialect::Sqlite, Expr::Decimal(number)) = (self.dialect, &term.expr) {
            self.wrapped("rulegate_sortable(", number, ")");
            self.push(direction);
            return self.push(if term.nullable { sqlite::nulls(term.descending) } else { "" });
        }
        if term.nullable && self.dialect == Dialect::Mysql {
            self.wrapped("", &term.expr, " is null");
            self.push(direction);
            self.push(", ");
        }
        self.expr(&term.expr);
        self.push(direction);
        if term.nullable && self.dialect == Dialect::Sqlite {
            self.push(sqlite::nulls(term.descending));
        }
    }

    fn limit(&mut self, limit: Option<u64>, offset: Option<u64>) {
        let everything = match self.dialect {
            Dialect::Postgres => None,
            Dialect::Mysql => offset.map(|_| u64::MAX.to_string()),
            Dialect::Sqlite => offset.map(|_| "-1".to_owned()),
        };
        if let Some(rows) = limit.map(|rows| rows.to_string()).or(everything) {
            self.push(" limit ");
            self.push(&rows);
        }
        if let Some(rows) = offset {
            self.push(" offset ");
            self.bind(Param::One(Value::Int(i64::try_from(rows).unwrap_or(i64::MAX))));
        }
    }
}
