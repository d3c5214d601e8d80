//! What people amend by hand.

/// A model file.
#[derive(Clone, Debug, Default)]
pub struct Overlay {}
