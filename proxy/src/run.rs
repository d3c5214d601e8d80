//! The only callers of drivers.

pub mod aggregate;
pub mod export;
pub mod lookup;
mod own_tables;
pub mod read;
pub mod receipts;
pub mod verify;
pub mod write;
