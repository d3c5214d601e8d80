//! The only callers of drivers.

pub mod lookup;
pub mod read;
pub mod write;
