//! How much text a database is sent for an expression: some forms are written with an operand twice or more, and such forms inside each other
//! multiply.

use super::{BinaryOp, Expr, Function};

/// Values of a claim that are reckoned with.
const CLAIMED: u64 = 100;

/// Most nodes that an expression comes to when all is written out.
pub(super) const WEIGHT_MAX: u64 = 20_000;

/// The nodes that an expression comes to at most, on the database that needs the most.
pub(super) fn weight(expr: &Expr) -> u64 {
    let all = |es: &[Expr]| es.iter().map(weight).fold(0, u64::saturating_add);
    let inside = match expr {
        Expr::Not(e) | Expr::Negate(e) | Expr::IsNull(e, _) => weight(e),
        Expr::Cast(e, _) => times(2, weight(e)),
        Expr::And(es) | Expr::Or(es) => {
            let (sum, most) = es
                .iter()
                .map(weight)
                .fold((0u64, 0u64), |(sum, most), term| (sum.saturating_add(term), most.max(term)));
            times(3, sum.saturating_sub(most)).saturating_add(most)
        }
        Expr::Binary(op, a, b) => both(*op, weight(a), weight(b)),
        Expr::Distinct(a, b, _) | Expr::Like { text: a, pattern: b, .. } => {
            weight(a).saturating_add(times(2, weight(b)))
        }
        Expr::In(e, es) => times(es.len() as u64, weight(e)).saturating_add(times(2, all(es))),
        Expr::InClaim(e, ..) => times(CLAIMED, weight(e)),
        Expr::Case(arms, otherwise) => {
            let arms = arms.iter().map(|(a, b)| weight(a).saturating_add(weight(b)));
            arms.chain(otherwise.as_deref().map(weight)).fold(0, u64::saturating_add)
        }
        Expr::Call(Function::Least | Function::Greatest, es) => times(es.len() as u64, all(es)),
        Expr::Call(Function::NullIf | Function::Shift(_) | Function::AddDays | Function::Replace, es) => {
            times(3, all(es))
        }
        Expr::Call(_, es) => match es.split_first() {
            Some((first, others)) => weight(first).saturating_add(times(6, all(others))),
            None => 0,
        },
        _ => 0,
    };
    inside.saturating_add(1)
}

fn both(op: BinaryOp, a: u64, b: u64) -> u64 {
    match op {
        BinaryOp::Div | BinaryOp::Rem => a.saturating_add(times(3, b)),
        BinaryOp::Eq | BinaryOp::Ne => times(2, a).saturating_add(times(3, b)),
        _ => a.saturating_add(times(2, b)),
    }
}

fn times(number: u64, weight: u64) -> u64 {
    number.saturating_mul(weight)
}
