//! The one place where a policy meets a plan.
//!
//! [`Restricted`] can be made nowhere else, and `lower` takes nothing less: a statement that no policy has seen does not compile.

mod write;

use std::sync::Arc;

use chrono::{NaiveDateTime, Utc};
use dialects::Value;
use introspect::{ColumnId, TableId};
use rules::expr::eval::{self, EvalError, Scope};
use rules::expr::{Event, Place};
use rules::policy::{Actor, Authority, Guard, Rows};

use super::aggregate::AggregatePlan;
use super::read::ReadPlan;
use super::write::WritePlan;
use crate::Result;
use crate::state::Snapshot;

/// A plan, and what whoever asks may do with the rows that it comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Restricted<P> {
    plan: P,
    who: Who,
    /// What is judged on the rows themselves; nothing where everything is granted.
    guard: Option<Guard>,
}

/// Who asks, and what they may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Who {
    /// Who asks.
    pub actor: Arc<Actor>,
    /// What their roles may do.
    pub authority: Arc<Authority>,
}

impl<P> Restricted<P> {
    /// The plan.
    pub fn plan(&self) -> &P {
        &self.plan
    }

    /// What the rows that a write names are still to be judged by; nothing where everything is granted.
    pub fn guard(&self) -> Option<&Guard> {
        self.guard.as_ref()
    }

    /// Who asks.
    pub fn who(&self) -> &Who {
        &self.who
    }
}

impl Who {
    /// An actor before a snapshot, which is the one that the actor sees.
    pub fn new(snapshot: &Snapshot, actor: &Arc<Actor>) -> Self {
        Self { actor: actor.clone(), authority: snapshot.authority.clone() }
    }

    /// Whether rows above decide which rows of a table they may see.
    pub fn reads_above(&self, table: TableId) -> bool {
        match self.authority.readable(table) {
            Rows::Where(expr) => expr.places().iter().any(|place| !place.path.is_empty()),
            Rows::All | Rows::None => false,
        }
    }

    /// Whether they may see a row, given in full width. Where rows above decide that, it is not known here, and so not granted.
    pub fn sees(&self, table: TableId, values: &[Value]) -> bool {
        match self.authority.readable(table) {
            Rows::All => true,
            Rows::None => false,
            Rows::Where(expr) => {
                let row = Row { values, actor: &self.actor, now: Utc::now().naive_utc() };
                eval::truth(&expr, &row) == Ok(Some(true))
            }
        }
    }
}

/// A row as it stands alone.
struct Row<'a> {
    values: &'a [Value],
    actor: &'a Actor,
    now: NaiveDateTime,
}

impl Scope for Row<'_> {
    fn column(&self, place: &Place) -> std::result::Result<Value, EvalError> {
        let own = self.values.get(place.column.0 as usize).filter(|_| place.path.is_empty());
        own.cloned().ok_or_else(|| EvalError::Missing("a row above".into()))
    }

    fn old(&self, _: ColumnId) -> std::result::Result<Value, EvalError> {
        Err(EvalError::Missing("the row as it was".into()))
    }

    fn event(&self) -> Event {
        Event::Updating
    }

    fn now(&self) -> NaiveDateTime {
        self.now
    }

    fn actor(&self) -> &Actor {
        self.actor
    }
}

/// Restricts a read.
pub fn read(plan: ReadPlan, who: Who) -> Result<Restricted<ReadPlan>> {
    Ok(Restricted { plan, who, guard: None })
}

/// Restricts the rows that are aggregated, as those that are read.
pub fn aggregate(plan: AggregatePlan, who: Who) -> Result<Restricted<AggregatePlan>> {
    Ok(Restricted { plan, who, guard: None })
}

/// Restricts a write: refuses what no row could be granted, and puts in what is preset. `now`: the moment of the transaction.
pub fn write(
    mut plan: WritePlan,
    snapshot: &Snapshot,
    who: Who,
    now: NaiveDateTime,
) -> Result<Restricted<WritePlan>> {
    let guard = write::guard(&mut plan, snapshot, &who, now)?;
    Ok(Restricted { plan, who, guard })
}

pub use write::{may, presets};
