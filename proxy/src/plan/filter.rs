//! The client's filters → one [`Filter`] over the rows of a table: names are ids, values have the types of what they are compared with.
//!
//! ```text
//! filter[items.product][ne]=7    Not(Exists(items, Compared(product_id = 7)))
//! filter[status]=null            Compared(status is null)
//! ```
//!
//! A filter finds a row or does not: `ne`, `nin` and `not` give all that the opposite leaves out, rows without a value too.

mod compare;
mod search;
mod stated;
mod term;

use introspect::{RelationshipId, TableId};
use rules::Expr;

use crate::jsonapi::query::{self, Parameter, placed};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// What rows must meet.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of these; of none: every row.
    All(Vec<Filter>),
    /// Any of these; of none: no row.
    Any(Vec<Filter>),
    /// All rows that it does not find.
    Not(Box<Filter>),
    /// Columns beside constants of their types. Where its truth is null it finds nothing.
    Compared(Expr),
    /// The client's own expression, in the language of rules.
    Stated(Expr),
    /// There is a related row.
    Exists(Exists),
}

/// There is a row at the end of a to-many relationship that meets a filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Exists {
    /// To-one relationships that lead to where it starts.
    pub path: Vec<RelationshipId>,
    /// The to-many relationship.
    pub relationship: RelationshipId,
    /// What its row must meet; nothing: any row does.
    pub filter: Option<Box<Filter>>,
}

/// A filter; or what was wrong, as a sentence.
type Resolved = std::result::Result<Filter, String>;

/// Resolves all parameters; nothing where there is none.
pub fn build(
    snapshot: &Snapshot,
    table: TableId,
    parameters: &[Parameter<query::Filter>],
) -> Result<Option<Filter>> {
    let (mut filters, mut errors, mut terms) = (Vec::new(), Vec::new(), 0);
    for parameter in parameters {
        let mut resolver = Resolver { snapshot, table, terms, errors: Vec::new() };
        filters.extend(resolver.filter(&parameter.value));
        terms = resolver.terms;
        errors.extend(resolver.errors.into_iter().map(|error| error.parameter(&parameter.name)));
        if terms > snapshot.limits.filter_terms {
            return Err(too_many(snapshot.limits.filter_terms).parameter(&parameter.name).into());
        }
    }
    let filter = if filters.len() > 1 { Some(Filter::All(filters)) } else { filters.pop() };
    Errors::from_vec(errors).map_or(Ok(filter), Err)
}

fn too_many(most: usize) -> Error {
    let detail = format!("At most {most} values and conditions are taken in all filters together.");
    Error::new(ErrorCode::InvalidFilter, detail).with_meta("maximum", most)
}

/// Resolves one parameter.
struct Resolver<'a> {
    snapshot: &'a Snapshot,
    table: TableId,
    /// How many values and conditions there have been.
    terms: usize,
    errors: Vec<Error>,
}

impl Resolver<'_> {
    /// Nothing: an error was noted.
    fn filter(&mut self, filter: &query::Filter) -> Option<Filter> {
        let resolved = match filter {
            query::Filter::All(filters) => return self.all(filters).map(Filter::All),
            query::Filter::Any(filters) => return self.all(filters).map(Filter::Any),
            query::Filter::Not(inner) => return Some(Filter::Not(Box::new(self.filter(inner)?))),
            query::Filter::Where(text) => return self.stated(text),
            query::Filter::Search(text) => search::build(self.snapshot, self.table, text, &mut self.terms),
            query::Filter::Term(term) => {
                self.terms += term.operands.len().max(1);
                term::build(self.snapshot, self.table, term).map_err(|detail| placed(detail, &term.at))
            }
        };
        let refuse = |detail| self.errors.push(Error::new(ErrorCode::InvalidFilter, detail));
        resolved.map_err(refuse).ok()
    }

    fn all(&mut self, filters: &[query::Filter]) -> Option<Vec<Filter>> {
        let resolved: Vec<_> = filters.iter().map(|filter| self.filter(filter)).collect();
        resolved.into_iter().collect()
    }

    fn stated(&mut self, text: &str) -> Option<Filter> {
        match stated::build(self.snapshot, self.table, text) {
            Ok(expr) => {
                self.terms += stated::conditions(&expr);
                Some(Filter::Stated(expr))
            }
            Err(errors) => {
                self.errors.extend(errors);
                None
            }
        }
    }
}

impl Filter {
    /// Whether the client has stated an expression of its own in it.
    pub fn is_stated(&self) -> bool {
        match self {
            Self::All(filters) | Self::Any(filters) => filters.iter().any(Self::is_stated),
            Self::Not(inner) => inner.is_stated(),
            Self::Exists(exists) => exists.filter.as_deref().is_some_and(Self::is_stated),
            Self::Stated(_) => true,
            Self::Compared(_) => false,
        }
    }
}
