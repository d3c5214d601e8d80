//! Who asks, and what they may do.
//!
//! An [`Actor`] is made from a request's credentials by the server; expressions read it through `actor.id`,
//! `actor.claim('name')` and `actor.has_role('name')`. What the actor's roles may do with each table is an [`Authority`], worked out
//! once for every set of roles. The [`Access`] that it is made of comes from the access files of a project: [`check`].

mod access;
mod action;
mod actor;
mod authority;
mod check;
mod file;
mod guard;
mod matrix;

pub use access::Access;
pub use action::Action;
pub use actor::{Actor, Claim};
pub use authority::{Authority, Grant, Grants, Rows, TableAuthority};
pub use check::{CheckedAccess, check};
pub use file::JSON_SCHEMA;
pub use guard::{Allowed, Choice, Guard, Unset};
pub use matrix::{Entitlement, Permit};
