//! Operators: arithmetic, comparison, logic, patterns, `case`, `cast`.

use std::ops::Range;

use dialects::Value;
use sqlparser::ast::{self, BinaryOperator, Spanned, UnaryOperator};

use super::types::temporal;
use super::{Context, Resolver, Typed, noun};
use crate::expr::eval::negate;
use crate::expr::{ActorTerm, BinaryOp, Expr, Type};

impl Resolver<'_> {
    pub(super) fn operator(&mut self, tree: &ast::Expr, span: Range<usize>, depth: usize) -> Option<Typed> {
        match tree {
            ast::Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. } => {
                self.chain(tree, span, depth)
            }
            ast::Expr::BinaryOp { left, op, right } => self.binary(left, op, right, span, depth),
            ast::Expr::UnaryOp { op, expr } => self.unary(*op, expr, span, depth),
            ast::Expr::IsNull(expr) => self.is_null(expr, true, span, depth),
            ast::Expr::IsNotNull(expr) => self.is_null(expr, false, span, depth),
            ast::Expr::IsDistinctFrom(a, b) => self.distinct(a, b, true, span, depth),
            ast::Expr::IsNotDistinctFrom(a, b) => self.distinct(a, b, false, span, depth),
            ast::Expr::InList { expr, list, negated } => self.contained(expr, list, *negated, span, depth),
            ast::Expr::Between { expr, negated, low, high } => {
                let between = self.between(expr, low, high, span, depth)?;
                Some(negated_if(between, *negated))
            }
            ast::Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                let like = self.like(expr, pattern, false, span, depth)?;
                Some(negated_if(like, *negated))
            }
            ast::Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                if self.context != Context::Filter {
                    return self.refuse(
                        span,
                        "rules compare texts exactly",
                        "write lower(…) like '…' with a lower-case pattern",
                    );
                }
                let like = self.like(expr, pattern, true, span, depth)?;
                Some(negated_if(like, *negated))
            }
            other => {
                let hint = "there are + - * / % ||, comparisons, and, or, not, is null, is distinct from, between, \
                            in, like, case, cast and functions";
                self.refuse(span, format!("`{other}` is not part of the language"), hint)
            }
        }
    }

    /// `a and b and c` as one list, however long: the parser nests it to the left.
    fn chain(&mut self, tree: &ast::Expr, span: Range<usize>, depth: usize) -> Option<Typed> {
        let ast::Expr::BinaryOp { op: wanted, .. } = tree else { return None };
        let (mut terms, mut rest) = (Vec::new(), tree);
        while let ast::Expr::BinaryOp { left, op, right } = rest
            && op == wanted
        {
            terms.push(right.as_ref());
            rest = left;
        }
        terms.push(rest);
        let resolved: Vec<_> =
            terms.into_iter().rev().map(|term| self.node(term, depth).and_then(|t| self.truth(t))).collect();
        let resolved: Option<Vec<_>> = resolved.into_iter().map(|term| term.map(|t| t.expr)).collect();
        let make = if *wanted == BinaryOperator::And { Expr::And } else { Expr::Or };
        Some(truth(make(resolved?), span))
    }

    fn pair(&mut self, a: &ast::Expr, b: &ast::Expr, depth: usize) -> Option<(Typed, Typed)> {
        let (a, b) = (self.node(a, depth), self.node(b, depth));
        Some((a?, b?))
    }

    fn binary(
        &mut self,
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
        span: Range<usize>,
        depth: usize,
    ) -> Option<Typed> {
        let Some(known) = known(op) else {
            return self.refuse(span, format!("the operator `{op}` is not part of the language"), "");
        };
        if let Some(shifted) = self.shifted(known, left, right, &span, depth) {
            return shifted;
        }
        let (a, b) = self.pair(left, right, depth)?;
        match known {
            BinaryOp::Add | BinaryOp::Sub if temporal(a.ty) || temporal(b.ty) => self.days(known, a, b, span),
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                self.comparison(known, a, b, span)
            }
            BinaryOp::Concat => {
                let (a, b) = (self.text(a), self.text(b));
                let expr = Expr::Binary(known, Box::new(a?.expr), Box::new(b?.expr));
                Some(Typed { expr, ty: Type::Text, span })
            }
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
                let (a, b) = (self.exact(a), self.exact(b));
                let (a, b) = (a?, b?);
                let ty = arithmetic(known, a.ty, b.ty);
                let expr = Expr::Binary(known, Box::new(a.expr), Box::new(b.expr));
                self.within_digits(Typed { expr, ty, span })
            }
        }
    }

    pub(super) fn comparison(
        &mut self,
        op: BinaryOp,
        a: Typed,
        b: Typed,
        span: Range<usize>,
    ) -> Option<Typed> {
        let (a, b) = self.comparable(a, b, !matches!(op, BinaryOp::Eq | BinaryOp::Ne))?;
        Some(truth(Expr::Binary(op, Box::new(a), Box::new(b)), span))
    }

    /// Both brought to one type that can be compared; `ordered`: also by less and greater.
    fn comparable(&mut self, a: Typed, b: Typed, ordered: bool) -> Option<(Expr, Expr)> {
        let span = a.span.start.min(b.span.start)..a.span.end.max(b.span.end);
        let (exprs, ty) = self.common(vec![a, b], "in a comparison,")?;
        if ordered && ty == Type::Bool {
            self.refuse(span, "true and false have no order", "compare them with = or <>");
            return None;
        }
        self.has_values(ty, span)?;
        let [a, b] = <[Expr; 2]>::try_from(exprs).ok()?;
        Some((a, b))
    }

    /// Of some types, the language knows nothing but whether there is a value.
    fn has_values(&mut self, ty: Type, span: Range<usize>) -> Option<()> {
        if !matches!(ty, Type::Json | Type::Bytes | Type::Other) {
            return Some(());
        }
        self.refuse(
            span,
            "values of this type cannot be compared",
            "`is null` and changed() can be asked of them",
        );
        None
    }

    fn unary(
        &mut self,
        op: UnaryOperator,
        expr: &ast::Expr,
        span: Range<usize>,
        depth: usize,
    ) -> Option<Typed> {
        let inner = self.node(expr, depth)?;
        match op {
            UnaryOperator::Not => {
                let inner = self.truth(inner)?;
                Some(truth(Expr::Not(Box::new(inner.expr)), span))
            }
            UnaryOperator::Plus => self.exact(inner),
            UnaryOperator::Minus => {
                let inner = self.exact(inner)?;
                let expr = match inner.expr {
                    Expr::Literal(value) => Expr::Literal(negate(&value).unwrap_or(Value::Null)),
                    other => Expr::Negate(Box::new(other)),
                };
                Some(Typed { expr, ty: inner.ty, span })
            }
            other => self.refuse(span, format!("the operator `{other}` is not part of the language"), ""),
        }
    }

    fn is_null(&mut self, expr: &ast::Expr, wanted: bool, span: Range<usize>, depth: usize) -> Option<Typed> {
        let inner = self.node(expr, depth)?;
        let ty = inner.ty;
        let inner = self.adapt(inner, ty)?;
        Some(truth(Expr::IsNull(Box::new(inner.expr), wanted), span))
    }

    fn distinct(
        &mut self,
        a: &ast::Expr,
        b: &ast::Expr,
        wanted: bool,
        span: Range<usize>,
        depth: usize,
    ) -> Option<Typed> {
        let (a, b) = self.pair(a, b, depth)?;
        let (a, b) = self.comparable(a, b, false)?;
        Some(truth(Expr::Distinct(Box::new(a), Box::new(b), wanted), span))
    }

    fn contained(
        &mut self,
        expr: &ast::Expr,
        list: &[ast::Expr],
        negated: bool,
        span: Range<usize>,
        depth: usize,
    ) -> Option<Typed> {
        let first = self.node(expr, depth);
        let mut all = vec![first?];
        all.extend(self.nodes(list, depth)?);
        let (exprs, ty) = self.common(all, "in a list,")?;
        self.has_values(ty, span.clone())?;
        let mut exprs = exprs.into_iter();
        let (first, others) = (Box::new(exprs.next()?), exprs.collect::<Vec<_>>());
        let expr = match others.as_slice() {
            [Expr::Actor(ActorTerm::Claim(name, ty))] => Expr::InClaim(first, name.clone(), *ty),
            _ => Expr::In(first, others),
        };
        let contained = truth(expr, span);
        Some(negated_if(contained, negated))
    }

    fn between(
        &mut self,
        expr: &ast::Expr,
        low: &ast::Expr,
        high: &ast::Expr,
        span: Range<usize>,
        depth: usize,
    ) -> Option<Typed> {
        let value = self.node(expr, depth);
        let (low, high) = self.pair(low, high, depth)?;
        let value = value?;
        let again = self.copy(&value)?;
        let (from, to) = (
            self.comparison(BinaryOp::Ge, value, low, span.clone()),
            self.comparison(BinaryOp::Le, again, high, span.clone()),
        );
        Some(truth(Expr::And(vec![from?.expr, to?.expr]), span))
    }

    fn like(
        &mut self,
        text: &ast::Expr,
        pattern: &ast::Expr,
        insensitive: bool,
        span: Range<usize>,
        depth: usize,
    ) -> Option<Typed> {
        let (text, pattern) = self.pair(text, pattern, depth)?;
        let (text, pattern) = (self.text(text), self.text(pattern));
        let (text, pattern) = (Box::new(text?.expr), Box::new(pattern?.expr));
        Some(truth(Expr::Like { text, pattern, insensitive }, span))
    }

    /// `case x when 1 then …` becomes `case when x = 1 then …`.
    pub(super) fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        arms: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
        span: Range<usize>,
        depth: usize,
    ) -> Option<Typed> {
        let operand = match operand {
            Some(tree) => Some(self.node(tree, depth)?),
            None => None,
        };
        let conditions: Vec<_> =
            arms.iter().map(|arm| self.arm(operand.as_ref(), &arm.condition, depth)).collect();
        let mut values: Vec<_> = arms.iter().map(|arm| self.node(&arm.result, depth)).collect();
        values.extend(otherwise.map(|tree| self.node(tree, depth)));
        let conditions: Option<Vec<_>> = conditions.into_iter().collect();
        let values: Option<Vec<_>> = values.into_iter().collect();
        let (conditions, values) = (conditions?, values?);
        let (values, ty) = self.common(values, "in one `case`,")?;
        let mut values = values.into_iter();
        let arms = conditions.into_iter().zip(values.by_ref()).collect();
        Some(Typed { expr: Expr::Case(arms, values.next().map(Box::new)), ty, span })
    }

    fn arm(&mut self, operand: Option<&Typed>, condition: &ast::Expr, depth: usize) -> Option<Expr> {
        let resolved = self.node(condition, depth)?;
        let condition = match operand {
            Some(operand) => {
                let span = self.lines.range(condition.span());
                let operand = self.copy(operand)?;
                self.comparison(BinaryOp::Eq, operand, resolved, span)
            }
            None => self.truth(resolved),
        };
        condition.map(|c| c.expr)
    }

    pub(super) fn cast(
        &mut self,
        expr: &ast::Expr,
        to: &ast::DataType,
        span: Range<usize>,
        depth: usize,
    ) -> Option<Typed> {
        let inner = self.node(expr, depth);
        let ty = self.named_type(to, &span)?;
        let inner = inner?;
        if let Expr::Literal(Value::Text(text)) = &inner.expr {
            return self.read(text, ty, span);
        }
        if ty == Type::Text {
            return self.spelled(inner);
        }
        if !castable(inner.ty, ty) {
            let hint = match inner.ty {
                Type::Text => {
                    "keep it in a column of that type: what a text says differs from database to database"
                }
                _ => "",
            };
            return self.refuse(span, format!("{} cannot be cast to {}", noun(inner.ty), noun(ty)), hint);
        }
        let inner = if inner.ty == Type::Null { self.adapt(inner, ty)? } else { inner };
        Some(Typed { expr: Expr::Cast(Box::new(inner.expr), ty), ty, span })
    }

    /// Anything as text that has one; a number with as many digits after the point as its type says.
    pub(super) fn spelled(&mut self, item: Typed) -> Option<Typed> {
        let expr = match item.ty {
            Type::Text => return Some(item),
            Type::Null => return self.adapt(item, Type::Text),
            Type::Bytes | Type::Json | Type::Float | Type::Other => {
                let message = format!("a text is needed, this is {}", noun(item.ty));
                return self.refuse(item.span, message, "");
            }
            Type::Decimal(_) => Expr::Cast(Box::new(item.expr), item.ty),
            _ => item.expr,
        };
        Some(Typed { expr: Expr::Cast(Box::new(expr), Type::Text), ty: Type::Text, span: item.span })
    }
}

fn truth(expr: Expr, span: Range<usize>) -> Typed {
    Typed { expr, ty: Type::Bool, span }
}

fn negated_if(item: Typed, negated: bool) -> Typed {
    if negated { truth(Expr::Not(Box::new(item.expr)), item.span) } else { item }
}

fn known(op: &BinaryOperator) -> Option<BinaryOp> {
    Some(match op {
        BinaryOperator::Plus => BinaryOp::Add,
        BinaryOperator::Minus => BinaryOp::Sub,
        BinaryOperator::Multiply => BinaryOp::Mul,
        BinaryOperator::Divide => BinaryOp::Div,
        BinaryOperator::Modulo => BinaryOp::Rem,
        BinaryOperator::StringConcat => BinaryOp::Concat,
        BinaryOperator::Eq => BinaryOp::Eq,
        BinaryOperator::NotEq => BinaryOp::Ne,
        BinaryOperator::Lt => BinaryOp::Lt,
        BinaryOperator::LtEq => BinaryOp::Le,
        BinaryOperator::Gt => BinaryOp::Gt,
        BinaryOperator::GtEq => BinaryOp::Ge,
        _ => return None,
    })
}

/// The type of a calculation, with as many digits after the point as it can have.
pub(crate) fn arithmetic(op: BinaryOp, a: Type, b: Type) -> Type {
    let scale = |ty| match ty {
        Type::Decimal(scale) => scale,
        _ => Some(0),
    };
    match (op, a, b) {
        (BinaryOp::Div, _, _) => Type::Decimal(None),
        (_, Type::Null, other) | (_, other, Type::Null) => other,
        (_, Type::Integer, Type::Integer) => Type::Integer,
        (BinaryOp::Mul, a, b) => Type::Decimal(scale(a).zip(scale(b)).map(|(a, b)| a.saturating_add(b))),
        (_, a, b) => Type::Decimal(scale(a).zip(scale(b)).map(|(a, b)| a.max(b))),
    }
}

fn castable(from: Type, to: Type) -> bool {
    match (from, to) {
        (Type::Null, _) => true,
        (Type::Bytes | Type::Other | Type::Json | Type::Float | Type::Text, _) => false,
        (Type::Bool | Type::Integer | Type::Decimal(_), Type::Bool | Type::Integer | Type::Decimal(_)) => {
            true
        }
        (
            Type::Date | Type::Timestamp | Type::TimestampTz,
            Type::Date | Type::Timestamp | Type::TimestampTz,
        ) => true,
        (from, to) => from == to || (to == Type::Time && matches!(from, Type::Timestamp | Type::TimestampTz)),
    }
}
