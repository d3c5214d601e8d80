//! The one place where a policy meets a plan.
//!
//! [`Restricted`] can be made nowhere else, and `lower` takes nothing less: a statement that no policy has seen does not compile.

use std::sync::Arc;

use rules::policy::{Actor, Authority};

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

/// Restricts a read.
pub fn read(plan: ReadPlan, who: Who) -> Result<Restricted<ReadPlan>> {
    Ok(Restricted { plan, who })
}

/// Restricts the rows that are aggregated, as those that are read.
pub fn aggregate(plan: AggregatePlan, who: Who) -> Result<Restricted<AggregatePlan>> {
    Ok(Restricted { plan, who })
}

/// Restricts a write.
pub fn write(plan: WritePlan, who: Who) -> Result<Restricted<WritePlan>> {
    Ok(Restricted { plan, who })
}
