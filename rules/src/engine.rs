//! The engine: a request and what is known of the rows → the changes that keep every rule, without any I/O.
//!
//! [`Engine::attempt`] computes the whole transaction anew from the rows it is given. Where it lacks something it says so, all
//! it can tell at once; the caller fetches that wave, first plainly (to discover which rows a change reaches), then under locks, and calls
//! again. The order of one attempt: apply the request, carry removals down, derive column by column in the one order in which
//! everything stands after what it reads, check, order the writes.
//!
//! For an item that is inserted: `Need(order, product)`, `Need(customer)`, `Done(insert item, update order, update customer)`.

mod adjust;
mod attempt;
mod cascade;
mod check;
mod circle;
mod create;
mod derive;
mod drawn;
mod explain;
mod extreme;
mod facts;
mod guard;
mod mend;
mod order;
mod reach;
mod relate;
mod remove;
mod rows;
mod scope;
mod stamp;
mod step;
#[cfg(any(test, feature = "oracle"))]
#[allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise; the oracle serves other tests, too"
)]
mod tests;
mod transition;

use std::collections::BTreeSet;

use introspect::{ColumnId, Schema};

pub use facts::Facts;
pub use mend::Mend;
pub use reach::PathLookup;
pub use rows::{ChildList, DefaultOf, Extreme, Finder, Hold, Known, Of, ReadersLock, RowLock, Rows};
#[cfg(feature = "oracle")]
pub use tests::game;

use crate::change::{Change, Reason, Request, Violation};
use crate::rule::RuleSet;
use crate::trace::Trace;

/// Everything an attempt needs besides the request and its rows.
#[derive(Clone, Copy, Debug)]
pub struct Engine<'a> {
    /// The schema.
    pub schema: &'a Schema,
    /// The rules.
    pub rules: &'a RuleSet,
    /// What follows from both.
    pub facts: &'a Facts,
}

/// What an attempt comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// These are needed first: all that can be told at this point, each once.
    Need(Vec<Lookup>),
    /// These changes, in the order in which they are written.
    Done(Vec<Change>),
    /// All that is wrong.
    Violated(Vec<Violation>),
}

/// One thing an attempt lacks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lookup {
    /// A row, held at least so firmly.
    Row(RowLookup),
    /// The rows that refer to a row, with these columns, or more of them than may be touched; in the locked phase made after all locks of
    /// the same wave.
    Children {
        /// Which.
        list: ChildList,
        /// What to load of each.
        columns: Vec<ColumnId>,
    },
    /// An aggregate over the children of a row that are left alone (a sum or a count: over all of them); in the locked phase likewise made after all
    /// locks of the same wave, which hold the row.
    Extreme(Extreme),
    /// What the database's default of a column comes to.
    Default(DefaultOf),
}

/// A row that is needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowLookup {
    /// Which.
    pub finder: Finder,
    /// What to load of it.
    pub columns: Vec<ColumnId>,
    /// How firmly it is to be held.
    pub hold: Hold,
}

/// What the rows at hand are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Plain reads do: the attempt only finds out which rows matter.
    Discover,
    /// Every row must be held as the plan demands, every list be made under those locks.
    Locked,
}

impl Engine<'_> {
    /// Computes the transaction from what is known.
    pub fn attempt(&self, request: &Request, rows: &Rows, phase: Phase) -> Outcome {
        let mut other: Option<Request> = None;
        loop {
            let request = other.as_ref().unwrap_or(request);
            let outcome = whole(|| attempt::Attempt::new(*self, request, rows, phase));
            match otherwise(request, &outcome) {
                Some(next) => other = Some(next),
                None => return outcome,
            }
        }
    }

    /// Likewise, where nobody asks for anything but that a derived column be right.
    pub fn mend(&self, mend: &Mend, rows: &Rows, phase: Phase) -> Outcome {
        whole(|| {
            let mut attempt = attempt::Attempt::new(*self, &mend.request, rows, phase);
            attempt.mend = Some(mend);
            attempt
        })
    }

    /// What the attempt did and why, from the rows with which it came to its end. The attempt is made once more: one that nobody asks
    /// about notes nothing.
    pub fn explain(&self, request: &Request, rows: &Rows) -> Trace {
        let (mut other, mut missing) = (None::<Request>, create::Missing::new());
        loop {
            let request = other.as_ref().unwrap_or(request);
            let mut recorder = explain::Recorder::default();
            let mut attempt = attempt::Attempt::new(*self, request, rows, Phase::Locked);
            attempt.trace = Some(&mut recorder);
            match attempt.run(&missing) {
                Ok(outcome) => match otherwise(request, &outcome) {
                    Some(next) => (other, missing) = (Some(next), create::Missing::new()),
                    None => return recorder.finish(),
                },
                Err(more) => missing.extend(more),
            }
        }
    }

    /// The rows that the request will adjust, named by the way to them, before any row is known: a guess that saves waves.
    pub fn reach(&self, request: &Request) -> Vec<PathLookup> {
        reach::reach(self, request)
    }
}

/// Where something was denied that other grants, which set other values, may allow: the request as it is by them.
fn otherwise(request: &Request, outcome: &Outcome) -> Option<Request> {
    let Outcome::Violated(violations) = outcome else { return None };
    let operations = || request.operations.iter().enumerate();
    let mut denied = BTreeSet::new();
    for violation in violations {
        match violation.reason {
            Reason::Forbidden { operation, after: true }
            | Reason::Locked { operation, .. }
            | Reason::Unset { operation, .. } => _ = denied.insert(operation),
            // What is set in the client's place may be a part of the foreign key.
            Reason::RelatedNotFound { .. } => {
                denied.extend(operations().filter(|(_, o)| o.id == violation.id).map(|(index, _)| index));
            }
            _ => {}
        }
    }
    if denied.is_empty() { None } else { request.otherwise(&denied) }
}

/// Attempts again with the parents that turned out to be missing, until none is.
fn whole<'a>(attempt: impl Fn() -> attempt::Attempt<'a>) -> Outcome {
    let mut missing = create::Missing::new();
    loop {
        match attempt().run(&missing) {
            Ok(outcome) => return outcome,
            Err(more) => missing.extend(more),
        }
    }
}
