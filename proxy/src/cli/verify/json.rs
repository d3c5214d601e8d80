//! A report for programs. Values are strings, as the text report has them, or null.

use dialects::Value;
use rules::expr::eval::show;
use serde_json::{Map, Value as Json, json};

use crate::plan::verify::RuleKind;
use crate::run::verify::{Exception, Finding, Report, RuleReport};

/// The whole report as one object.
pub(super) fn report(report: &Report) -> Json {
    json!({
        "fine": report.is_fine(),
        "stopped": report.stopped,
        "resumed": report.resumed,
        "remembered": report.remembered,
        "rules": report.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

fn rule(rule: &RuleReport) -> Json {
    let kind = match rule.kind {
        RuleKind::Derivation => "derivation",
        RuleKind::Constraint => "constraint",
        RuleKind::Transition => "transition",
    };
    match rule.unverifiable {
        Some(why) => json!({"rule": rule.name, "kind": kind, "unverifiable": why}),
        None => json!({
            "rule": rule.name,
            "kind": kind,
            "rows": rule.rows,
            "exceptions": rule.exceptions,
            "mended": rule.mended,
            "listed": rule.listed.iter().map(exception).collect::<Vec<_>>(),
        }),
    }
}

fn exception(exception: &Exception) -> Json {
    let id = &exception.id;
    let mut told = match &exception.finding {
        Finding::Differs { stored, expected } => {
            json!({"id": id, "stored": value(stored), "expected": value(expected)})
        }
        Finding::Uncomputable(why) => json!({"id": id, "uncomputable": why}),
        Finding::Breaks(values) => {
            let values: Map<String, Json> = values.iter().map(|(name, v)| (name.clone(), value(v))).collect();
            json!({"id": id, "values": values})
        }
    };
    if let (Some(why), Some(members)) = (&exception.left, told.as_object_mut()) {
        members.insert("left".into(), Json::String(why.clone()));
    }
    told
}

fn value(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        value => Json::String(show(value)),
    }
}
