//! The keys of `rulegate.yaml`: which there are, which this version lacks, and where those of a file stand.

use std::collections::HashMap;

use introspect::Problem;
use introspect::problem::{Place, did_you_mean};
use introspect::yaml::{Content, Node, Reader};

/// Whether a key does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// It does.
    Known,
    /// It is part of the contract, but what it sets is not in this version.
    Later,
}
use Key::{Known, Later};

/// All keys, by their path. What stands under a `Later` key is not looked at.
const KEYS: &[(&str, Key)] = &[
    ("api", Known),
    ("api.foreign_key_attributes", Known),
    ("api.include_depth", Known),
    ("api.numbers", Known),
    ("api.page_size", Known),
    ("api.page_size_max", Known),
    ("api.prefix", Known),
    ("api.totals", Known),
    ("auth", Later),
    ("database", Known),
    ("database.pool", Known),
    ("database.pool.acquire_timeout_ms", Known),
    ("database.pool.lock_timeout_ms", Known),
    ("database.pool.max", Known),
    ("database.pool.statement_timeout_ms", Known),
    ("database.pool.statements", Known),
    ("database.replicas", Later),
    ("database.tls", Later),
    ("database.url", Known),
    ("database.url_file", Known),
    ("limits", Known),
    ("limits.body_bytes", Known),
    ("limits.concurrent_requests", Known),
    ("limits.filter_terms", Known),
    ("limits.header_bytes", Known),
    ("limits.include_rows", Known),
    ("limits.json_depth", Known),
    ("limits.operations", Known),
    ("limits.request_timeout_ms", Known),
    ("limits.requests_per_second", Later),
    ("limits.transaction_rows", Known),
    ("limits.url_bytes", Known),
    ("optimistic_locking", Known),
    ("server", Known),
    ("server.admin_listen", Known),
    ("server.cors", Known),
    ("server.cors.origins", Known),
    ("server.listen", Known),
    ("server.public_url", Known),
    ("server.tls", Known),
    ("server.tls.cert_file", Known),
    ("server.tls.key_file", Known),
    ("trace", Known),
    ("trace.roles", Known),
    ("upstream", Later),
    ("writes", Known),
    ("writes.strict_derived", Known),
    ("writes.tries", Known),
];

/// The paths of all keys that do something, sorted.
#[cfg(test)]
pub(super) fn known() -> Vec<&'static str> {
    KEYS.iter().filter(|(_, key)| *key == Known).map(|(path, _)| *path).collect()
}

/// Where the keys of a file stand, by path.
pub(super) type Places = HashMap<String, Place>;

/// The keys of a file, or every one that is wrong.
pub(super) fn check(file: &str, tree: &Node) -> Result<Places, Vec<Problem>> {
    let mut reader = Reader::new(file);
    let mut places = Places::new();
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
            Some((_, Known)) => walk(value, &path, reader, places),
            Some((_, Later)) => {
                reader.problem(key.place, format!("`{path}` is not in this version: remove it"), None)
            }
            None => reader.problem(key.place, format!("there is no key `{path}`"), hint(&path)),
        }
        places.insert(path, key.place);
    }
}

/// Of the keys with the same parent; of all when none there is near.
fn hint(path: &str) -> Option<String> {
    let siblings = KEYS.iter().map(|(key, _)| *key).filter(|key| parent(key) == parent(path));
    did_you_mean(path, siblings).or_else(|| did_you_mean(path, KEYS.iter().map(|(key, _)| *key)))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}
