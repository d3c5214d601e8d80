//! Scalar SQL.

use super::{Alias, Select, SqlType};
use crate::calendar::{Field, Interval};
use crate::{Value, ValueType};

/// A scalar expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A column of a table of this statement or of one around it.
    Column(Alias, String),
    /// A value, bound as a parameter; cast to the type where one is given and the dialect needs it.
    Param(Value, Option<SqlType>),
    /// SQL's NULL, TRUE and FALSE as literals.
    Null,
    /// A literal truth value.
    Bool(bool),
    /// A whole number in the text of the statement (never a client's).
    Number(i64),
    /// Text from the database's catalogue (a column's default), in parentheses.
    Verbatim(String),
    /// `left op right`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// All of them; empty: true.
    And(Vec<Expr>),
    /// Any of them; empty: false.
    Or(Vec<Expr>),
    /// Negation.
    Not(Box<Expr>),
    /// Unary minus.
    Negate(Box<Expr>),
    /// `is null`, or `is not null` when the flag is false.
    IsNull(Box<Expr>, bool),
    /// Null-safe comparison: `is distinct from` when the flag is true, else `is not distinct from`.
    Distinct(Box<Expr>, Box<Expr>, bool),
    /// `expr in (values)`: one array parameter on PostgreSQL. Empty: false.
    In(Box<Expr>, Vec<Value>, SqlType),
    /// `expr in (expressions)`.
    InExprs(Box<Expr>, Vec<Expr>),
    /// `(a, b) in ((1, 2), …)`: keys of several parts, one array parameter a part on PostgreSQL. Empty: false.
    KeyIn(Vec<Expr>, Vec<SqlType>, Vec<Vec<Value>>),
    /// `exists (select …)`.
    Exists(Box<Select>),
    /// `(select …)` of one column and at most one row.
    Scalar(Box<Select>),
    /// A function or aggregate.
    Call(Function, Vec<Expr>),
    /// `count(*)`.
    CountAll,
    /// `case when … then … else … end`.
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    /// An explicit cast.
    Cast(Box<Expr>, CastType),
    /// The expression as an exact decimal: calculated with, and compared, as such on every database.
    Decimal(Box<Expr>),
    /// A stored date, time or decimal in the form in which it compares: SQLite keeps one of them in several texts or doubles.
    Kept(Box<Expr>, ValueType),
    /// The instant of the statement.
    Now,
    /// Its date, in UTC.
    Today,
    /// The expression compared by code points, whatever the column's collation.
    Exact(Box<Expr>),
    /// `text like pattern`, with `\` as the escape character. `insensitive`: whatever the case.
    Like {
        /// What is matched.
        text: Box<Expr>,
        /// The pattern.
        pattern: Box<Expr>,
        /// Ignore case.
        insensitive: bool,
    },
}

/// Operators between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum BinaryOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Add,
    Sub,
    Mul,
    /// Decimal division to 20 digits after the point, half away from zero.
    Div,
    /// Remainder with the sign of the dividend.
    Rem,
    /// `||`; null when either is null.
    Concat,
}

/// Functions of the expression language, and the aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Function {
    Coalesce,
    NullIf,
    Abs,
    /// `round(x)` or `round(x, digits)`, half away from zero.
    Round,
    Floor,
    Ceil,
    /// Nulls are ignored (as PostgreSQL does).
    Least,
    /// Nulls are ignored.
    Greatest,
    Lower,
    Upper,
    /// Spaces at both ends.
    Trim,
    /// In characters.
    Length,
    /// `substring(text, from, count)`, counted from 1.
    Substring,
    Replace,
    /// Nulls count as empty text.
    Concat,
    /// A date or timestamp moved by a span; beyond the years 1 to 9999 an error.
    Shift(Interval),
    /// A date and a number of days.
    AddDays,
    /// The days from the second date to the first.
    DaysBetween,
    /// A part of a date, a time or a timestamp.
    Extract(Field),
    /// Exact.
    Sum,
    /// In binary floating point.
    SumFloat,
    Count,
    /// How many different values there are.
    CountDistinct,
    Min,
    Max,
}

/// Types that expressions cast to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum CastType {
    Integer,
    /// With digits after the point where given.
    Decimal(Option<u32>),
    Text,
    /// A value of a type that we have no form for, as the text that stands for it.
    Shown,
    Boolean,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    /// The text of a number, with so many digits after the point; without: as many as it has, no zeros at the end.
    Digits(Option<u32>),
    /// The text of a time of day, without zeros at the end of the second.
    TimeText,
    /// Likewise of a timestamp.
    TimestampText,
    /// Likewise of an instant, in UTC with `Z` behind it.
    InstantText,
    /// The database's own spelling.
    Native(SqlType),
}

impl Expr {
    /// A column by alias and name.
    pub fn column(alias: Alias, name: impl Into<String>) -> Self {
        Self::Column(alias, name.into())
    }

    /// `left op right`.
    pub fn binary(op: BinaryOp, left: Expr, right: Expr) -> Self {
        Self::Binary(op, Box::new(left), Box::new(right))
    }

    /// `left = right`.
    pub fn eq(left: Expr, right: Expr) -> Self {
        Self::binary(BinaryOp::Eq, left, right)
    }

    /// The expressions directly inside this one; those of a select of its own are not.
    pub fn inside(&self) -> Vec<&Expr> {
        match self {
            Self::Not(e) | Self::Negate(e) | Self::IsNull(e, _) | Self::Cast(e, _) | Self::Decimal(e) => {
                vec![e]
            }
            Self::Exact(e) | Self::In(e, ..) | Self::Kept(e, _) => vec![e],
            Self::Binary(_, a, b) | Self::Distinct(a, b, _) | Self::Like { text: a, pattern: b, .. } => {
                vec![a, b]
            }
            Self::And(es) | Self::Or(es) | Self::Call(_, es) | Self::KeyIn(es, ..) => es.iter().collect(),
            Self::InExprs(e, es) => std::iter::once(e.as_ref()).chain(es).collect(),
            Self::Case(arms, otherwise) => {
                arms.iter().flat_map(|(a, b)| [a, b]).chain(otherwise.as_deref()).collect()
            }
            Self::Column(..)
            | Self::Param(..)
            | Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Verbatim(_)
            | Self::Exists(_)
            | Self::Scalar(_)
            | Self::CountAll
            | Self::Now
            | Self::Today => Vec::new(),
        }
    }
}
