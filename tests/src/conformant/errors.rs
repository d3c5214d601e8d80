//! Error documents ("Errors"): complete objects of the catalogue, whose `source` is something that was sent.

use proxy::ErrorCode;
use proxy::jsonapi::query;
use serde_json::Value as Json;

use super::Exchange;

/// What a `source` can point into.
struct Sent<'a> {
    document: Option<Json>,
    query: &'a str,
}

/// Checks the document of an answer from 400 up.
pub(super) fn check(exchange: &Exchange<'_>, document: &Json, problems: &mut Vec<String>) {
    let errors = document.get("errors").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    if errors.is_empty() || exchange.status < 400 {
        problems.push("an error status without errors, or errors without one".into());
    }
    let mut ids: Vec<&str> = errors.iter().filter_map(|error| error["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() != errors.len() {
        problems.push("errors share an id".into());
    }
    let sent = Sent { document: serde_json::from_slice(exchange.sent).ok(), query: exchange.query };
    for error in errors {
        let wrong = object(&sent, error);
        problems.extend(wrong.into_iter().map(|what| format!("{what}: {error}")));
    }
    let mut statuses: Vec<&str> = errors.iter().filter_map(|error| error["status"].as_str()).collect();
    statuses.dedup();
    let status = exchange.status.to_string();
    let general = matches!(exchange.status, 400 | 500);
    if !(statuses == [status.as_str()] || (statuses.len() > 1 && general)) {
        problems.push(format!("errors of {statuses:?} are answered with {status}"));
    }
}

fn object(sent: &Sent<'_>, error: &Json) -> Vec<&'static str> {
    let known = ["id", "links", "status", "code", "title", "detail", "source", "meta"];
    let members = error.as_object().into_iter().flat_map(|members| members.keys());
    let code = ErrorCode::ALL.iter().find(|code| error["code"] == code.code());
    let fits = |code: &&ErrorCode| {
        error["title"] == code.title()
            && error["status"].as_str().and_then(|it| it.parse().ok()) == Some(code.status())
    };
    let text = |name: &str| error[name].as_str().is_some_and(|text| !text.is_empty());
    let about = error["code"].as_str().map(|code| format!("/docs/errors#{code}"));
    let checks = [
        (members.clone().all(|name| known.contains(&name.as_str())), "an error has unknown members"),
        (code.filter(fits).is_some(), "code, title and status are not of the catalogue"),
        (["id", "detail"].iter().all(|name| text(name)), "an error has no id or no detail"),
        (error["links"]["about"].as_str() == about.as_deref(), "an error does not say where it is explained"),
        (error.get("meta").is_none_or(Json::is_object), "an error's meta is no object"),
        (error.get("source").is_none_or(|source| sent.has(source)), "the source was not sent"),
    ];
    checks.into_iter().filter(|(holds, _)| !holds).map(|(_, what)| what).collect()
}

impl Sent<'_> {
    /// One member, and what it names is a value of the request document, a parameter of the query, or the name of a header.
    fn has(&self, source: &Json) -> bool {
        let Some(members) = source.as_object().filter(|members| members.len() == 1) else { return false };
        let Some((kind, Json::String(place))) = members.iter().next() else { return false };
        match kind.as_str() {
            "pointer" => self.document.as_ref().is_some_and(|sent| sent.pointer(place).is_some()),
            "parameter" => match query::pairs(self.query) {
                Ok(pairs) => pairs.iter().any(|pair| pair.name == *place),
                Err(_) => true,
            },
            "header" => !place.is_empty() && place.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
            _ => false,
        }
    }
}
