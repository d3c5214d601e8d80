//! Plans: requests resolved against the schema, restricted by the policy, lowered to SQL. Pure.
//!
//! ```text
//! ReadRequest -read-> ReadPlan -restrict-> Restricted<ReadPlan> -lower-> sql::Select
//! ```

pub mod aggregate;
pub mod filter;
pub mod include;
pub mod lower;
pub mod names;
pub mod page;
pub mod read;
pub mod restrict;
pub mod sort;
pub mod verify;
pub mod write;
