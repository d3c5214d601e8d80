//! What people are told of how far the stored values can be trusted.

use dialects::Pool;

use crate::run::verify::memory::{Trust, trust};
use crate::state::Snapshot;

/// Most rules named in one line.
const NAMED_MAX: usize = 10;

/// A line for each thing that is not as it should be; none where all rules are verified, or there is nothing to verify.
pub(super) async fn lines(pool: &Pool, snapshot: &Snapshot) -> Vec<String> {
    match trust(pool, snapshot).await {
        Ok(None) => Vec::new(),
        Ok(Some(Trust::Unknown)) => vec![
            "whether the rules were ever verified is unknown: `rulegate setup` makes the table that remembers it, \
             `rulegate verify` verifies"
                .into(),
        ],
        Ok(Some(Trust::Known { never, broken })) => {
            let never = named(&never).map(|rules| format!("never verified (`rulegate verify`): {rules}"));
            let broken = named(&broken)
                .map(|rules| format!("verified, and rows left that differ (`rulegate verify --repair`): {rules}"));
            never.into_iter().chain(broken).collect()
        }
        Err(error) => vec![error.to_string()],
    }
}

fn named(rules: &[String]) -> Option<String> {
    let names = rules.iter().take(NAMED_MAX).map(|rule| format!("`{rule}`")).collect::<Vec<_>>().join(", ");
    match rules.len() {
        0 => None,
        count if count > NAMED_MAX => Some(format!("{names} and {} more", count - NAMED_MAX)),
        _ => Some(names),
    }
}
