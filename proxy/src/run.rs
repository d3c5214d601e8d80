//! The only callers of drivers.

pub mod lookup;
pub mod write;
