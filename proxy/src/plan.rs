//! Plans: requests resolved against the schema, restricted by the policy, lowered to SQL. Pure.
//!
//! ```text
//! ReadRequest -read-> ReadPlan -restrict-> Restricted<ReadPlan> -lower-> sql::Select
//! ```

pub mod lower;
pub mod restrict;
pub mod write;
