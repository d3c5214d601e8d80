//! A problem in a declared file, with its place: `model.yaml:3:5: no table `ordres` (did you mean `orders`?)`

use std::fmt;

/// A piece of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// The first byte and the length in bytes.
    pub span: (usize, usize),
}

/// Something in a file that does not hold, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named to us.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.place.line, self.place.column, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl Place {
    /// The start of a file.
    pub const START: Self = Self { line: 1, column: 1, span: (0, 0) };
}

/// All problems, a line each.
pub(crate) fn list(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// "did you mean …?", when one of the known names is close enough to be meant.
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near =
        |name: &'a str| (strsim::damerau_levenshtein(&wrong.to_lowercase(), &name.to_lowercase()), name);
    let (distance, name) = known.into_iter().map(near).min()?;
    (distance <= 1 + wrong.chars().count() / 4).then(|| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let known = ["orders", "items"];
        assert_eq!(did_you_mean("ordres", known), Some("did you mean `orders`?".into()));
        assert_eq!(did_you_mean("Orders", known), Some("did you mean `orders`?".into()));
        assert_eq!(did_you_mean("weather", known), None);
    }
}
