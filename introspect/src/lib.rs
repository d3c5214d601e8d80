//! From a live database to the [`Schema`] that everything else reads.
//!
//! `catalog` reads the engine's own catalogue as it is; `overlay` is what people amend; `naming` and `relate` give API names and
//! relationships; `resolve` puts them together or reports every problem found.

pub mod advice;
pub mod catalog;
pub mod diff;
pub mod error;
mod naming;
pub mod overlay;
pub mod print;
pub mod privileges;
pub mod problem;
mod relate;
pub mod resolve;
pub mod schema;
pub mod yaml;

pub use catalog::Catalog;
pub use error::Error;
pub use overlay::Overlay;
pub use problem::Problem;
pub use resolve::resolve;
pub use schema::{Column, ColumnId, ForeignKey, Relationship, RelationshipId, Schema, Table, TableId};

/// Reads a database's catalogue as it is.
pub async fn read(pool: &dialects::Pool) -> Result<Catalog, Error> {
    catalog::read(pool).await
}

/// Reads a database and gives its schema, amended by the model file where there is one.
pub async fn introspect(pool: &dialects::Pool, overlay: Option<&Overlay>) -> Result<Schema, Error> {
    let catalog = read(pool).await?;
    resolve(&catalog, overlay).map_err(Error::Problems)
}
