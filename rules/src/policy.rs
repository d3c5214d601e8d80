//! Who asks, and what they may do.
//!
//! An [`Actor`] is made from a request's credentials by the server; expressions read it through `actor.id`,
//! `actor.claim('name')` and `actor.has_role('name')`. What the actor's roles may do with each table is an [`Authority`], worked out
//! once for every set of roles.

mod access;
mod actor;
mod authority;
mod guard;

pub use access::Access;
pub use actor::{Actor, Claim};
pub use authority::{Authority, Grant, Grants, Rows, TableAuthority};
pub use guard::{Allowed, Guard};
