//! `count(*)`, `count(distinct customer.region)`, `sum(amount_total)` → a function and what it takes. The name of an aggregate in answers
//! and in `sort` is its text in this one spelling.

use std::fmt;

use crate::suggest::did_you_mean;

/// What is made of the values in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Function {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
}

/// One aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateTerm {
    /// What is made.
    pub function: Function,
    /// Of which values; nothing: of the rows themselves (`count(*)`).
    pub path: Option<String>,
}

impl Function {
    /// The words, as they are written.
    const WORDS: [(&'static str, Self); 5] = [
        ("count", Self::Count),
        ("sum", Self::Sum),
        ("avg", Self::Avg),
        ("min", Self::Min),
        ("max", Self::Max),
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Count | Self::CountDistinct => "count",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
        }
    }

    fn parse(word: &str) -> Result<Self, String> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, function)| *function).ok_or_else(|| {
            let words = Self::WORDS.map(|(known, _)| known);
            let hint = did_you_mean(word, words.into_iter());
            format!("There is no aggregate function {word:?}, only {}.{hint}", words.join(", "))
        })
    }
}

impl AggregateTerm {
    /// Reads one aggregate. The error is a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let whole = text.trim();
        let parts = whole.split_once('(').and_then(|(word, rest)| Some((word, rest.strip_suffix(')')?)));
        let Some((word, of)) = parts else {
            return Err(format!(
                "{whole:?} is no aggregate: write count(*), or a function as in sum(attribute)."
            ));
        };
        let function = Function::parse(word.trim_end())?;
        let (distinct, path) = match of.trim().split_once(char::is_whitespace) {
            Some(("distinct", path)) => (true, path.trim_start()),
            _ => (false, of.trim()),
        };
        match (function, distinct, path) {
            (_, _, "") => Err(format!("{whole:?} does not say of what: name an attribute.")),
            (_, _, path) if path.contains(['(', ')']) => {
                Err(format!("{whole:?} has a parenthesis too many."))
            }
            (Function::Count, false, "*") => Ok(Self { function, path: None }),
            (_, _, "*") => Err(format!("{whole:?} names no attribute: only count(*) takes a star.")),
            (Function::Count, true, path) => {
                Ok(Self { function: Function::CountDistinct, path: Some(path.to_owned()) })
            }
            (_, true, _) => Err(format!("{whole:?}: only count takes distinct.")),
            (function, false, path) => Ok(Self { function, path: Some(path.to_owned()) }),
        }
    }
}

impl fmt::Display for AggregateTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let distinct = if self.function == Function::CountDistinct { "distinct " } else { "" };
        write!(f, "{}({distinct}{})", self.function.word(), self.path.as_deref().unwrap_or("*"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn aggregates_have_one_spelling() {
        for (text, expect) in [
            ("count(*)", "count(*)"),
            (" count( * ) ", "count(*)"),
            ("count(region)", "count(region)"),
            ("count( distinct   customer.region )", "count(distinct customer.region)"),
            ("count(distinct)", "count(distinct)"),
            ("sum(amount_total)", "sum(amount_total)"),
            ("avg (a)", "avg(a)"),
            ("min(ä.ö)", "min(ä.ö)"),
        ] {
            let term = AggregateTerm::parse(text).unwrap();
            assert_eq!(term.to_string(), expect);
            assert_eq!(AggregateTerm::parse(expect).unwrap(), term);
        }
    }

    #[test]
    fn what_is_no_aggregate_is_refused_with_a_hint() {
        for (text, part) in [
            ("", "is no aggregate"),
            ("count", "write count(*)"),
            ("count(*", "write count(*)"),
            ("COUNT(*)", "Did you mean \"count\"?"),
            ("summ(a)", "Did you mean \"sum\"?"),
            ("median(a)", "only count, sum, avg, min, max."),
            ("count()", "name an attribute"),
            ("count(distinct )", "count(distinct)"),
            ("sum(*)", "only count(*) takes a star"),
            ("count(distinct *)", "only count(*) takes a star"),
            ("sum(distinct a)", "only count takes distinct"),
            ("sum((a))", "parenthesis"),
            ("sum(a))", "parenthesis"),
        ] {
            match AggregateTerm::parse(text) {
                Err(detail) => assert!(detail.contains(part), "{text}: {detail}"),
                Ok(term) => assert_eq!(term.to_string(), part, "{text}"),
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r"(count|sum|avg|min|max|[a-z]{0,3})?[ (]{0,2}(distinct|\PC{0,4})[ *.]?\PC{0,6}\)?") {
            if let Ok(term) = AggregateTerm::parse(&text) {
                let spelled = term.to_string();
                prop_assert_eq!(AggregateTerm::parse(&spelled).map_err(TestCaseError::fail)?, term);
            }
        }
    }
}
