//! The Chinook sample database (not part of this repository): its scripts, and names that are equal on the three databases.
//!
//! It is looked for at `RULEGATE_SAMPLE_DATA`, then at `../shared/data` beside the workspace. PostgreSQL's names are
//! `playlist_track`, the others' `PlaylistTrack`: [`snake_case`] makes them one.

use std::path::PathBuf;

use dialects::Dialect;
use serde_json::Value as Json;

/// Where data for tests is that is not part of this repository, if it is there at all.
pub fn sample_data() -> PathBuf {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let named = std::env::var_os("RULEGATE_SAMPLE_DATA").map(PathBuf::from);
    named.unwrap_or_else(|| workspace.join("../shared/data"))
}

/// The folder with the scripts, where it exists.
pub fn folder() -> Option<PathBuf> {
    sample("chinook")
}

/// The folder of a sample database, where it exists.
pub fn sample(name: &str) -> Option<PathBuf> {
    let folder = sample_data().join(name);
    folder.is_dir().then_some(folder)
}

/// The script of a dialect, without what creates and chooses a database.
pub fn script(folder: &std::path::Path, dialect: Dialect) -> String {
    let name = match dialect {
        Dialect::Postgres => "postgres.sql",
        Dialect::Mysql => "mysql.sql",
        Dialect::Sqlite => "sqlite.sql",
    };
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let text = text.trim_start_matches('\u{feff}');
    let text = text.lines().filter(|line| !chooses_database(line)).collect::<Vec<_>>().join("\n");
    unlocalized(&text, dialect)
}

/// Without what makes the same script mean other data: `N'…'` loses trailing spaces on PostgreSQL, `NVARCHAR` has a character set of its
/// own on MariaDB, where a backslash in a text wants to be doubled.
fn unlocalized(text: &str, dialect: Dialect) -> String {
    let text = text.replace("NVARCHAR(", "VARCHAR(").replace(" N'", " '").replace("(N'", "('");
    if dialect == Dialect::Mysql { text.replace('\\', "\\\\") } else { text }
}

fn chooses_database(line: &str) -> bool {
    let line = line.trim_start();
    ["DROP DATABASE", "CREATE DATABASE", "USE ", "\\c"].iter().any(|word| line.starts_with(word))
}

/// `PlaylistTrack` → `playlist_track`; what is in that form already stays.
pub fn snake_case(name: &str) -> String {
    let mut spelled = String::new();
    let mut after_small = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && after_small {
            spelled.push('_');
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
        spelled.push(c.to_ascii_lowercase());
    }
    spelled
}

/// A document with the names of types, attributes and relationships in one spelling. Links and ETags go: they hold names
/// too, or follow from them.
pub fn with_one_spelling(document: &Json) -> Json {
    match document {
        Json::Object(members) => members
            .iter()
            .filter(|(name, _)| !["links", "etag", "meta"].contains(&name.as_str()))
            .map(|(name, value)| (snake_case(name), typed(name, value)))
            .collect(),
        Json::Array(items) => items.iter().map(with_one_spelling).collect(),
        value => value.clone(),
    }
}

fn typed(name: &str, value: &Json) -> Json {
    match (name, value) {
        ("type", Json::String(ty)) => snake_case(ty).into(),
        _ => with_one_spelling(value),
    }
}
