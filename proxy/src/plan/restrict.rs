//! The one place where a policy meets a plan.
//!
//! [`Restricted`] can be made nowhere else, and `lower` takes nothing less: a statement that no policy has seen does not compile.

use super::aggregate::AggregatePlan;
use super::read::ReadPlan;
use crate::Result;

/// A plan that holds what the actor's policy demands.
#[derive(Clone, Debug, PartialEq)]
pub struct Restricted<P> {
    plan: P,
}

/// What the actor may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Everything: no access rules are configured.
    #[default]
    Open,
}

impl<P> Restricted<P> {
    /// The plan.
    pub fn plan(&self) -> &P {
        &self.plan
    }

    /// The plan, to be carried out.
    pub fn into_plan(self) -> P {
        self.plan
    }
}

/// Restricts a read.
pub fn read(plan: ReadPlan, policy: &Policy) -> Result<Restricted<ReadPlan>> {
    match policy {
        Policy::Open => Ok(Restricted { plan }),
    }
}

/// Restricts the rows that are aggregated, as those that are read.
pub fn aggregate(plan: AggregatePlan, policy: &Policy) -> Result<Restricted<AggregatePlan>> {
    let rows = read(plan.rows, policy)?.into_plan();
    Ok(Restricted { plan: AggregatePlan { rows, ..plan } })
}

/// Restricts a write.
pub fn write<W>(plan: W, policy: &Policy) -> Result<Restricted<W>> {
    match policy {
        Policy::Open => Ok(Restricted { plan }),
    }
}
