//! Syntax tree + schema -> [`Expr`] with its [`Type`], or every problem found.
//!
//! Names become ids, types are checked, and what a place does not allow ([`Context`]) is refused. Only the nodes named here are part of
//! the language; whatever else the parser accepts is a problem. `balance <= credit_limit` over customers is
//! `Binary(Le, Column(1), Column(2))` of type `Bool`.

mod calendar;
mod call;
mod name;
mod operator;
mod types;

use std::ops::Range;

use bigdecimal::BigDecimal;
use dialects::Value;
use introspect::{Schema, TableId};
use sqlparser::ast::{self, Spanned};
use sqlparser::tokenizer::Span;

use super::eval::{literal_as, too_large};
use super::parse::{self, Lines};
use super::weight::{WEIGHT_MAX, weight};
use super::{Expr, Type};
use crate::problem::ExprProblem;

pub(crate) use super::noun;
pub(crate) use operator::arithmetic;
pub use types::of_column;
pub(crate) use types::{assignable, join};

/// Deepest expression; lower than what evaluation bears, since some forms unfold.
const DEPTH_MAX: usize = 100;
/// Most nodes of an expression, after forms such as `between` have unfolded.
const NODES_MAX: usize = 5_000;

/// Where an expression stands, which decides what it may speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// A stored formula: nothing but the row's inputs and those of rows above.
    Formula,
    /// A virtual attribute: the row, rows above, the moment, the actor.
    Virtual,
    /// A default on insert: also the moment and the actor.
    Default,
    /// A stamp: also the moment, the actor, the old row and what happens to it.
    Stamp,
    /// A formula that reads the old row: likewise.
    Step,
    /// A constraint's check or `when`: also the old row and what happens to it.
    Condition,
    /// Inside the braces of a constraint's message.
    Message,
    /// A client's filter: the row, rows above, the moment.
    Filter,
    /// The `where` of an aggregate: the child's own columns.
    Where,
    /// Which rows a role may see or change: the row, rows above, the moment, the actor.
    Policy,
    /// What an access rule sets: the moment and the actor alone.
    Preset,
}

/// An expression over a table's rows, with its type.
pub fn expression(
    schema: &Schema,
    table: TableId,
    text: &str,
    context: Context,
) -> Result<(Expr, Type), Vec<ExprProblem>> {
    let tree = parse::scalar(text).map_err(|problem| vec![problem])?;
    resolve(schema, table, text, &tree, context, None)
}

/// Likewise, from a tree of that text. `wanted`: the type of the column that it is meant for, as which constants and claims
/// are read.
pub(crate) fn resolve(
    schema: &Schema,
    table: TableId,
    text: &str,
    tree: &ast::Expr,
    context: Context,
    wanted: Option<Type>,
) -> Result<(Expr, Type), Vec<ExprProblem>> {
    let lines = Lines::new(text);
    let mut resolver = Resolver { schema, table, lines, context, problems: Vec::new(), nodes: 0 };
    let resolved = resolver.node(tree, 0);
    let resolved = match context {
        Context::Condition | Context::Filter | Context::Where | Context::Policy => {
            resolved.and_then(|e| resolver.truth(e))
        }
        Context::Formula
        | Context::Virtual
        | Context::Default
        | Context::Stamp
        | Context::Step
        | Context::Preset
        | Context::Message => resolved.and_then(|e| resolver.meant_for(e, wanted)),
    };
    let resolved = resolved.and_then(|typed| resolver.light(typed));
    match resolved {
        Some(typed) if resolver.problems.is_empty() => Ok((typed.expr, typed.ty)),
        _ => Err(resolver.problems),
    }
}

struct Resolver<'a> {
    schema: &'a Schema,
    table: TableId,
    lines: Lines<'a>,
    context: Context,
    problems: Vec<ExprProblem>,
    nodes: usize,
}

/// A resolved node, and where it stood.
#[derive(Clone, Debug)]
struct Typed {
    expr: Expr,
    ty: Type,
    span: Range<usize>,
}

impl Context {
    fn allows_moment(self) -> bool {
        !matches!(self, Self::Formula | Self::Where)
    }

    fn allows_actor(self) -> bool {
        matches!(self, Self::Default | Self::Virtual | Self::Policy | Self::Preset) || self.allows_old()
    }

    fn allows_old(self) -> bool {
        matches!(self, Self::Condition | Self::Message | Self::Stamp | Self::Step)
    }

    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Formula => "a stored formula",
            Self::Virtual => "a virtual attribute",
            Self::Default => "a default",
            Self::Stamp => "a stamp",
            Self::Step => "a step",
            Self::Condition => "a condition",
            Self::Message => "a message",
            Self::Filter => "a filter",
            Self::Where => "the `where` of an aggregate",
            Self::Policy => "an access rule",
            Self::Preset => "a preset",
        }
    }
}

impl Resolver<'_> {
    /// `None`: a problem was noted. Both sides of an operator are looked at even when one has a problem.
    fn node(&mut self, tree: &ast::Expr, depth: usize) -> Option<Typed> {
        let span = self.lines.range(span_of(tree));
        self.nodes += 1;
        if depth > DEPTH_MAX || self.nodes > NODES_MAX {
            return self.too_large(span);
        }
        let depth = depth + 1;
        match tree {
            ast::Expr::Nested(inner) => self.node(inner, depth),
            ast::Expr::Identifier(ident) => self.path(std::slice::from_ref(ident), span),
            ast::Expr::CompoundIdentifier(idents) => self.path(idents, span),
            ast::Expr::Value(value) => self.literal(&value.value, span),
            ast::Expr::TypedString(typed) => self.typed_literal(typed, span),
            ast::Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), span, depth)
            }
            ast::Expr::Cast { kind, expr, data_type, format } => {
                if *kind != ast::CastKind::Cast || format.is_some() {
                    return self.refuse(span, "this form of cast is not known", "write cast(x as type)");
                }
                self.cast(expr, data_type, span, depth)
            }
            ast::Expr::Interval(_) => self.refuse(
                span,
                "an interval is no value of its own",
                "add it to a date or a timestamp, or take it away: today + interval '3 days'",
            ),
            ast::Expr::Extract { field, syntax: ast::ExtractSyntax::From, expr } => {
                self.extract(field, expr, span, depth)
            }
            ast::Expr::Exists { .. } | ast::Expr::Subquery(_) | ast::Expr::InSubquery { .. } => self.refuse(
                span,
                "subqueries are not part of the language",
                "derive an aggregate over the children, and read that",
            ),
            ast::Expr::Function(_)
            | ast::Expr::Ceil { .. }
            | ast::Expr::Floor { .. }
            | ast::Expr::Substring { .. }
            | ast::Expr::Trim { .. } => self.call(tree, span, depth),
            _ => self.operator(tree, span, depth),
        }
    }

    fn nodes(&mut self, trees: &[ast::Expr], depth: usize) -> Option<Vec<Typed>> {
        let resolved: Vec<_> = trees.iter().map(|tree| self.node(tree, depth)).collect();
        resolved.into_iter().collect()
    }

    /// A copy for a form that unfolds; counted, since such forms inside each other double each time.
    fn copy(&mut self, typed: &Typed) -> Option<Typed> {
        typed.expr.walk(&mut |_| self.nodes += 1);
        if self.nodes > NODES_MAX {
            return self.too_large(typed.span.clone());
        }
        Some(typed.clone())
    }

    /// What databases can be sent, all written out.
    fn light(&mut self, typed: Typed) -> Option<Typed> {
        if weight(&typed.expr) > WEIGHT_MAX { self.too_large(typed.span) } else { Some(typed) }
    }

    fn too_large(&mut self, span: Range<usize>) -> Option<Typed> {
        self.refuse(span, "this expression is too large", "split it over several columns or rules")
    }

    fn literal(&mut self, value: &ast::Value, span: Range<usize>) -> Option<Typed> {
        let (value, ty) = match value {
            ast::Value::Null => (Value::Null, Type::Null),
            ast::Value::Boolean(b) => (Value::Bool(*b), Type::Bool),
            ast::Value::SingleQuotedString(text) => (Value::text(text), Type::Text),
            ast::Value::Number(digits, false) => return self.number(digits, span),
            ast::Value::DoubleQuotedString(_) => {
                return self.refuse(span, "double quotes are for names", "write texts in single quotes");
            }
            _ => return self.refuse(span, "this form of constant is not known", "write 12.5 or 'text'"),
        };
        Some(Typed { expr: Expr::Literal(value), ty, span })
    }

    fn number(&mut self, digits: &str, span: Range<usize>) -> Option<Typed> {
        if let Ok(n) = digits.parse::<i64>() {
            return Some(Typed { expr: Expr::Literal(Value::Int(n)), ty: Type::Integer, span });
        }
        match digits.parse::<BigDecimal>() {
            Ok(number) if !too_large(&number) => {
                let scale = u32::try_from(number.fractional_digit_count()).unwrap_or(0);
                let expr = Expr::Literal(Value::Decimal(number));
                self.within_digits(Typed { expr, ty: Type::Decimal(Some(scale)), span })
            }
            _ => self.refuse(span, format!("`{digits}` is not a number that can be kept"), ""),
        }
    }

    /// `date '2024-05-01'`
    fn typed_literal(&mut self, typed: &ast::TypedString, span: Range<usize>) -> Option<Typed> {
        let ty = self.named_type(&typed.data_type, &span)?;
        let ast::Value::SingleQuotedString(text) = &typed.value.value else {
            return self.refuse(span, "this form of constant is not known", "write date '2024-05-01'");
        };
        self.read(text, ty, span)
    }

    /// A text constant read as a type.
    fn read(&mut self, text: &str, ty: Type, span: Range<usize>) -> Option<Typed> {
        match literal_as(text, ty) {
            Ok(value) => Some(Typed { expr: Expr::Literal(value), ty, span }),
            Err(_) => self.refuse(span, format!("`{text}` is not {}", noun(ty)), types::example(ty)),
        }
    }

    fn refuse(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Option<Typed> {
        let hint = hint.into();
        let problem = ExprProblem::new(span, message);
        self.problems.push(if hint.is_empty() { problem } else { problem.hint(hint) });
        None
    }

    fn forbidden(&mut self, span: Range<usize>, what: &str) -> Option<Typed> {
        let place = self.context.name();
        let hint = match self.context {
            Context::Formula | Context::Where => {
                "what is stored can only depend on rows; `default`, `stamp`, `when` and `check` may use this"
            }
            Context::Policy => {
                "it holds of a row as it is and as it will be; what a change may do is said by a constraint"
            }
            Context::Preset => "it is the same for every row: there are actor, now() and today",
            Context::Default => "a row that comes has no past; `stamp`, `when` and `check` may use this",
            Context::Virtual
            | Context::Stamp
            | Context::Step
            | Context::Condition
            | Context::Message
            | Context::Filter => "",
        };
        self.refuse(span, format!("{what} is not allowed in {place}"), hint)
    }
}

/// A call is pointed at by its name: where its bracket closes, the tree does not say.
fn span_of(tree: &ast::Expr) -> Span {
    match tree {
        ast::Expr::Function(function) => function.name.span(),
        other => other.span(),
    }
}

#[cfg(test)]
mod tests;
