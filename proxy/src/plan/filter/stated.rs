//! `filter[where]=…`: an expression in the language of rules → a typed expression, or every problem with its place in the text.

use introspect::TableId;
use rules::Expr;
use rules::expr::BinaryOp;
use rules::expr::resolve::{Context, expression};
use rules::problem::ExprProblem;

use crate::state::Snapshot;
use crate::{Error, ErrorCode};

/// Resolves the text.
pub(super) fn build(snapshot: &Snapshot, table: TableId, text: &str) -> Result<Expr, Vec<Error>> {
    if text.contains('\0') {
        return Err(vec![Error::new(ErrorCode::InvalidFilter, "An expression holds no NUL characters.")]);
    }
    let resolved = expression(&snapshot.schema, table, text, Context::Filter);
    let refuse =
        |problems: Vec<ExprProblem>| problems.into_iter().map(|problem| refusal(text, problem)).collect();
    resolved.map(|(expr, _)| expr).map_err(refuse)
}

/// A problem with its place: `meta.position` is the character of the parameter's value at which it begins, from 0, `meta.length` how
/// many there are.
fn refusal(text: &str, problem: ExprProblem) -> Error {
    let ExprProblem { span, message, hint } = problem;
    let characters = |upto: usize| text.get(..upto).map_or(0, |before| before.chars().count());
    let (start, end) = (characters(span.start), characters(span.end));
    let hint = hint.map_or(String::new(), |hint| format!(" ({hint})"));
    let detail = format!("At character {}: {message}{hint}.", start + 1);
    let error = Error::new(ErrorCode::InvalidFilter, detail);
    error.with_meta("position", start).with_meta("length", end.saturating_sub(start))
}

/// How many conditions it has.
pub(super) fn conditions(expr: &Expr) -> usize {
    let mut count = 0;
    expr.walk(&mut |e| {
        count += match e {
            Expr::Binary(
                BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge,
                ..,
            )
            | Expr::IsNull(..)
            | Expr::Distinct(..)
            | Expr::Like { .. } => 1,
            Expr::In(_, list) => list.len(),
            _ => 0,
        };
    });
    count.max(1)
}
