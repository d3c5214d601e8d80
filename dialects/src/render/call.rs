//! Functions and aggregates, made to mean the same on every dialect.

use super::Writer;
use crate::Dialect;
use crate::sql::{Expr, Function};

impl Writer {
    /// `name(a, b)`.
    pub(super) fn function<'a>(&mut self, name: &str, arguments: impl IntoIterator<Item = &'a Expr>) {
        self.push(name);
        self.push("(");
        for (index, argument) in arguments.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.expr(argument);
        }
        self.push(")");
    }

    /// A function of the expression language.
    pub(super) fn call(&mut self, function: Function, arguments: &[Expr]) {
        match (function, self.dialect) {
            (Function::Round | Function::Floor | Function::Ceil, _) => self.rounding(function, arguments),
            (Function::Least | Function::Greatest, _) => self.extreme(function, arguments),
            (Function::Trim, _) => self.trim(arguments),
            (Function::Substring, _) => self.substring(arguments),
            (Function::Concat, Dialect::Mysql) => self.concat_all("concat(", ", ", arguments),
            (Function::Concat, Dialect::Sqlite) => self.concat_all("(", " || ", arguments),
            (function, dialect) => self.function(name(function, dialect), arguments),
        }
    }

    /// PostgreSQL's functions for binary floats round half to even: numbers are made decimals first.
    fn rounding(&mut self, function: Function, arguments: &[Expr]) {
        let name = match (function, self.dialect) {
            (Function::Floor, Dialect::Sqlite) => "rulegate_floor",
            (Function::Ceil, Dialect::Sqlite) => "rulegate_ceil",
            (_, Dialect::Sqlite) => "rulegate_round",
            (Function::Floor, _) => "floor",
            (Function::Ceil, _) => "ceiling",
            _ => "round",
        };
        let [number, digits @ ..] = arguments else { return self.push("null") };
        self.push(name);
        let after = if self.dialect == Dialect::Postgres { ")::numeric" } else { ")" };
        self.wrapped("((", number, after);
        for digits in digits {
            self.wrapped(", (", digits, if self.dialect == Dialect::Postgres { ")::int4" } else { ")" });
        }
        if digits.is_empty() && name == "rulegate_round" {
            self.push(", 0");
        }
        self.push(")");
    }

    /// Nulls are ignored. Outside of PostgreSQL one null makes the whole null, so each argument falls back on the others.
    fn extreme(&mut self, function: Function, arguments: &[Expr]) {
        let name = match (function, self.dialect) {
            (Function::Least, Dialect::Sqlite) => "min",
            (_, Dialect::Sqlite) => "max",
            (Function::Least, _) => "least",
            _ => "greatest",
        };
        match (self.dialect, arguments) {
            // With one argument SQLite's would be the aggregate.
            (_, [one]) => self.expr(one),
            (Dialect::Postgres, _) => self.function(name, arguments),
            _ => {
                self.push(name);
                self.push("(");
                for start in 0..arguments.len() {
                    self.push(if start > 0 { ", " } else { "" });
                    let (before, after) = arguments.split_at(start);
                    self.function("coalesce", after.iter().chain(before));
                }
                self.push(")");
            }
        }
    }

    fn trim(&mut self, arguments: &[Expr]) {
        let [text] = arguments else { return self.push("null") };
        match self.dialect {
            Dialect::Sqlite => self.wrapped("trim(", text, ", ' ')"),
            Dialect::Postgres | Dialect::Mysql => self.wrapped("trim(both ' ' from ", text, ")"),
        }
    }

    /// Positions before the first count as in PostgreSQL, where others would count from the end.
    fn substring(&mut self, arguments: &[Expr]) {
        let [text, from, count @ ..] = arguments else { return self.push("null") };
        let (least, greatest) = match self.dialect {
            Dialect::Sqlite => ("min(", "max("),
            Dialect::Postgres | Dialect::Mysql => ("least(", "greatest("),
        };
        self.wrapped("substr(", text, ", ");
        self.push(greatest);
        self.wrapped("", from, ", 1)");
        for count in count {
            self.push(", ");
            self.push(greatest);
            self.wrapped("", count, " + ");
            self.push(least);
            self.wrapped("", from, ", 1) - 1, 0)");
        }
        self.push(")");
    }

    fn concat_all(&mut self, before: &str, separator: &str, arguments: &[Expr]) {
        self.push(before);
        self.list(arguments, separator, |writer, argument| writer.wrapped("coalesce(", argument, ", '')"));
        self.push(")");
    }
}

fn name(function: Function, dialect: Dialect) -> &'static str {
    match (function, dialect) {
        (Function::Coalesce, _) => "coalesce",
        (Function::NullIf, _) => "nullif",
        (Function::Abs, _) => "abs",
        (Function::Round, _) => "round",
        (Function::Floor, _) => "floor",
        (Function::Ceil, _) => "ceiling",
        (Function::Least, _) => "least",
        (Function::Greatest, _) => "greatest",
        (Function::Lower, Dialect::Sqlite) => "rulegate_lower",
        (Function::Lower, _) => "lower",
        (Function::Upper, Dialect::Sqlite) => "rulegate_upper",
        (Function::Upper, _) => "upper",
        (Function::Trim, _) => "trim",
        (Function::Length, Dialect::Sqlite) => "length",
        (Function::Length, _) => "char_length",
        (Function::Substring, _) => "substr",
        (Function::Replace, _) => "replace",
        (Function::Concat, _) => "concat",
        (Function::Sum, Dialect::Sqlite) => "rulegate_sum",
        (Function::Sum, _) => "sum",
        (Function::Count, _) => "count",
        (Function::Min, _) => "min",
        (Function::Max, _) => "max",
    }
}
