//! A line of `derive` with `virtual: true` -> a [`Virtual`]: an attribute that no table keeps, computed when its row is read.

use std::collections::HashMap;

use bigdecimal::Zero;
use dialects::sql::SqlType;
use dialects::{IntKind, ValueType};
use introspect::schema::ColumnDefault;
use introspect::{Column, ColumnId, Schema, TableId};

use super::Compiler;
use super::derive::is_whole;
use crate::expr::parse::{self, Name};
use crate::expr::resolve::{Context, expression, noun, of_column};
use crate::expr::{BinaryOp, Expr, Function, Place, Type};
use crate::file::{ColumnRule, Text};
use crate::rule::Virtual;

/// Most digits after the point that all databases keep.
const SCALE_MAX: u32 = 30;

const WRITE_ZERO: &str =
    "write x / nullif(y, 0), which is null where y is zero: one such row would make every list fail";

impl Compiler<'_> {
    /// All of them, each with its place after the columns of its table.
    pub(super) fn virtuals(&mut self, rules: &[&ColumnRule]) -> Vec<Virtual> {
        let mut seen: HashMap<(TableId, String), &Text> = HashMap::new();
        let mut virtuals: Vec<Virtual> = Vec::new();
        for rule in rules {
            let Some((table, name)) = self.free_name(&rule.target) else { continue };
            if let Some(first) = seen.insert((table, name.clone()), &rule.target) {
                let hint = format!("first at {}", self.problems.place(first));
                self.problems.at(&rule.target, format!("`{name}` is declared twice"), hint);
                continue;
            }
            if let Some(key) = &rule.insert_parent {
                self.problems.at(key, "only an aggregate can insert parents", "");
            }
            let Some((expr, ty)) = self.computed(&rule.expression, table) else { continue };
            let before = virtuals.iter().filter(|other| other.table == table).count();
            let column = ColumnId((self.schema[table].columns.len() + before) as u32);
            virtuals.push(Virtual { table, column, shown: shown(name, ty), expr });
        }
        virtuals
    }

    /// `table.name`, where the table has nothing of that name.
    fn free_name(&mut self, text: &Text) -> Option<(TableId, String)> {
        let names = match parse::dotted(&text.value) {
            Ok(names) => names,
            Err(problem) => {
                self.problems.inside(text, 0, problem);
                return None;
            }
        };
        let [table, name] = names.as_slice() else {
            self.problems.at(text, "a table and a name are needed", "write table.name");
            return None;
        };
        let id = self.table(text, table)?;
        self.is_free(text, id, name).then(|| (id, name.text.clone()))
    }

    fn is_free(&mut self, text: &Text, id: TableId, name: &Name) -> bool {
        let table = &self.schema[id];
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let problem = if table.column(&name.text).is_some() {
            Some(("is a column", "leave out `virtual: true` to derive it, or take another name"))
        } else if table.relationship(&name.text).is_some() || matches!(name.text.as_str(), "id" | "type") {
            Some(("is taken", "relationships, `id` and `type` have their names already"))
        } else if !name.text.chars().all(plain) || name.text.starts_with('-') || name.text.ends_with('-') {
            Some(("is no name of an attribute", "take letters, digits, `_` and `-`"))
        } else {
            None
        };
        if let Some((what, hint)) = problem {
            self.problems.at(text, format!("`{}` of {} {what}", name.text, table.name), hint);
        }
        problem.is_none()
    }

    fn computed(&mut self, text: &Text, table: TableId) -> Option<(Expr, ValueType)> {
        if is_whole(&text.value) {
            let hint = "derive it into a column, and read that here";
            self.problems.at(
                text,
                "a virtual attribute is an expression over the row and rows above it",
                hint,
            );
            return None;
        }
        let (expr, ty) = match expression(self.schema, table, &text.value, Context::Virtual) {
            Ok(resolved) => resolved,
            Err(problems) => {
                self.refuse_all(text, 0, problems);
                return None;
            }
        };
        if let Some((message, hint)) = unfit(self.schema, table, &expr) {
            self.problems.at(text, message, hint);
            return None;
        }
        let column = |place: &Place| type_at(self.schema, table, place);
        match value_type(ty, expr.scale(&column)) {
            Some(kind) => Some((expr, kind)),
            None => {
                let message = format!("a virtual attribute cannot be {}", noun(ty));
                self.problems.at(
                    text,
                    message,
                    "it can be a number, a text, a date, a time, a timestamp or a truth value",
                );
                None
            }
        }
    }
}

/// What a database could not compute for every row, or not exactly.
fn unfit(schema: &Schema, table: TableId, expr: &Expr) -> Option<(String, &'static str)> {
    let column = |place: &Place| type_at(schema, table, place);
    let mut found = None;
    expr.walk(&mut |e| match e {
        Expr::Binary(BinaryOp::Div | BinaryOp::Rem, _, by) if can_be_zero(by) => {
            found = Some(("a division by what can be zero".to_owned(), WRITE_ZERO));
        }
        Expr::Binary(..) if e.scale(&column).is_none_or(|scale| scale > SCALE_MAX) => {
            let message = format!("a number with more than {SCALE_MAX} digits after the point");
            found = Some((message, "round its parts: round(x, 2)"));
        }
        Expr::Column(place) if column(place) == Type::Float => {
            let message = "floating point columns keep no exact numbers";
            found = Some((message.to_owned(), "declare the column decimal"));
        }
        _ => {}
    });
    found
}

fn can_be_zero(divisor: &Expr) -> bool {
    match divisor {
        Expr::Literal(value) => value.decimal().is_none_or(|number| number.is_zero()),
        Expr::Negate(inner) => can_be_zero(inner),
        Expr::Call(Function::NullIf, args) => {
            !matches!(args.get(1), Some(Expr::Literal(value)) if value.decimal().is_some_and(|n| n.is_zero()))
        }
        _ => true,
    }
}

fn type_at(schema: &Schema, table: TableId, place: &Place) -> Type {
    let end = place.path.iter().fold(table, |at, hop| schema[at][*hop].target);
    of_column(schema[end][place.column].ty)
}

/// How it is read and shown.
fn value_type(ty: Type, scale: Option<u32>) -> Option<ValueType> {
    Some(match ty {
        Type::Bool => ValueType::Bool,
        Type::Integer => ValueType::Int(IntKind::Dynamic),
        Type::Decimal(_) => ValueType::Decimal { precision: None, scale: Some(scale?) },
        Type::Text => ValueType::Text { length: None },
        Type::Date => ValueType::Date,
        Type::Time => ValueType::Time,
        Type::Timestamp => ValueType::Timestamp,
        Type::TimestampTz => ValueType::TimestampTz,
        Type::Null | Type::Float | Type::Bytes | Type::Json | Type::Other => return None,
    })
}

/// To all that asks whether it can be written, it is computed by the database.
fn shown(name: String, ty: ValueType) -> Column {
    Column {
        db_name: name.clone(),
        name,
        ty,
        sql_type: SqlType::scalar("text"),
        enum_values: Vec::new(),
        loose: false,
        nullable: true,
        default: ColumnDefault::None,
        renewed: false,
        generated: Some(String::new()),
        is_virtual: true,
        comment: None,
        hidden: false,
        label: None,
        searchable: None,
    }
}
