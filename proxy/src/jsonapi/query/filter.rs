//! `filter…` parameters → [`Filter`]: syntax only, names are not looked up.
//!
//! ```text
//! filter[status]=new,held           Term(status In new, held)
//! filter={"not": {"name": …}}       Not(Term(…))
//! filter[where]=a = 1 or b is null  Where(…)
//! ```

mod json;

use super::{Operator, Pair};
use crate::suggest::did_you_mean;
use crate::{Error, ErrorCode, Result};

/// What a parameter demands of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of these.
    All(Vec<Filter>),
    /// Any of these.
    Any(Vec<Filter>),
    /// All rows that it does not find.
    Not(Box<Filter>),
    /// A comparison.
    Term(FilterTerm),
    /// An expression in the language of rules.
    Where(String),
    /// Words to look for.
    Search(String),
}

/// A comparison: `filter[path][operator]=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterTerm {
    /// An attribute, `id`, a foreign key column, a relationship, or a path of relationships to one of them, joined by dots.
    pub path: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what: one value, or several for the operators that take several.
    pub operands: Vec<Operand>,
    /// Its place in a JSON filter, as a JSON pointer; elsewhere empty.
    pub at: String,
}

/// What is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Text, as it stands in a URL. `null` is the null of everything but texts.
    Text(String),
    /// JSON's null: no value.
    Null,
}

impl Filter {
    /// Reads a parameter, its keys split: `[path]`, `[path, operator]`, `[path, ""]` for a list, none for JSON.
    pub(super) fn parse(pair: &Pair, keys: &[&str]) -> Result<Self> {
        let refuse = |detail: String| Error::new(ErrorCode::InvalidFilter, detail).parameter(&pair.name);
        let term = |path: &str, operator, texts: Vec<String>| {
            let operands = texts.into_iter().map(Operand::Text).collect();
            Self::Term(FilterTerm { path: path.into(), operator, operands, at: String::new() })
        };
        Ok(match keys {
            [] => json::parse(&pair.value).map_err(|(detail, at)| refuse(placed(detail, &at)))?,
            ["where"] => Self::Where(pair.value.clone()),
            ["search"] => Self::Search(pair.value.clone()),
            [path] if !path.is_empty() => {
                let texts = Operator::In.values(&pair.value);
                term(path, if texts.len() > 1 { Operator::In } else { Operator::Eq }, texts)
            }
            [path, ""] if !path.is_empty() => term(path, Operator::In, vec![pair.value.clone()]),
            [path, word] if !path.is_empty() => {
                let operator = Operator::parse(word).ok_or_else(|| refuse(unknown_operator(word)))?;
                term(path, operator, operator.values(&pair.value))
            }
            _ => return Err(super::unknown(pair).into()),
        })
    }

    /// Takes another value of `filter[path][]`.
    pub(super) fn push(&mut self, text: &str) {
        if let Self::Term(term) = self {
            term.operands.push(Operand::Text(text.into()));
        }
    }
}

/// A sentence with the place in a JSON filter that it is about.
pub fn placed(detail: String, at: &str) -> String {
    match at {
        "" => detail,
        _ => format!("At {at}: {detail}"),
    }
}

/// The sentence for a word that is no operator.
fn unknown_operator(word: &str) -> String {
    let words = || Operator::WORDS.iter().map(|(word, _)| *word);
    let hint = match did_you_mean(word, words()) {
        hint if hint.is_empty() => {
            format!(" There are {}.", words().take(Operator::DOCUMENTED).collect::<Vec<_>>().join(", "))
        }
        hint => hint,
    };
    format!("There is no filter operator {word:?}.{hint}")
}
