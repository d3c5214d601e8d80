//! The engine over rows in memory: named cases, then random ones against an oracle that knows nothing of steps.

mod create;
mod database;
mod declare;
mod drive;
mod extreme;
mod facts;
#[allow(unreachable_pub, reason = "it is public where the feature `oracle` is on")]
pub mod game;
mod keys;
mod moments;
mod new_rows;
mod notation;
mod odd;
mod oracle;
mod random;
mod relate;
mod removal;
mod rows;
mod shop;
mod trace;
