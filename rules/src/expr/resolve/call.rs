//! Functions by name, their number of arguments and their types.

use std::ops::Range;

use dialects::Value;
use sqlparser::ast::{self, CeilFloorKind, DateTimeField, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::types::temporal;
use super::{Resolver, Typed};
use crate::expr::parse::Name;
use crate::expr::{ActorTerm, Expr, Function, Type};
use crate::problem::did_you_mean;

/// The functions by name, with the least and the most arguments.
const FUNCTIONS: &[(&str, Function, usize, usize)] = &[
    ("coalesce", Function::Coalesce, 1, 100),
    ("nullif", Function::NullIf, 2, 2),
    ("abs", Function::Abs, 1, 1),
    ("round", Function::Round, 1, 2),
    ("floor", Function::Floor, 1, 1),
    ("ceil", Function::Ceil, 1, 1),
    ("least", Function::Least, 1, 100),
    ("greatest", Function::Greatest, 1, 100),
    ("lower", Function::Lower, 1, 1),
    ("upper", Function::Upper, 1, 1),
    ("trim", Function::Trim, 1, 1),
    ("length", Function::Length, 1, 1),
    ("substring", Function::Substring, 2, 3),
    ("replace", Function::Replace, 3, 3),
    ("concat", Function::Concat, 1, 100),
];

/// Functions of other languages, and what does the same here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("if", "case when … then … else … end"),
    ("iif", "case when … then … else … end"),
    ("ifnull", "coalesce(x, otherwise)"),
    ("isnull", "coalesce(x, otherwise), or x is null"),
    ("nvl", "coalesce(x, otherwise)"),
    ("len", "length(text)"),
    ("char_length", "length(text)"),
    ("left", "substring(text, 1, count)"),
    ("mid", "substring(text, from, count)"),
    ("ltrim", "trim(text)"),
    ("rtrim", "trim(text)"),
    ("ucase", "upper(text)"),
    ("lcase", "lower(text)"),
    ("mod", "x % y"),
    ("ceiling", "ceil(x)"),
    ("trunc", "floor(x), or round(x, digits)"),
    ("today", "today, without brackets"),
    ("curdate", "today"),
    ("getdate", "now()"),
    ("sysdate", "now()"),
    ("year", "extract(year from x)"),
    ("month", "extract(month from x)"),
    ("day", "extract(day from x)"),
    ("date_part", "extract(year from x)"),
    ("datediff", "date - date, a number of days"),
    ("date_add", "x + interval '3 days'"),
    ("dateadd", "x + interval '3 days'"),
    ("to_char", "cast(x as text)"),
    ("str", "cast(x as text)"),
];

fn there_are() -> String {
    let names: Vec<&str> = FUNCTIONS.iter().map(|(name, ..)| *name).collect();
    format!("there are {}, extract, now, changed", names.join(", "))
}

/// The digits after the point that all databases keep, and as many before it.
const DIGITS_MAX: i64 = 38;

impl Resolver<'_> {
    /// The forms of the parser that are functions here.
    pub(super) fn call(&mut self, tree: &ast::Expr, span: Range<usize>, depth: usize) -> Option<Typed> {
        let plain = CeilFloorKind::DateTimeField(DateTimeField::NoDateTime);
        match tree {
            ast::Expr::Function(function) => self.function(function, span, depth),
            ast::Expr::Ceil { expr, field } if *field == plain => self.apply("ceil", &[expr], span, depth),
            ast::Expr::Floor { expr, field } if *field == plain => self.apply("floor", &[expr], span, depth),
            ast::Expr::Trim { trim_where: None, trim_what: None, expr, trim_characters: None } => {
                self.apply("trim", &[expr], span, depth)
            }
            ast::Expr::Substring { expr, substring_from: Some(from), substring_for: count, .. } => {
                let mut args = vec![expr.as_ref(), from.as_ref()];
                args.extend(count.as_deref());
                self.apply("substring", &args, span, depth)
            }
            other => self.refuse(span, format!("`{other}` is not part of the language"), ""),
        }
    }

    fn function(&mut self, function: &ast::Function, span: Range<usize>, depth: usize) -> Option<Typed> {
        let names: Option<Vec<Name>> =
            function.name.0.iter().map(|part| Some(Name::new(part.as_ident()?, &self.lines))).collect();
        let names = names.unwrap_or_default();
        let args = arguments(function);
        match (names.as_slice(), args) {
            ([name], _) if name.is_word("avg") => self.refuse(
                span,
                "there is no `avg`: an average cannot be kept by what is added and taken away",
                "derive a sum and a count, and divide: total / nullif(number, 0)",
            ),
            ([name], _) if is_aggregate(name) => self.refuse(
                span,
                format!("`{}` can only be the whole right side of a derivation", name.text),
                "derive it as a column of its own, and read that column here",
            ),
            (_, None) => {
                let bare = function.args == FunctionArguments::None;
                let hint = if bare { "there are today and now()" } else { "write name(argument, …)" };
                self.refuse(span, format!("`{function}` is not part of the language"), hint)
            }
            ([name], Some(args)) if !name.quoted => {
                let word = name.text.to_ascii_lowercase();
                match word.as_str() {
                    "now" if args.is_empty() => self.moment(Expr::Now, Type::TimestampTz, span, "`now()`"),
                    "now" => self.refuse(span, format!("now takes no arguments, not {}", args.len()), ""),
                    "changed" => self.changed(&args, span),
                    word => self.apply(word, &args, span, depth),
                }
            }
            ([actor, member], Some(args)) if actor.is_word("actor") => self.actor_call(member, &args, span),
            _ => self.refuse(span, format!("there is no function `{}`", function.name), ""),
        }
    }

    fn apply(&mut self, name: &str, args: &[&ast::Expr], span: Range<usize>, depth: usize) -> Option<Typed> {
        let Some((_, function, least, most)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
            let elsewhere =
                ELSEWHERE.iter().find(|(known, _)| *known == name).map(|(_, here)| format!("write {here}"));
            let hint = elsewhere.or_else(|| {
                // Those that make a whole rule, too.
                let others = ["now", "changed", "sum", "count", "min", "max", "exists", "copy"];
                did_you_mean(name, FUNCTIONS.iter().map(|(known, ..)| *known).chain(others))
            });
            return self.refuse(
                span,
                format!("there is no function `{name}`"),
                hint.unwrap_or_else(there_are),
            );
        };
        if !(*least..=*most).contains(&args.len()) {
            let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
            return self.refuse(span, format!("{name} takes {wanted} arguments, not {}", args.len()), "");
        }
        let resolved: Vec<_> = args.iter().map(|tree| self.node(tree, depth)).collect();
        let resolved: Option<Vec<_>> = resolved.into_iter().collect();
        let (args, ty) = self.typed_call(*function, resolved?)?;
        Some(Typed { expr: Expr::Call(*function, args), ty, span })
    }

    fn typed_call(&mut self, function: Function, args: Vec<Typed>) -> Option<(Vec<Expr>, Type)> {
        match function {
            Function::Coalesce | Function::Least | Function::Greatest => {
                let (exprs, ty) = self.common(args, "in one call,")?;
                Some((exprs, ty))
            }
            Function::NullIf => {
                let ty = args.first()?.ty;
                let (exprs, common) = self.common(args, "in one call,")?;
                Some((exprs, if ty == Type::Null || temporal(common) { common } else { ty }))
            }
            Function::Abs | Function::Round | Function::Floor | Function::Ceil => {
                self.numeric(function, args)
            }
            Function::Concat => self.concat(args),
            Function::Length => Some((self.texts(args)?, Type::Integer)),
            Function::Substring => self.substring(args),
            _ => Some((self.texts(args)?, Type::Text)),
        }
    }

    fn numeric(&mut self, function: Function, args: Vec<Typed>) -> Option<(Vec<Expr>, Type)> {
        let args = self.exacts(args)?;
        if let Some(digits) = args.get(1).cloned() {
            let digits = self.whole(digits)?;
            if let Expr::Literal(Value::Int(n)) = digits.expr
                && !(-DIGITS_MAX..=DIGITS_MAX).contains(&n)
            {
                let message = format!("round takes from -{DIGITS_MAX} to {DIGITS_MAX} digits");
                self.refuse(digits.span, message, "");
                return None;
            }
        }
        let first = args.first()?.ty;
        let ty = match (function, first, args.get(1)) {
            (_, Type::Integer, _) => Type::Integer,
            (Function::Abs, ty, _) => ty,
            (Function::Round, _, Some(digits)) => Type::Decimal(constant_scale(digits)),
            _ => Type::Decimal(Some(0)),
        };
        Some((args.into_iter().map(|arg| arg.expr).collect(), ty))
    }

    fn exacts(&mut self, args: Vec<Typed>) -> Option<Vec<Typed>> {
        let resolved: Vec<_> = args.into_iter().map(|arg| self.exact(arg)).collect();
        resolved.into_iter().collect()
    }

    fn texts(&mut self, args: Vec<Typed>) -> Option<Vec<Expr>> {
        let resolved: Vec<_> = args.into_iter().map(|arg| self.text(arg)).collect();
        resolved.into_iter().map(|arg| arg.map(|a| a.expr)).collect()
    }

    fn substring(&mut self, args: Vec<Typed>) -> Option<(Vec<Expr>, Type)> {
        let mut args = args.into_iter();
        let text = args.next()?;
        let text = self.text(text);
        let counts: Vec<_> = args.map(|count| self.whole(count)).collect();
        let counts: Option<Vec<_>> = counts.into_iter().collect();
        let mut exprs = vec![text?.expr];
        exprs.extend(counts?.into_iter().map(|count| count.expr));
        Some((exprs, Type::Text))
    }

    /// A whole number: a count or a position.
    pub(super) fn whole(&mut self, item: Typed) -> Option<Typed> {
        let item = self.exact(item)?;
        match item.ty {
            Type::Decimal(_) if !matches!(item.expr, Expr::Actor(_)) => {
                self.refuse(item.span, "a whole number is needed", "write cast(… as integer)")
            }
            _ => Some(item),
        }
    }

    /// Anything that has a text.
    fn concat(&mut self, args: Vec<Typed>) -> Option<(Vec<Expr>, Type)> {
        let mut exprs = Vec::new();
        for arg in args {
            exprs.push(self.spelled(arg)?.expr);
        }
        Some((exprs, Type::Text))
    }

    fn changed(&mut self, args: &[&ast::Expr], span: Range<usize>) -> Option<Typed> {
        if !self.context.allows_old() {
            return self.forbidden(span, "`changed()`");
        }
        let mut columns = Vec::new();
        for arg in args {
            let ast::Expr::Identifier(ident) = arg else {
                return self.refuse(span, "changed() takes columns of the row", "write changed(column, …)");
            };
            columns.push(self.own_column(self.table, &Name::new(ident, &self.lines))?);
        }
        if columns.is_empty() {
            return self.refuse(span, "changed() takes at least one column", "");
        }
        Some(Typed { expr: Expr::Changed(columns), ty: Type::Bool, span })
    }

    fn actor_call(&mut self, member: &Name, args: &[&ast::Expr], span: Range<usize>) -> Option<Typed> {
        if !self.context.allows_actor() {
            return self.forbidden(span, "`actor`");
        }
        let name = match args {
            [ast::Expr::Value(value)] => value.value.clone().into_string(),
            _ => None,
        };
        let (term, ty) = match name {
            Some(name) if member.is_word("claim") => (ActorTerm::Claim(name, Type::Null), Type::Null),
            Some(name) if member.is_word("has_role") => (ActorTerm::HasRole(name), Type::Bool),
            None if member.is_word("claim") || member.is_word("has_role") => {
                let hint = format!("write actor.{}('name')", member.text);
                return self.refuse(span, "a name in single quotes is missing in the brackets", hint);
            }
            _ => {
                let hint = "there are actor.id, actor.claim('name') and actor.has_role('name')";
                return self.refuse(span, "the actor has no such member", hint);
            }
        };
        Some(Typed { expr: Expr::Actor(term), ty, span })
    }
}

fn is_aggregate(name: &Name) -> bool {
    ["sum", "count", "min", "max", "exists", "copy"].iter().any(|word| name.is_word(word))
}

/// The plain arguments; nothing when the call has anything else about it.
fn arguments(function: &ast::Function) -> Option<Vec<&ast::Expr>> {
    let plain = !function.uses_odbc_syntax
        && function.parameters == FunctionArguments::None
        && function.within_group.is_empty()
        && function.filter.is_none()
        && function.null_treatment.is_none()
        && function.over.is_none();
    let FunctionArguments::List(list) = &function.args else { return None };
    if !plain || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    list.args
        .iter()
        .map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        })
        .collect()
}

/// The digits after the point that `round(x, 2)` leaves.
fn constant_scale(digits: &Typed) -> Option<u32> {
    match &digits.expr {
        Expr::Literal(Value::Int(n)) => Some(u32::try_from(*n).unwrap_or(0)),
        _ => None,
    }
}
