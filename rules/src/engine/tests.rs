//! The engine over rows in memory: named cases, then random ones against an oracle that knows nothing of steps.

mod database;
mod declare;
mod drive;
mod notation;
mod odd;
mod oracle;
mod shop;
