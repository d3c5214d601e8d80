//! The one typed expression: client filters, access policies and rules alike.
//!
//! `parse` reads SQL scalar syntax, `resolve` finds names and types against a schema and yields an [`Expr`], `eval` computes it in memory; the
//! server lowers the same tree to SQL. Names are gone here: columns and relationships are ids, relative to the table that
//! the expression speaks of.

pub mod eval;
mod fit;
pub mod golden;
pub(crate) mod parse;
pub mod resolve;
mod typing;
mod weight;

use dialects::Value;
use introspect::{ColumnId, RelationshipId};

/// A resolved, typed expression over one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A constant.
    Literal(Value),
    /// A column of the row, or of a row reached through to-one relationships.
    Column(Place),
    /// A column of the row as this transaction first locked it; null on insert.
    Old(ColumnId),
    /// Whether any of the columns is distinct from its old value (on insert: from null).
    Changed(Vec<ColumnId>),
    /// Which operation is under way.
    Event(Event),
    /// The instant of the transaction.
    Now,
    /// Its date, in UTC.
    Today,
    /// Who asks.
    Actor(ActorTerm),
    /// Three-valued negation.
    Not(Box<Expr>),
    /// Unary minus.
    Negate(Box<Expr>),
    /// Three-valued `and` of all.
    And(Vec<Expr>),
    /// Three-valued `or` of any.
    Or(Vec<Expr>),
    /// Comparison, arithmetic, concatenation.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `is null` (true) or `is not null` (false).
    IsNull(Box<Expr>, bool),
    /// `is distinct from` (true) or `is not distinct from` (false).
    Distinct(Box<Expr>, Box<Expr>, bool),
    /// `x in (a, b)`, with SQL's null logic.
    In(Box<Expr>, Vec<Expr>),
    /// `x in actor.claim('name')`: whether it is among the claim's values, each converted to the type; null where there is no such claim.
    InClaim(Box<Expr>, String, Type),
    /// `text like pattern`, `\` escapes.
    Like {
        /// What is matched.
        text: Box<Expr>,
        /// The pattern.
        pattern: Box<Expr>,
        /// Whatever the case (client filters alone).
        insensitive: bool,
    },
    /// `case when … then … else … end`.
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    /// An explicit cast.
    Cast(Box<Expr>, Type),
    /// A function of the language.
    Call(Function, Vec<Expr>),
}

pub use dialects::sql::{BinaryOp, Function};

/// A column, seen from a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// To-one relationships to follow, the first one from the row's own table; empty: the row itself.
    pub path: Vec<RelationshipId>,
    /// The column of the table at the end.
    pub column: ColumnId,
}

/// What happens to the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Event {
    Inserting,
    Updating,
    Deleting,
}

/// What an expression may ask of the actor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ActorTerm {
    /// `actor.id`.
    Id,
    /// `actor.claim('name')`, converted to a type.
    Claim(String, Type),
    /// `actor.has_role('name')`.
    HasRole(String),
}

/// The types of expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Of the literal `null`: fits every other.
    Null,
    /// Truth values.
    Bool,
    /// Whole numbers.
    Integer,
    /// Exact decimals; `None`: as many digits after the point as there are.
    Decimal(Option<u32>),
    /// Binary floating point: may be compared, never calculated with.
    Float,
    /// Text, UUIDs, enums.
    Text,
    /// A calendar date.
    Date,
    /// A time of day.
    Time,
    /// Date and time without zone.
    Timestamp,
    /// An instant.
    TimestampTz,
    /// Bytes; only null tests.
    Bytes,
    /// JSON; only null tests.
    Json,
    /// Types that the language has no operation for; only null tests.
    Other,
}

/// A type in words.
pub(crate) fn noun(ty: Type) -> &'static str {
    match ty {
        Type::Null => "null",
        Type::Bool => "true or false",
        Type::Integer | Type::Decimal(_) => "a number",
        Type::Float => "a floating point number",
        Type::Text => "a text",
        Type::Date => "a date",
        Type::Time => "a time",
        Type::Timestamp => "a timestamp",
        Type::TimestampTz => "an instant",
        Type::Bytes => "bytes",
        Type::Json => "JSON",
        Type::Other => "of a type that the language does not know",
    }
}

impl Place {
    /// A column of the row itself.
    pub fn own(column: ColumnId) -> Self {
        Self { path: Vec::new(), column }
    }
}

impl Expr {
    /// A column of the row itself.
    pub fn column(column: ColumnId) -> Self {
        Self::Column(Place::own(column))
    }

    /// Calls `visit` for this expression and every one inside it.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Expr)) {
        visit(self);
        match self {
            Self::Not(e) | Self::Negate(e) | Self::IsNull(e, _) | Self::Cast(e, _) | Self::InClaim(e, ..) => {
                e.walk(visit)
            }
            Self::Binary(_, a, b) | Self::Distinct(a, b, _) | Self::Like { text: a, pattern: b, .. } => {
                a.walk(visit);
                b.walk(visit);
            }
            Self::And(es) | Self::Or(es) | Self::Call(_, es) => es.iter().for_each(|e| e.walk(visit)),
            Self::In(e, es) => {
                e.walk(visit);
                es.iter().for_each(|e| e.walk(visit));
            }
            Self::Case(arms, otherwise) => {
                for (condition, value) in arms {
                    condition.walk(visit);
                    value.walk(visit);
                }
                if let Some(e) = otherwise {
                    e.walk(visit);
                }
            }
            Self::Literal(_)
            | Self::Column(_)
            | Self::Old(_)
            | Self::Changed(_)
            | Self::Event(_)
            | Self::Now
            | Self::Today
            | Self::Actor(_) => {}
        }
    }

    /// Every column that it reads, each once, sorted; `old.` and `changed()` count as reads of the row's own column.
    pub fn places(&self) -> Vec<Place> {
        self.places_where(|_| true)
    }

    /// Likewise, less the old value of one column: what a rule that sets this column reads besides.
    pub fn places_beside_old(&self, own: ColumnId) -> Vec<Place> {
        self.places_where(|e| *e != Self::Old(own))
    }

    /// The names of the claims of the actor that it reads.
    pub fn claims(&self) -> Vec<String> {
        let mut claims = Vec::new();
        self.walk(&mut |e| match e {
            Self::InClaim(_, name, _) | Self::Actor(ActorTerm::Claim(name, _)) => claims.push(name.clone()),
            _ => {}
        });
        claims
    }

    fn places_where(&self, counts: impl Fn(&Self) -> bool) -> Vec<Place> {
        let mut places = Vec::new();
        self.walk(&mut |e| match e {
            e if !counts(e) => {}
            Self::Column(place) => places.push(place.clone()),
            Self::Old(column) => places.push(Place::own(*column)),
            Self::Changed(columns) => places.extend(columns.iter().copied().map(Place::own)),
            _ => {}
        });
        places.sort();
        places.dedup();
        places
    }
}
