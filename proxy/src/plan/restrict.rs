//! The one place where a policy meets a plan.
//!
//! [`Restricted`] can be made nowhere else, and `lower` takes nothing less: a statement that no policy has seen does not compile.

mod seen;
mod write;

use std::sync::Arc;

use chrono::NaiveDateTime;
use introspect::TableId;
use rules::policy::{Actor, Authority, Guard};

use super::aggregate::AggregatePlan;
use super::read::{ReadPlan, Scope};
use super::write::WritePlan;
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Result};

/// A plan, and what whoever asks may do with the rows that it comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Restricted<P> {
    plan: P,
    who: Who,
    /// What is judged on the rows themselves; nothing where no access rules are configured.
    guard: Option<Guard>,
    /// Nothing about the rows has to be judged before they are written.
    free: bool,
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

    /// Whether nothing about the rows of a write has to be judged: what all of them may be is granted.
    pub fn is_free(&self) -> bool {
        self.free
    }

    /// What the rows that a write names are still to be judged by, and what may be told of others; nothing where no access rules are configured.
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
}

/// Restricts a read. Of a type whose rows are not granted at all nothing is asked: 403. Which rows they are, is up to `lower`.
pub fn read(snapshot: &Snapshot, plan: ReadPlan, who: Who) -> Result<Restricted<ReadPlan>> {
    readable(snapshot, &plan, &who)?;
    Ok(Restricted { plan, who, guard: None, free: true })
}

/// Restricts the rows that are aggregated, as those that are read.
pub fn aggregate(snapshot: &Snapshot, plan: AggregatePlan, who: Who) -> Result<Restricted<AggregatePlan>> {
    readable(snapshot, &plan.rows, &who)?;
    Ok(Restricted { plan, who, guard: None, free: true })
}

/// The type that the URL begins with comes first: of the one that it leads to a client is told no more than that it leads nowhere.
fn readable(snapshot: &Snapshot, plan: &ReadPlan, who: &Who) -> Result<()> {
    let origin = match &plan.scope {
        Scope::Related(origin) => Some(origin.table),
        Scope::All | Scope::Row(_) | Scope::Linkage(..) => None,
    };
    let nothing = |table: &TableId| who.authority.table(*table).is_some_and(|table| table.read.is_nothing());
    match origin.into_iter().chain([plan.table]).find(nothing) {
        None => Ok(()),
        Some(table) => {
            let detail = format!("Reading {} is not granted to you.", snapshot.schema[table].name);
            Err(Error::new(ErrorCode::Forbidden, detail).into())
        }
    }
}

/// Restricts a write: refuses what no row could be granted, and puts in what is preset. `now`: the moment of the transaction.
pub fn write(
    mut plan: WritePlan,
    snapshot: &Snapshot,
    who: Who,
    now: NaiveDateTime,
) -> Result<Restricted<WritePlan>> {
    let (guard, free) = write::guard(&mut plan, snapshot, &who, now)?;
    Ok(Restricted { plan, who, guard, free })
}

pub use write::{may, presets, shown_name};
