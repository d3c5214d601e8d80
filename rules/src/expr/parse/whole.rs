//! The forms that may only be the whole right side of a derivation: aggregates over children, and `copy`.
//!
//! `sum(items.amount where not free)` -> `Aggregated {word: Sum, children: items, column: amount, filter: not free}`.

use std::ops::Range;

use sqlparser::ast;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{Lines, Name, expression, tokens};
use crate::problem::ExprProblem;

/// What may stand on the right of a derivation.
#[derive(Debug)]
pub(crate) enum RightSide {
    Scalar(Box<ast::Expr>),
    Aggregate(Box<Aggregated>),
    Copy { parent: Name, column: Name },
}

/// The aggregates that the language has words for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AggregateWord {
    Sum,
    Count,
    Min,
    Max,
    Exists,
}

/// An aggregate, still with names. Whether there is a column is known from the word: `count` and `exists` have none.
#[derive(Debug)]
pub(crate) struct Aggregated {
    pub(crate) word: AggregateWord,
    pub(crate) children: Name,
    pub(crate) column: Option<Name>,
    pub(crate) filter: Option<ast::Expr>,
}

#[derive(Clone, Copy)]
enum Form {
    Aggregate(AggregateWord),
    Copy,
}

/// The right side of a derivation.
pub(crate) fn derivation(text: &str) -> Result<RightSide, ExprProblem> {
    let tokens = tokens(text)?;
    match form(&tokens) {
        Some(form) => whole(text, form, tokens),
        None => Ok(RightSide::Scalar(Box::new(expression(text, tokens)?))),
    }
}

/// `table.column`, and nothing else.
pub(crate) fn dotted(text: &str) -> Result<Vec<Name>, ExprProblem> {
    let hint = "names that are not plain words stand in double quotes: '\"Order Details\".\"UnitPrice\"'";
    let refuse = |problem: ExprProblem| ExprProblem { hint: Some(hint.into()), ..problem };
    let tokens = tokens(text).map_err(refuse)?;
    names(&tokens, &Lines::new(text), &(0..text.len())).map_err(refuse)
}

/// A word of the forms, a bracket, and the bracket's end as the last token. `min(a) + 1` is none.
fn form(tokens: &[TokenWithSpan]) -> Option<Form> {
    let [first, second, ..] = tokens else { return None };
    let Token::Word(word) = &first.token else { return None };
    if word.quote_style.is_some() || second.token != Token::LParen || closing(tokens)? != tokens.len() - 1 {
        return None;
    }
    Some(match word.value.to_ascii_lowercase().as_str() {
        "sum" => Form::Aggregate(AggregateWord::Sum),
        "count" => Form::Aggregate(AggregateWord::Count),
        "min" => Form::Aggregate(AggregateWord::Min),
        "max" => Form::Aggregate(AggregateWord::Max),
        "exists" => Form::Aggregate(AggregateWord::Exists),
        "copy" => Form::Copy,
        _ => return None,
    })
}

/// Where the first bracket is closed.
fn closing(tokens: &[TokenWithSpan]) -> Option<usize> {
    let mut open = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen => open += 1,
            Token::RParen if open == 1 => return Some(at),
            Token::RParen => open = open.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

fn whole(text: &str, form: Form, tokens: Vec<TokenWithSpan>) -> Result<RightSide, ExprProblem> {
    let lines = Lines::new(text);
    let word_span = tokens.first().map_or(0..0, |t| lines.range(t.span));
    let inside = tokens.get(2..tokens.len() - 1).unwrap_or_default();
    let split = inside.iter().position(|t| is_where(&t.token)).unwrap_or(inside.len());
    let (path, rest) = inside.split_at(split);
    let path = names(path, &lines, &word_span)?;
    let filter = match rest.split_first() {
        None => None,
        Some((word, [])) => {
            return Err(ExprProblem::new(lines.range(word.span), "a condition is missing after `where`"));
        }
        Some((_, condition)) => Some(expression(text, condition.to_vec())?),
    };
    match form {
        Form::Copy if filter.is_some() => {
            Err(ExprProblem::new(word_span, "`copy` takes no `where`: a row has one parent"))
        }
        Form::Copy => copied(path, word_span),
        Form::Aggregate(word) => aggregated(word, word_span, path, filter),
    }
}

fn is_where(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.keyword == Keyword::WHERE && word.quote_style.is_none())
}

/// `a.b.c`, nothing else.
fn names(tokens: &[TokenWithSpan], lines: &Lines<'_>, form: &Range<usize>) -> Result<Vec<Name>, ExprProblem> {
    let mut names = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let span = lines.range(token.span);
        match &token.token {
            Token::Word(word) if at % 2 == 0 => {
                names.push(Name { text: word.value.clone(), quoted: word.quote_style.is_some(), span });
            }
            Token::Period if at % 2 == 1 => {}
            other => {
                let hint = match other {
                    Token::Mul => "name the rows: count(children), by the name of the relationship",
                    _ => "inside stands a relationship and a column, joined by a point",
                };
                return Err(ExprProblem::new(span, format!("`{other}` is not expected here")).hint(hint));
            }
        }
    }
    if names.is_empty() || tokens.len().is_multiple_of(2) {
        return Err(ExprProblem::new(form.clone(), "a relationship is missing in the brackets"));
    }
    Ok(names)
}

fn copied(path: Vec<Name>, span: Range<usize>) -> Result<RightSide, ExprProblem> {
    match <[Name; 2]>::try_from(path) {
        Ok([parent, column]) => Ok(RightSide::Copy { parent, column }),
        Err(_) => Err(ExprProblem::new(span, "`copy` takes one parent and one of its columns")
            .hint("write copy(parent.column); from further up, derive it on the parent first, as a formula to follow it or as a copy to keep what it was")),
    }
}

fn aggregated(
    word: AggregateWord,
    word_span: Range<usize>,
    path: Vec<Name>,
    filter: Option<ast::Expr>,
) -> Result<RightSide, ExprProblem> {
    let mut path = path.into_iter();
    let (children, column, beyond) = (path.next(), path.next(), path.next());
    let takes_column = !matches!(word, AggregateWord::Count | AggregateWord::Exists);
    let (Some(children), None) = (children, beyond) else {
        return Err(ExprProblem::new(word_span, "aggregates go one level down")
            .hint("derive the value on the children first, then aggregate that"));
    };
    match &column {
        Some(column) if !takes_column => {
            return Err(ExprProblem::new(column.span.clone(), "this asks for rows, not values").hint(
                format!("write `{} where {} is not null` in the brackets", children.text, column.text),
            ));
        }
        None if takes_column => {
            let hint = format!(
                "write relationship.column: `{0}.column` where {0} is a relationship, `children.{0}` where it is a column",
                children.text
            );
            return Err(
                ExprProblem::new(children.span.clone(), "relationship and column are needed here").hint(hint)
            );
        }
        _ => {}
    }
    Ok(RightSide::Aggregate(Box::new(Aggregated { word, children, column, filter })))
}
