//! Names in the database, exactly as its catalogue spells them. Renderers quote them.

/// A table or view.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// Schema (MySQL: database); `None` leaves it to the connection's default.
    pub schema: Option<String>,
    /// The table's own name.
    pub name: String,
}

/// The n-th table of a statement, rendered `t0`, `t1`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alias(pub u16);

/// A column's type in the database's own words (`numeric(12,2)`, `"public"."mood"`), taken from its catalogue, so that
/// parameters can be cast to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SqlType {
    /// As it stands in a cast.
    pub text: String,
    /// An array type: it cannot be the element of a parameter array.
    pub array: bool,
}

impl SqlType {
    /// A type that is no array.
    pub fn scalar(text: impl Into<String>) -> Self {
        Self { text: text.into(), array: false }
    }
}
