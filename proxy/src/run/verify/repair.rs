//! Mends what a batch has found: some rows at a time, and where some cannot be mended together, fewer, until those stand alone that
//! cannot be mended at all.

use std::sync::Arc;

use rules::change::Key;
use rules::engine::Mend;

use super::Context;
use crate::run::write::mend;

/// Most rows mended by one transaction: as many rows, and what is above and below them, are locked together.
const ROWS_TOGETHER: usize = 100;

/// Mends rows of a derivation. Gives back those that could not be, and why.
pub(super) async fn mend(
    context: Context<'_>,
    derivation: usize,
    keys: Vec<Key>,
) -> dialects::Result<Vec<(Key, String)>> {
    let mut left = Vec::new();
    let mut ahead: Vec<Vec<Key>> = keys.chunks(ROWS_TOGETHER).rev().map(<[Key]>::to_vec).collect();
    while let Some(mut keys) = ahead.pop() {
        let now = chrono::Utc::now().naive_utc();
        let rows_max = context.snapshot.limits.transaction_rows;
        let mend = Arc::new(Mend::new(derivation, keys.clone(), now, rows_max));
        let Err(why) = mend::run(context.pool, context.snapshot, &mend).await? else { continue };
        if keys.len() > 1 {
            ahead.push(keys.split_off(keys.len() / 2));
            ahead.push(keys);
        } else {
            left.extend(keys.pop().map(|key| (key, why)));
        }
    }
    Ok(left)
}
