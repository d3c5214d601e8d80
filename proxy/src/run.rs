//! The only callers of drivers.

pub mod lookup;
pub mod read;
pub mod verify;
pub mod write;
