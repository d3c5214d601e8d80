//! Values: the one meaning of null, number, text and time, whichever database they came from.
//!
//! A [`Value`] owns its data (rules, parameters); a [`Cell`] borrows it from a result row (encoding). Both are read
//! under a [`ValueType`], which says what a column holds and how much of it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::{LazyLock, Mutex, PoisonError};

pub use bigdecimal::BigDecimal as Decimal;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

/// What a column holds. Decides how a cell is decoded, and how it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// true or false (MySQL: `tinyint(1)`; SQLite: declared `BOOLEAN`).
    Bool,
    /// A whole number of a known width.
    Int(IntKind),
    /// An exact decimal; `None` where the declaration sets no limit.
    Decimal {
        /// Most digits in all.
        precision: Option<u32>,
        /// Digits after the point.
        scale: Option<u32>,
    },
    /// Binary floating point, of 32 or 64 bits.
    Float {
        /// 32 or 64.
        bits: u8,
    },
    /// Text, of at most `length` characters where the declaration says so.
    Text {
        /// Most characters.
        length: Option<u32>,
    },
    /// A UUID, as lower-case text with hyphens.
    Uuid,
    /// A calendar date.
    Date,
    /// A time of day without zone.
    Time,
    /// Date and time without zone.
    Timestamp,
    /// An instant, held in UTC.
    TimestampTz,
    /// A JSON document, as its text.
    Json,
    /// Bytes.
    Bytes,
    /// One of a declared list of words (the list is the column's).
    Enum,
    /// Any of a declared list of words (the list is the column's), as text: those that are in it, joined by commas.
    Set,
    /// A time of day with its distance from UTC, as text (`12:30:00+02:00`).
    TimeTz,
    /// A span of time, as text in ISO 8601 (`P1M2DT3H`).
    Interval,
    /// Bits, as text of `0` and `1`.
    Bits {
        /// How many, or (`varying`) how many at most; `None`: as many as one likes.
        length: Option<u32>,
        /// Fewer are fine too.
        varying: bool,
    },
    /// The address of a host, a network or a device, as text.
    Address(AddressKind),
    /// An array of any depth, whose innermost elements are of this type (and can be null).
    Array(&'static ValueType),
    /// Anything else: shown as the database's own text, not writable.
    Other,
}

/// What addresses are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressKind {
    /// A host of either version, with the bits of its network where they are not all.
    Inet,
    /// A network of either version.
    Cidr,
    /// A host of version 4.
    V4,
    /// A host of version 6.
    V6,
    /// A device, of six bytes.
    Mac,
    /// A device, of eight bytes.
    Mac64,
}

impl ValueType {
    /// The type of arrays whose elements are of this type.
    pub fn array(self) -> Self {
        Self::Array(kept(self))
    }

    /// Whether values of it can be written: what it is is known.
    pub fn is_writable(self) -> bool {
        !matches!(self, Self::Other | Self::Array(Self::Other))
    }

    /// Texts, words of a list and UUIDs: what patterns apply to.
    pub fn is_textual(self) -> bool {
        matches!(self, Self::Text { .. } | Self::Enum | Self::Uuid)
    }

    /// Whether the databases tell whether two of its values are equal. (What is not known is compared as text.)
    pub fn has_equality(self) -> bool {
        !matches!(self, Self::Json | Self::Array(Self::Json | Self::Other))
    }

    /// Whether values of it have an order that clients can rely on.
    pub fn has_order(self) -> bool {
        self.has_equality() && self != Self::Other
    }
}

/// One copy of a type that stays as long as the process: there are no more than the columns of a database declare.
fn kept(ty: ValueType) -> &'static ValueType {
    static KEPT: LazyLock<Mutex<HashSet<&'static ValueType>>> = LazyLock::new(Mutex::default);
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    all.get(&ty).copied().unwrap_or_else(|| {
        let ty: &'static ValueType = Box::leak(Box::new(ty));
        all.insert(ty);
        ty
    })
}

/// The widths of whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum IntKind {
    I8,
    I16,
    I24,
    I32,
    I64,
    U8,
    U16,
    U24,
    U32,
    U64,
    /// MySQL's YEAR: 1901 to 2155, and 0.
    Year,
    /// SQLite's INTEGER: 64 bits, in practice small; a JSON number where a double can hold it.
    Dynamic,
}

impl IntKind {
    /// The least and the greatest value.
    pub fn range(self) -> (i128, i128) {
        match self {
            Self::I8 => (-0x80, 0x7f),
            Self::I16 => (-0x8000, 0x7fff),
            Self::I24 => (-0x80_0000, 0x7f_ffff),
            Self::I32 => (i32::MIN.into(), i32::MAX.into()),
            Self::I64 | Self::Dynamic => (i64::MIN.into(), i64::MAX.into()),
            Self::U8 => (0, 0xff),
            Self::U16 => (0, 0xffff),
            Self::U24 => (0, 0xff_ffff),
            Self::U32 => (0, u32::MAX.into()),
            Self::U64 => (0, u64::MAX.into()),
            Self::Year => (1901, 2155),
        }
    }
}

/// A value of its own.
///
/// Numbers are equal, ordered and hashed by their numeric value, so that `Int(5)` and `Decimal(5.00)` are one key.
/// Equality here is identity (null equals null); SQL's three-valued logic lives in the expressions.
#[derive(Clone, Debug)]
pub enum Value {
    /// SQL's null.
    Null,
    /// true or false.
    Bool(bool),
    /// A whole number that fits 64 bits; beyond that (MySQL's unsigned) it is a `Decimal` of scale 0.
    Int(i64),
    /// An exact decimal.
    Decimal(Decimal),
    /// Binary floating point.
    Float(f64),
    /// Text; also enums, UUIDs, intervals, addresses and whatever has no better form.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A calendar date.
    Date(NaiveDate),
    /// A time of day.
    Time(NaiveTime),
    /// Date and time without zone.
    Timestamp(NaiveDateTime),
    /// An instant, in UTC.
    TimestampTz(NaiveDateTime),
    /// A JSON document's text.
    Json(String),
    /// The elements of an array: all arrays, equally long, or none.
    Array(Vec<Value>),
    /// What the database draws for a row that is still to be written. No driver sends it: what was drawn takes its place before.
    Drawn(Drawn),
}

/// A value that the database draws when it writes a row: which row of a transaction's new ones, and which of its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Drawn {
    /// The number of the row among all that the transaction adds.
    pub row: u32,
    /// The place of the column in its table.
    pub column: u32,
}

/// A value borrowed from a result row.
#[derive(Clone, Debug)]
pub enum Cell<'a> {
    /// SQL's null.
    Null,
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An exact decimal as plain digits (`-12.50`), at the scale the database gave.
    Decimal(Cow<'a, str>),
    /// Binary floating point.
    Float(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// A calendar date.
    Date(NaiveDate),
    /// A time of day.
    Time(NaiveTime),
    /// Date and time without zone.
    Timestamp(NaiveDateTime),
    /// An instant, in UTC.
    TimestampTz(NaiveDateTime),
    /// A JSON document's text.
    Json(Cow<'a, str>),
    /// The elements of an array.
    Array(Vec<Cell<'a>>),
}

impl Value {
    /// Whether this is SQL's null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Text from anything that can become a string.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The value as a cell of a row.
    pub fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Bool(b) => Cell::Bool(*b),
            Self::Int(n) => Cell::Int(*n),
            Self::Decimal(d) => Cell::Decimal(Cow::Owned(d.to_plain_string())),
            Self::Float(f) => Cell::Float(*f),
            Self::Text(t) => Cell::Text(Cow::Borrowed(t)),
            Self::Bytes(b) => Cell::Bytes(Cow::Borrowed(b)),
            Self::Date(d) => Cell::Date(*d),
            Self::Time(t) => Cell::Time(*t),
            Self::Timestamp(t) => Cell::Timestamp(*t),
            Self::TimestampTz(t) => Cell::TimestampTz(*t),
            Self::Json(j) => Cell::Json(Cow::Borrowed(j)),
            Self::Array(elements) => Cell::Array(elements.iter().map(Self::cell).collect()),
            Self::Drawn(_) => Cell::Null,
        }
    }

    /// The number this value is, if it is an exact one.
    pub fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Int(n) => Some(Decimal::from(*n)),
            Self::Decimal(d) => Some(d.clone()),
            _ => None,
        }
    }

    /// Position among the kinds, for the total order.
    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Decimal(_) => 2,
            Self::Float(_) => 3,
            Self::Text(_) => 4,
            Self::Bytes(_) => 5,
            Self::Date(_) => 6,
            Self::Time(_) => 7,
            Self::Timestamp(_) => 8,
            Self::TimestampTz(_) => 9,
            Self::Json(_) => 10,
            Self::Array(_) => 11,
            Self::Drawn(_) => 12,
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Int(a), Self::Decimal(b)) => Decimal::from(*a).cmp(b),
            (Self::Decimal(a), Self::Int(b)) => a.cmp(&Decimal::from(*b)),
            (Self::Decimal(a), Self::Decimal(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) | (Self::Json(a), Self::Json(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Timestamp(a), Self::Timestamp(b)) | (Self::TimestampTz(a), Self::TimestampTz(b)) => {
                a.cmp(b)
            }
            (Self::Array(a), Self::Array(b)) => a.cmp(b),
            (Self::Drawn(a), Self::Drawn(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Null => {}
            Self::Bool(b) => b.hash(state),
            Self::Int(n) => Decimal::from(*n).hash(state),
            Self::Decimal(d) => d.hash(state),
            Self::Float(f) => f.to_bits().hash(state),
            Self::Text(t) | Self::Json(t) => t.hash(state),
            Self::Bytes(b) => b.hash(state),
            Self::Date(d) => d.hash(state),
            Self::Time(t) => t.hash(state),
            Self::Timestamp(t) | Self::TimestampTz(t) => t.hash(state),
            Self::Array(elements) => elements.hash(state),
            Self::Drawn(d) => d.hash(state),
        }
    }
}

impl Cell<'_> {
    /// The value on its own. A decimal that is no number (PostgreSQL's NaN) becomes text.
    pub fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(b),
            Self::Int(n) => Value::Int(n),
            Self::Decimal(d) => match d.parse() {
                Ok(decimal) => Value::Decimal(decimal),
                Err(_) => Value::Text(d.into_owned()),
            },
            Self::Float(f) => Value::Float(f),
            Self::Text(t) => Value::Text(t.into_owned()),
            Self::Bytes(b) => Value::Bytes(b.into_owned()),
            Self::Date(d) => Value::Date(d),
            Self::Time(t) => Value::Time(t),
            Self::Timestamp(t) => Value::Timestamp(t),
            Self::TimestampTz(t) => Value::TimestampTz(t),
            Self::Json(j) => Value::Json(j.into_owned()),
            Self::Array(elements) => Value::Array(elements.into_iter().map(Self::into_value).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_by_value() {
        let five = Value::Decimal("5.00".parse().unwrap());
        assert_eq!(Value::Int(5), five);
        let map: std::collections::HashMap<Value, ()> = [(five, ())].into();
        assert!(map.contains_key(&Value::Int(5)));
    }

    #[test]
    fn arrays_of_one_type_are_one_type() {
        let two = [ValueType::Int(IntKind::I32).array(), ValueType::Int(IntKind::I32).array()];
        assert_eq!(two[0], two[1]);
        assert_ne!(two[0], ValueType::Int(IntKind::I64).array());
    }

    #[test]
    fn kinds_never_mix() {
        assert_ne!(Value::Text("5".into()), Value::Int(5));
        assert_ne!(Value::Null, Value::Bool(false));
    }
}
