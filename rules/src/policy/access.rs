//! The access rules of all files.

use introspect::Schema;

use super::Authority;

/// The access rules of all files. By itself: nothing is granted to anybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {}

impl Access {
    /// The roles that the rules speak of, each once, sorted: others make no difference.
    pub fn roles(&self) -> &[String] {
        &[]
    }

    /// What whoever has these roles, and no other, may do.
    pub fn authority(&self, _schema: &Schema, _roles: &[String]) -> Authority {
        Authority::new(Vec::new())
    }
}
