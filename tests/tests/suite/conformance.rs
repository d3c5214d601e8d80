//! JSON:API 1.1, the Atomic Operations extension and the Cursor Pagination profile, statement by statement, where no other test shows that
//! one holds. docs/conformance.md lists all statements and the tests that show them.

mod errors;
mod fetching;
mod negotiation;
mod operations;
mod pagination;
mod parameters;
mod relationships;
mod structure;
mod writing;
