//! Plans, lookups and changes → SQL trees.

mod aggregate;
mod asked;
pub mod change;
mod exact;
mod expr;
mod extreme;
mod filter;
pub mod groups;
mod keyset;
pub mod lookup;
pub mod read;
mod removal;
pub mod scope;
pub mod verify;
