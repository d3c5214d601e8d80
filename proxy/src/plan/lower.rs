//! Plans, lookups and changes → SQL trees.

pub mod change;
pub mod lookup;
