//! What is wrong in a declared file, and how people see it: `model.yaml:3:5: no table `ordres` (did you mean `orders`?)`
//!
//! A [`Problem`] knows its place; [`render`] underlines the text and adds the hint. All problems of a file are collected, [`sorted`] by
//! place and shown together, never only the first.

use std::fmt;
use std::ops::Range;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Severity};

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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

impl Place {
    /// The start of a file.
    pub const START: Self = Self { line: 1, column: 1, span: (0, 0) };

    /// These bytes of a file's text.
    pub fn of(text: &str, span: &Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
            span: (span.start, span.len()),
        }
    }

    /// The character at a line and a column of a file's text; where there is none, the end of the line.
    pub fn at(text: &str, line: usize, column: usize) -> Self {
        let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let (at, length) = rest
            .char_indices()
            .nth(column.saturating_sub(1))
            .map_or((rest.len(), 0), |(at, found)| (at, found.len_utf8()));
        Self { line, column, span: (start + at, length) }
    }

    /// The bytes.
    pub fn range(&self) -> Range<usize> {
        let (start, length) = self.span;
        start..start.saturating_add(length)
    }
}

/// `3:5`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.place, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

/// By file and place, each once.
pub fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort();
    problems.dedup();
    problems
}

/// All problems, a line each.
pub(crate) fn list(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// The problems with the text underlined; `files` are names and texts, as they were read.
pub fn render(problems: &[Problem], files: &[(String, String)], colour: bool) -> String {
    reports(problems, files, colour, Severity::Error)
}

/// Likewise, for what is allowed, but hardly meant.
pub fn render_warnings(warnings: &[Problem], files: &[(String, String)], colour: bool) -> String {
    reports(warnings, files, colour, Severity::Warning)
}

fn reports(problems: &[Problem], files: &[(String, String)], colour: bool, severity: Severity) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
    let mut shown = String::new();
    for problem in problems {
        if !shown.is_empty() {
            shown.push('\n');
        }
        let text = files.iter().find(|(name, _)| *name == problem.file).map_or("", |(_, text)| text);
        if handler.render_report(&mut shown, report(problem, text, severity).as_ref()).is_err() {
            shown.push_str(&format!("{problem}\n"));
        }
    }
    shown
}

fn report(problem: &Problem, text: &str, severity: Severity) -> miette::Report {
    let mut diagnostic = MietteDiagnostic::new(&problem.message).with_severity(severity);
    if problem.place.range().end <= text.len() {
        diagnostic = diagnostic.with_label(LabeledSpan::new_with_span(None, problem.place.span));
    }
    if let Some(hint) = &problem.hint {
        diagnostic = diagnostic.with_help(hint);
    }
    miette::Report::new(diagnostic).with_source_code(NamedSource::new(&problem.file, text.to_owned()))
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
        let known = ["orders", "items", "credit_limit"];
        assert_eq!(did_you_mean("ordres", known), Some("did you mean `orders`?".into()));
        assert_eq!(did_you_mean("Orders", known), Some("did you mean `orders`?".into()));
        assert_eq!(did_you_mean("credit_limt", known), Some("did you mean `credit_limit`?".into()));
        assert_eq!(did_you_mean("weather", known), None);
        assert_eq!(did_you_mean("xyz", known), None);
    }

    #[test]
    fn a_problem_is_shown_with_its_text_underlined() {
        let text = "derive:\n  orders.total: sum(item.amount)\n";
        let at = text.find("item").unwrap();
        let problem = Problem {
            file: "rules/a.yaml".into(),
            place: Place::of(text, &(at..at + 4)),
            message: "orders has no relationship `item`".into(),
            hint: did_you_mean("item", ["customer", "items"]),
        };
        assert_eq!(problem.place.to_string(), "2:21");
        let shown = render(&[problem], &[("rules/a.yaml".into(), text.into())], false);
        for part in ["orders has no relationship `item`", "rules/a.yaml:2:21", "did you mean `items`?"] {
            assert!(shown.contains(part), "{shown}");
        }
    }
}
