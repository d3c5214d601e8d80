//! A report for people.

use std::fmt::Write as _;

use rules::expr::eval::show;

use crate::plan::verify::RuleKind;
use crate::run::verify::{Finding, Report, RuleReport};

/// A rule with the first rows that are not as it says.
pub(super) fn rule(rule: &RuleReport) -> String {
    let mut text = match rule.unverifiable {
        Some(why) => format!("{}: cannot be verified: {why}\n", rule.name),
        None => format!("{}: {}, {}\n", rule.name, count(rule.rows, "row"), found(rule)),
    };
    for exception in &rule.listed {
        let left = exception.left.as_ref().map(|why| format!(" (not mended: {why})")).unwrap_or_default();
        _ = writeln!(text, "  {}: {}{left}", exception.id, finding(&exception.finding));
    }
    let unlisted = rule.exceptions.saturating_sub(rule.listed.len() as u64);
    if unlisted > 0 {
        let whence = if rule.earlier { " (or listed before the run was interrupted)" } else { "" };
        _ = writeln!(text, "  and {unlisted} more{whence}");
    }
    text
}

/// What follows when all rules are done.
pub(super) fn end(report: &Report) -> String {
    let mut text = String::new();
    let verified = report.rules.iter().filter(|rule| rule.unverifiable.is_none()).count() as u64;
    let unverifiable = report.rules.len() as u64 - verified;
    _ = write!(text, "{} verified", count(verified, "rule"));
    if unverifiable > 0 {
        _ = write!(text, ", {unverifiable} cannot be");
    }
    text.push_str(if report.is_fine() { ": everything is as the rules say\n" } else { "\n" });
    if !report.remembered {
        text.push_str("this is not remembered: `rulegate setup` makes the table for it\n");
    }
    text
}

/// What is wrong in all.
pub(super) fn verdict(report: &Report) -> String {
    let of = |kind: RuleKind| {
        report.rules.iter().filter(|rule| rule.kind == kind).map(RuleReport::left).sum::<u64>()
    };
    let mut parts = Vec::new();
    match of(RuleKind::Derivation) {
        0 => {}
        1 => parts.push("1 derived value is not what it should be".to_owned()),
        number => parts.push(format!("{number} derived values are not what they should be")),
    }
    match of(RuleKind::Constraint) {
        0 => {}
        number => parts.push(format!("constraints are broken {}", times(number))),
    }
    parts.join("; ")
}

fn times(number: u64) -> String {
    if number == 1 { "once".into() } else { format!("{number} times") }
}

fn found(rule: &RuleReport) -> String {
    match (rule.exceptions, rule.mended, rule.kind) {
        (0, _, _) => "fine".into(),
        (number, Some(mended), _) => format!("{number} differed, {mended} mended"),
        (number, None, RuleKind::Derivation) => format!("{number} differ"),
        (number, None, RuleKind::Constraint | RuleKind::Transition) => format!("{number} break it"),
    }
}

fn finding(finding: &Finding) -> String {
    match finding {
        Finding::Differs { stored, expected } => format!("{}, should be {}", show(stored), show(expected)),
        Finding::Uncomputable(why) => format!("no value: {why}"),
        Finding::Breaks(values) => values
            .iter()
            .map(|(name, value)| format!("{name} {}", show(value)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
