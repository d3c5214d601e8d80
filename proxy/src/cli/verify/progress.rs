//! How far it has come: a live line on a terminal, else a plain line now and then; always on standard error.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use crate::run::verify::RuleReport;

/// How often a plain line is written.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Tells how far it has come.
pub(super) struct Ticker {
    terminal: bool,
    /// A live line stands on the terminal.
    shown: bool,
    told: Instant,
}

impl Default for Ticker {
    fn default() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), shown: false, told: Instant::now() }
    }
}

impl Ticker {
    /// After a batch.
    pub(super) fn tick(&mut self, rule: &RuleReport) {
        let line =
            format!("{}: {} rows so far, {} not as the rule says", rule.name, rule.rows, rule.exceptions);
        if self.terminal {
            eprint!("\r\x1b[K{line}");
            // What cannot be shown is no reason to stop.
            let _ = std::io::stderr().flush();
            self.shown = true;
        } else if self.told.elapsed() >= PLAIN_EVERY {
            eprintln!("{line}");
            self.told = Instant::now();
        }
    }

    /// Takes the live line away.
    pub(super) fn clear(&mut self) {
        if self.shown {
            eprint!("\r\x1b[K");
            self.shown = false;
        }
    }
}
