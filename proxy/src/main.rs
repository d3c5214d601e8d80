//! The `rulegate` binary.
fn main() {}
