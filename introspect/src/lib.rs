//! From a live database to the [`Schema`] that everything else reads.
//!
//! `catalog` reads the engine's own catalogue as it is; `overlay` is what people amend; `naming` and `relate` give API names and
//! relationships; `resolve` puts them together or reports every problem found.

pub mod schema;

pub use schema::{Column, ColumnId, ForeignKey, Relationship, RelationshipId, Schema, Table, TableId};
