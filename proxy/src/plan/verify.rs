//! Rules → what the stored rows can tell about them.
//!
//! A [`Verification`] can be made nowhere else: it is one of the few things that `lower` takes without a policy, because it asks for no row
//! in anybody's name. What holds for the moment of a write alone cannot be seen afterwards; then the reason is told.

use introspect::TableId;
use rules::expr::{Expr, Place};
use rules::rule::{Constraint, Derivation, DerivationKind};
use rules::{RuleSet, change::Key};

/// A rule that stored rows keep or break.
#[derive(Clone, Copy, Debug)]
pub struct Verification<'a> {
    subject: Subject<'a>,
}

/// What is verified.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A derived column holds what it is derived from, as that is stored.
    Derivation {
        /// Its index in [`RuleSet::derivations`].
        index: usize,
        /// The rule.
        derivation: &'a Derivation,
    },
    /// A check is not false.
    Constraint(&'a Constraint),
}

/// Rows by their keys: after one, up to another; both where given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Range {
    /// The last key before them.
    pub after: Option<Key>,
    /// The last key of them.
    pub upto: Option<Key>,
}

/// A rule and whether it can be verified.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    /// As declared.
    pub name: &'a str,
    /// What it is.
    pub kind: RuleKind,
    /// How it is verified, or why it cannot be.
    pub verification: Result<Verification<'a>, &'static str>,
}

/// The kinds of rules, as reports name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum RuleKind {
    Derivation,
    Constraint,
    Transition,
}

/// All rules: derivations in the order in which each stands after all that it reads, then what refuses.
pub fn rules(rules: &RuleSet) -> Vec<Rule<'_>> {
    let derivations = rules.derivations.iter().enumerate().map(|(index, derivation)| Rule {
        name: &derivation.name,
        kind: RuleKind::Derivation,
        verification: of_derivation(index, derivation),
    });
    let constraints = rules.constraints.iter().map(|constraint| Rule {
        name: &constraint.name,
        kind: RuleKind::Constraint,
        verification: of_constraint(constraint),
    });
    let transitions = rules.transitions.iter().map(|transition| Rule {
        name: &transition.name,
        kind: RuleKind::Transition,
        verification: Err("it speaks of how the column moves, not of where it is"),
    });
    derivations.chain(constraints).chain(transitions).collect()
}

fn of_derivation(index: usize, derivation: &Derivation) -> Result<Verification<'_>, &'static str> {
    match &derivation.kind {
        DerivationKind::Aggregate(_) => {}
        DerivationKind::Formula(_) => {}
        DerivationKind::Step(_) => return Err("it is taken from the state before"),
        DerivationKind::Stamp { .. } => return Err("it is set when the row changes"),
        DerivationKind::Copy { .. } => {
            return Err("it is taken when the row comes or moves to another parent");
        }
        DerivationKind::Default(_) => return Err("it is set when the row comes"),
    }
    Ok(Verification { subject: Subject::Derivation { index, derivation } })
}

fn of_constraint(constraint: &Constraint) -> Result<Verification<'_>, &'static str> {
    let exprs = || std::iter::once(&constraint.check).chain(&constraint.when);
    let reads_parents = exprs().any(|expr| expr.places().iter().any(|place| !place.path.is_empty()));
    if exprs().any(is_of_the_moment) {
        return Err("it speaks of the write, not of the row alone");
    }
    if !constraint.operations.insert || !constraint.operations.update {
        return Err("it does not hold for every write of the row");
    }
    if reads_parents && !constraint.recheck {
        return Err("it is not checked again when a row above changes");
    }
    Ok(Verification { subject: Subject::Constraint(constraint) })
}

/// Whether a later look cannot tell what it came to.
fn is_of_the_moment(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        found |= matches!(
            e,
            Expr::Old(_) | Expr::Changed(_) | Expr::Event(_) | Expr::Now | Expr::Today | Expr::Actor(_)
        );
    });
    found
}

impl<'a> Verification<'a> {
    /// What is verified.
    pub fn subject(&self) -> Subject<'a> {
        self.subject
    }

    /// Whose rows are looked at.
    pub fn table(&self) -> TableId {
        match self.subject {
            Subject::Derivation { derivation, .. } => derivation.table,
            Subject::Constraint(constraint) => constraint.table,
        }
    }

    /// What a listing shows of a row that breaks a check: all that check and condition read.
    pub fn shown(&self) -> Vec<Place> {
        let Subject::Constraint(constraint) = self.subject else { return Vec::new() };
        let mut places = constraint.check.places();
        places.extend(constraint.when.iter().flat_map(Expr::places));
        places.sort();
        places.dedup();
        places
    }
}
