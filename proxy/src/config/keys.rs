//! The keys of `rulegate.yaml`: which there are, and where those of a file stand.

use std::collections::HashMap;

use introspect::Problem;
use introspect::problem::{Place, did_you_mean};
use introspect::yaml::{Content, Node, Reader};

use crate::auth::Algorithm;

/// What stands behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// Keys of its own.
    Keys,
    /// A whole number.
    Whole,
    /// A number, which may have a fraction.
    Number,
    /// True or false.
    Flag,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// A list of these.
    Words(&'static [&'static str]),
    /// One of these.
    Word(&'static [&'static str]),
}
use Key::{Flag, Keys, Number, Text, Texts, Whole, Word, Words};

/// All keys, by their path.
const KEYS: &[(&str, Key)] = &[
    ("api", Keys),
    ("api.foreign_key_attributes", Flag),
    ("api.include_depth", Whole),
    ("api.numbers", Word(&["safe", "number", "string"])),
    ("api.page_size", Whole),
    ("api.page_size_max", Whole),
    ("api.prefix", Text),
    ("api.server_timing", Flag),
    ("api.totals", Word(&["on_request", "exact"])),
    ("auth", Keys),
    ("auth.anonymous_role", Text),
    ("auth.jwt", Keys),
    ("auth.jwt.algorithms", Words(Algorithm::NAMES)),
    ("auth.jwt.audience", Texts),
    ("auth.jwt.issuer", Text),
    ("auth.jwt.jwks_url", Text),
    ("auth.jwt.leeway_s", Whole),
    ("auth.jwt.public_key_file", Text),
    ("auth.jwt.roles_claim", Text),
    ("auth.jwt.secret_env", Text),
    ("auth.jwt.secret_file", Text),
    ("database", Keys),
    ("database.pool", Keys),
    ("database.pool.acquire_timeout_ms", Whole),
    ("database.pool.lock_timeout_ms", Whole),
    ("database.pool.max", Whole),
    ("database.pool.statement_timeout_ms", Whole),
    ("database.pool.statements", Word(&["cached", "unnamed"])),
    ("database.replicas", Texts),
    ("database.replicas_file", Text),
    ("database.tls", Keys),
    ("database.tls.ca_file", Text),
    ("database.tls.cert_file", Text),
    ("database.tls.key_file", Text),
    ("database.tls.mode", Word(&["disable", "prefer", "require", "verify-ca", "verify-full"])),
    ("database.url", Text),
    ("database.url_file", Text),
    ("limits", Keys),
    ("limits.body_bytes", Whole),
    ("limits.concurrent_exports", Whole),
    ("limits.concurrent_requests", Whole),
    ("limits.filter_terms", Whole),
    ("limits.header_bytes", Whole),
    ("limits.include_rows", Whole),
    ("limits.json_depth", Whole),
    ("limits.operations", Whole),
    ("limits.request_timeout_ms", Whole),
    ("limits.requests_per_second", Whole),
    ("limits.transaction_rows", Whole),
    ("limits.url_bytes", Whole),
    ("log", Keys),
    ("log.slow_statement_ms", Whole),
    ("optimistic_locking", Word(&["off", "optional", "required"])),
    ("server", Keys),
    ("server.admin_listen", Text),
    ("server.cors", Keys),
    ("server.cors.origins", Texts),
    ("server.drain_ms", Whole),
    ("server.listen", Text),
    ("server.public_url", Text),
    ("server.reload_token_file", Text),
    ("server.reuse_port", Flag),
    ("server.tls", Keys),
    ("server.tls.cert_file", Text),
    ("server.tls.key_file", Text),
    ("trace", Keys),
    ("trace.roles", Texts),
    ("tracing", Keys),
    ("tracing.endpoint", Text),
    ("tracing.headers_file", Text),
    ("tracing.ratio", Number),
    ("tracing.service_name", Text),
    ("upstream", Keys),
    ("upstream.header", Text),
    ("upstream.secret_file", Text),
    ("upstream.ttl_s", Whole),
    ("upstream.url", Text),
    ("writes", Keys),
    ("writes.strict_derived", Flag),
    ("writes.tries", Whole),
];

/// The paths of all keys, sorted.
#[cfg(test)]
pub(super) fn known() -> Vec<&'static str> {
    KEYS.iter().map(|(path, _)| *path).collect()
}

/// Where the keys of a file stand, by path.
pub(super) type Places = HashMap<String, Place>;

/// The keys of a file, or every one that is wrong.
pub(super) fn check(file: &str, tree: &Node) -> Result<Places, Vec<Problem>> {
    let mut reader = Reader::new(file);
    let mut places = Places::new();
    if !matches!(tree.content, Content::Map(_)) {
        reader.problem(tree.place, "keys with values are needed here", Some(below("")));
    }
    walk(tree, "", &mut reader, &mut places);
    match reader.problems.is_empty() {
        true => Ok(places),
        false => Err(reader.problems),
    }
}

fn walk(node: &Node, parent: &str, reader: &mut Reader, places: &mut Places) {
    let Content::Map(entries) = &node.content else { return };
    for (key, value) in entries {
        let path = if parent.is_empty() { key.text.clone() } else { format!("{parent}.{}", key.text) };
        match KEYS.iter().find(|(known, _)| *known == path) {
            Some((_, kind)) => {
                if let Some((message, hint)) = misfit(&path, *kind, &value.content) {
                    reader.problem(value.place, message, hint);
                }
                walk(value, &path, reader, places);
            }
            None => reader.problem(key.place, format!("there is no key `{path}`"), hint(&path)),
        }
        places.insert(path, key.place);
    }
}

/// What is wrong with the value of a key, and what to write; nothing sets nothing.
fn misfit(path: &str, kind: Key, value: &Content) -> Option<(String, Option<String>)> {
    let spelled = match value {
        Content::Text(text) | Content::Number(text) | Content::Bool(_, text) => text.as_str(),
        _ => "",
    };
    let cannot_be = format!("cannot be `{spelled}`");
    let (fits, wanted, example) = match kind {
        _ if *value == Content::Null => return None,
        Keys => (matches!(value, Content::Map(_)), "must hold keys of its own", below(path)),
        Whole => {
            let example = "digits alone, without a unit: 1000".to_owned();
            (spelled.parse::<u32>().is_ok(), "must be a whole number up to 4294967295", example)
        }
        Number => {
            let number =
                matches!(value, Content::Number(_)) && spelled.parse::<f64>().is_ok_and(f64::is_finite);
            (number, "must be a number", "0.1".to_owned())
        }
        Flag => (matches!(value, Content::Bool(..)), "must be true or false", String::new()),
        Text => {
            (!spelled.is_empty() || *value == Content::Text(String::new()), "must be a text", String::new())
        }
        Texts => {
            let texts = matches!(value, Content::List(items) if items.iter().all(|i| matches!(i.content, Content::Text(_))));
            // The value is not repeated: a replica's URL has a password.
            (texts, "must be a list of texts", "write it in brackets: [one, another]".to_owned())
        }
        Words(words) => {
            let Content::List(items) = value else {
                return Some((format!("`{path}` must be a list"), Some(format!("write [{spelled}]"))));
            };
            let wrong = |item: &&Node| !matches!(&item.content, Content::Text(text) if words.contains(&text.as_str()));
            let wrong = items.iter().find(wrong)?;
            return misfit(path, Word(words), &wrong.content)
                .map(|(message, hint)| (message.replace("cannot be", "cannot have"), hint));
        }
        Word(words) => {
            let there_are = format!("there are: {}", words.join(", "));
            let hint = did_you_mean(spelled, words.iter().copied()).unwrap_or(there_are);
            (words.contains(&spelled), cannot_be.as_str(), hint)
        }
    };
    (!fits).then(|| (format!("`{path}` {wanted}"), Some(example).filter(|hint| !hint.is_empty())))
}

/// The keys below one.
fn below(path: &str) -> String {
    let keys = KEYS.iter().map(|(key, _)| *key).filter(|key| parent(key) == path);
    let names: Vec<&str> = keys.map(|key| key.rsplit('.').next().unwrap_or(key)).collect();
    format!("there are: {}", names.join(", "))
}

/// Of the keys with the same parent; of all when none there is near.
fn hint(path: &str) -> Option<String> {
    let siblings = KEYS.iter().map(|(key, _)| *key).filter(|key| parent(key) == parent(path));
    did_you_mean(path, siblings).or_else(|| did_you_mean(path, KEYS.iter().map(|(key, _)| *key)))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}
