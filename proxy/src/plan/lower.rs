//! Plans, lookups and changes → SQL trees.

pub mod change;
mod expr;
pub mod lookup;
pub mod read;
pub mod scope;
