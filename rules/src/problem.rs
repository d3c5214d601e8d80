//! What is wrong in a declared file, and how people see it.
//!
//! A [`Problem`] knows its place; [`render`] underlines the text and adds the hint. All problems of a project are collected, sorted by
//! place and shown together, never only the first.

use std::fmt;
use std::ops::Range;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource};

/// Something wrong in one expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprProblem {
    /// Bytes of the expression's text.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Something wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file's name, as it was given.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The first byte and the length in bytes.
    pub span: (usize, usize),
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ExprProblem {
    /// A problem without a hint.
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None }
    }

    /// With what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Problem {
    /// A problem with bytes of a file's text.
    pub fn new(
        file: &str,
        text: &str,
        span: Range<usize>,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: file.into(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
            span: (span.start, span.len()),
            message: message.into(),
            hint,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

/// The problems with the text underlined; `files` are names and texts, as they were compiled.
pub fn render(problems: &[Problem], files: &[(String, String)], colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
    let mut shown = String::new();
    for problem in problems {
        if !shown.is_empty() {
            shown.push('\n');
        }
        let text = files.iter().find(|(name, _)| *name == problem.file).map_or("", |(_, text)| text);
        if handler.render_report(&mut shown, report(problem, text).as_ref()).is_err() {
            shown.push_str(&format!("{problem}\n"));
        }
    }
    shown
}

fn report(problem: &Problem, text: &str) -> miette::Report {
    let mut diagnostic = MietteDiagnostic::new(&problem.message);
    if problem.span.0 + problem.span.1 <= text.len() {
        diagnostic = diagnostic.with_label(LabeledSpan::new_with_span(None, problem.span));
    }
    if let Some(hint) = &problem.hint {
        diagnostic = diagnostic.with_help(hint);
    }
    miette::Report::new(diagnostic).with_source_code(NamedSource::new(&problem.file, text.to_owned()))
}

/// The one of the names that was probably meant.
pub fn closest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let tolerated = name.chars().count() / 3 + 1;
    names
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase()), candidate)
        })
        .filter(|(distance, _)| *distance <= tolerated)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean …?", where there is something to mean.
pub fn did_you_mean<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(name, names).map(|found| format!("did you mean `{found}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_with_its_text_underlined() {
        let text = "derive:\n  orders.total: sum(item.amount)\n";
        let at = text.find("item").unwrap();
        let hint = did_you_mean("item", ["customer", "items"]);
        let problem =
            Problem::new("rules/a.yaml", text, at..at + 4, "orders has no relationship `item`", hint);
        assert_eq!((problem.line, problem.column), (2, 21));
        let shown = render(&[problem], &[("rules/a.yaml".into(), text.into())], false);
        for part in ["orders has no relationship `item`", "rules/a.yaml:2:21", "did you mean `items`?"] {
            assert!(shown.contains(part), "{shown}");
        }
    }

    #[test]
    fn far_off_names_are_not_proposed() {
        assert_eq!(closest("credit_limt", ["balance", "credit_limit"]), Some("credit_limit"));
        assert_eq!(closest("Balance", ["balance"]), Some("balance"));
        assert_eq!(closest("xyz", ["balance"]), None);
    }
}
