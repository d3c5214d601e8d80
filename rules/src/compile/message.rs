//! Messages: text with expressions in braces. `balance ({balance}) is low` -> `"balance ("`, `balance`, `") is low"`.
//!
//! `{{` and `}}` stand for the braces themselves.

use std::ops::Range;

use introspect::TableId;

use super::Compiler;
use crate::expr::resolve::{Context, expression};
use crate::file::Text;
use crate::problem::ExprProblem;
use crate::rule::Piece;

/// A piece of a template: text with its escapes undone, or where an expression stands.
#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    Expression(Range<usize>),
}

impl Compiler<'_> {
    pub(super) fn message(&mut self, text: &Text, table: TableId) -> Option<Vec<Piece>> {
        let parts = match split(&text.value) {
            Ok(parts) => parts,
            Err(problem) => {
                self.problems.inside(text, 0, problem);
                return None;
            }
        };
        let pieces: Vec<_> = parts.into_iter().map(|part| self.piece(text, table, part)).collect();
        pieces.into_iter().collect()
    }

    fn piece(&mut self, text: &Text, table: TableId, part: Part) -> Option<Piece> {
        let within = match part {
            Part::Text(text) => return Some(Piece::Text(text)),
            Part::Expression(within) => within,
        };
        let source = text.value.get(within.clone()).unwrap_or("");
        if source.trim().is_empty() {
            let problem = ExprProblem::new(within, "nothing stands in these braces");
            self.problems.inside(
                text,
                0,
                problem.hint("write {column}; {{ and }} are the braces themselves"),
            );
            return None;
        }
        match expression(self.schema, table, source, Context::Message) {
            Ok((expr, _)) => Some(Piece::Value(expr)),
            Err(problems) => {
                self.refuse_all(text, within.start, problems);
                None
            }
        }
    }
}

fn split(template: &str) -> Result<Vec<Part>, ExprProblem> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut chars = template.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '{' | '}' if chars.peek().is_some_and(|(_, next)| *next == c) => {
                chars.next();
                plain.push(c);
            }
            '{' => {
                let end = closing(template, at + 1).ok_or_else(|| {
                    ExprProblem::new(at..at + 1, "this brace is not closed").hint("write {{ for a brace")
                })?;
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Expression(at + 1..end));
                while chars.next_if(|(at, _)| *at <= end).is_some() {}
            }
            '}' => {
                return Err(
                    ExprProblem::new(at..at + 1, "this brace closes nothing").hint("write }} for a brace")
                );
            }
            c => plain.push(c),
        }
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

/// Where the brace is closed; braces in quotes are text.
fn closing(template: &str, from: usize) -> Option<usize> {
    let mut quote = None;
    for (at, c) in template.get(from..)?.char_indices() {
        match (quote, c) {
            (None, '}') => return Some(from + at),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_fall_into_pieces() {
        let shown = |template: &str| match split(template) {
            Ok(parts) => parts
                .iter()
                .map(|part| match part {
                    Part::Text(text) => format!("{text:?}"),
                    Part::Expression(range) => template[range.clone()].to_owned(),
                })
                .collect::<Vec<_>>()
                .join(" + "),
            Err(problem) => problem.message,
        };
        for (template, expected) in [
            ("plain", "\"plain\""),
            ("a {b} c{d}", "\"a \" + b + \" c\" + d"),
            ("{a}{b}", "a + b"),
            ("{{a}} {b}", "\"{a} \" + b"),
            ("{replace(a, '}', '{')}!", "replace(a, '}', '{') + \"!\""),
            ("ä {ö}", "\"ä \" + ö"),
            ("a {b", "this brace is not closed"),
            ("a } b", "this brace closes nothing"),
            ("", ""),
        ] {
            assert_eq!(shown(template), expected, "{template}");
        }
    }
}
