//! Text -> syntax tree, still with names and places in the text.
//!
//! Scalars are read by `sqlparser`; what it accepts beyond the language is refused by `resolve`, node by node. The forms that may only
//! be a whole right side (`sum(items.amount where …)`, `copy(product.price)`) are read here. Nothing is left unread.

mod claim;
mod place;
mod whole;

use std::any::TypeId;

use sqlparser::ast;
use sqlparser::dialect::Dialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::problem::ExprProblem;

pub(crate) use place::{Lines, Name};
pub(crate) use whole::{AggregateWord, Aggregated, RightSide, derivation, dotted};

/// Longest text of an expression, in bytes.
const TEXT_MAX: usize = 16_384;
/// Most words and signs of an expression.
const TOKENS_MAX: usize = 1_000;
/// Most brackets and operators inside each other.
const NESTING_MAX: usize = 50;

/// Words that the parser does not take for names where it could.
const NEEDS_QUOTES: &[&str] =
    &["interval", "exists", "trim", "distinct", "all", "any", "case", "cast", "extract"];

/// Signs of other languages, and what they are here.
const FOREIGN: &[(&str, &str)] = &[("&&", "and"), ("!", "not")];

/// How the language differs from what `sqlparser` calls generic: nothing but the standard's quotes, letters of any script.
#[derive(Debug)]
struct RuleSyntax;

impl Dialect for RuleSyntax {
    fn dialect(&self) -> TypeId {
        TypeId::of::<Self>()
    }
    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }
    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"'
    }
}

/// One scalar expression that takes up the whole text.
pub(crate) fn scalar(text: &str) -> Result<ast::Expr, ExprProblem> {
    expression(text, tokens(text)?)
}

/// Whether a text speaks of `old.column`: then a formula is a step.
pub(crate) fn mentions_old(text: &str) -> bool {
    let is_old = |token: &Token| matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("old"));
    let tokens: Vec<Token> = tokens(text).unwrap_or_default().into_iter().map(|t| t.token).collect();
    tokens.windows(2).enumerate().any(|(at, pair)| {
        let begins = at.checked_sub(1).and_then(|before| tokens.get(before)) != Some(&Token::Period);
        matches!(pair, [word, Token::Period] if begins && is_old(word))
    })
}

/// The words and signs of a text, without spaces, none beyond the limits.
fn tokens(text: &str) -> Result<Vec<TokenWithSpan>, ExprProblem> {
    if text.len() > TEXT_MAX {
        return Err(ExprProblem::new(0..0, format!("an expression has at most {TEXT_MAX} bytes")));
    }
    let lines = Lines::new(text);
    let mut tokens = Tokenizer::new(&RuleSyntax, text).tokenize_with_location().map_err(|error| {
        let at = lines.byte(error.location);
        let problem = ExprProblem::new(at..lines.char_end(at), error.message);
        match problem.message.starts_with("Unterminated") {
            true => ExprProblem { message: "this is not closed".into(), ..problem }
                .hint("a quote inside a text is written twice: 'it''s'"),
            false => problem,
        }
    })?;
    let is_comment = |t: &&TokenWithSpan| {
        use Whitespace::{MultiLineComment, SingleLineComment};
        matches!(t.token, Token::Whitespace(SingleLineComment { .. } | MultiLineComment(_)))
    };
    if let Some(comment) = tokens.iter().find(is_comment) {
        let hint = "YAML's comments begin with #; for a minus before a minus, leave a space between them";
        return Err(ExprProblem::new(lines.range(comment.span), "a comment of SQL hides what stands in it")
            .hint(hint));
    }
    tokens.retain(|t| !matches!(t.token, Token::Whitespace(_)));
    if tokens.is_empty() {
        return Err(ExprProblem::new(0..0, "an expression is missing"));
    }
    if tokens.len() > TOKENS_MAX {
        return Err(ExprProblem::new(
            0..0,
            format!("an expression has at most {TOKENS_MAX} words and signs"),
        ));
    }
    Ok(tokens)
}

/// One scalar expression that takes up all the tokens.
fn expression(text: &str, tokens: Vec<TokenWithSpan>) -> Result<ast::Expr, ExprProblem> {
    let lines = Lines::new(text);
    let end = tokens.last().map_or(0, |t| lines.range(t.span).end);
    let tokens = claim::bracketed(tokens);
    let mut parser =
        Parser::new(&RuleSyntax).with_recursion_limit(NESTING_MAX).with_tokens_with_locations(tokens);
    let parsed = parser.parse_expr();
    let next = parser.peek_token();
    let found = if next.token == Token::EOF { end..end } else { lines.range(next.span) };
    match parsed {
        Ok(expr) if next.token == Token::EOF => Ok(expr),
        Ok(_) => {
            let problem = ExprProblem::new(found, format!("`{}` is not expected here", next.token));
            Err(match misplaced(&lines, &next.token) {
                Some(hint) => problem.hint(hint),
                None => problem,
            })
        }
        Err(error) => Err(refusal(&lines, error, end)),
    }
}

/// What to do about a word that stands where none can.
fn misplaced(lines: &Lines<'_>, token: &Token) -> Option<&'static str> {
    let Token::Word(word) = token else { return None };
    match word.value.to_ascii_lowercase().trim_end_matches('s') {
        _ if lines.has_word(&["select"]) => {
            Some("there are no subqueries: derive an aggregate, such as sum(children.column where …)")
        }
        "where" => Some("`where` stands inside the brackets: sum(children.column where …)"),
        "year" | "month" | "week" | "day" | "hour" | "minute" | "second" => {
            Some("write an interval in quotes: interval '3 days'")
        }
        _ => None,
    }
}

/// The parser names the place inside its message.
fn refusal(lines: &Lines<'_>, error: ParserError, end: usize) -> ExprProblem {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => {
            return ExprProblem::new(
                0..end,
                format!("more than {NESTING_MAX} levels of brackets and operators"),
            );
        }
    };
    let (what, at) = lines.place_in(&message).map_or((message.as_str(), None), |(what, at)| (what, Some(at)));
    let at = at.unwrap_or(end);
    if let Some((sign, word)) = FOREIGN.iter().find(|(sign, _)| lines.after(at).starts_with(sign)) {
        return ExprProblem::new(at..at + sign.len(), format!("`{sign}` is not part of the language"))
            .hint(format!("write {word}"));
    }
    if what.contains("after IS") {
        return ExprProblem::new(at..lines.char_end(at), "this is nothing that can be asked with `is`")
            .hint("write is null, is not null, is distinct from or is not distinct from");
    }
    let what = what.replace("Expected: ", "expected ").replace(", found: EOF", ", found the end");
    let problem = ExprProblem::new(at..lines.char_end(at), what.replace("found: ", "found "));
    if lines.has_word(NEEDS_QUOTES) {
        return problem.hint("a column that is called like a word of SQL stands in double quotes");
    }
    match lines.after(at).is_empty() {
        true => problem.hint("something is missing at the end"),
        false => problem,
    }
}
