//! A project folder → what in it looks as if it were read, and is not: `rulegate.yml`, `rules/old/a.yaml`, `policy/`.

use std::path::Path;

use super::{FILE, MODEL};
use crate::state::load::{ACCESS, RULES};

/// A sentence for each, in the order of their names.
pub(super) fn of(project: &Path) -> Vec<String> {
    let elsewhere = [
        ("rulegate.yml", FILE),
        ("model.yml", MODEL),
        ("rule", "rules"),
        ("rules.yaml", "rules/rules.yaml"),
        ("rules.yml", "rules/rules.yaml"),
        ("access.yaml", "access/access.yaml"),
        ("access.yml", "access/access.yaml"),
        ("policy", "access"),
        ("policies", "access"),
    ];
    let named = elsewhere.iter().filter(|(name, _)| project.join(name).exists());
    let mut strays: Vec<String> =
        named.map(|(name, meant)| format!("`{name}` is not read: call it `{meant}`")).collect();
    strays.extend(
        [(RULES, "rule"), (ACCESS, "access")]
            .into_iter()
            .flat_map(|(name, kind)| within(project, name, kind)),
    );
    strays
}

fn within(project: &Path, folder: &str, kind: &str) -> Vec<String> {
    let entries = project.join(folder).read_dir().into_iter().flatten().flatten();
    let mut strays: Vec<String> = entries.filter_map(|entry| stray(&entry.path(), folder, kind)).collect();
    strays.sort();
    strays
}

/// What begins with a point is nobody's rule file: mounted volumes have folders of that kind.
fn stray(path: &Path, folder: &str, kind: &str) -> Option<String> {
    let name = path.file_name()?.to_str().filter(|name| !name.starts_with('.'))?;
    if path.is_dir() {
        return Some(format!("{folder}/{name}/ is not looked into: {kind} files stand in {folder}/ itself"));
    }
    let ending = path.extension()?.to_str()?;
    let meant = ["yaml", "yml", "json"].contains(&ending.to_ascii_lowercase().as_str());
    (meant && !["yaml", "yml"].contains(&ending))
        .then(|| format!("{folder}/{name} is not read: {kind} files end in .yaml or .yml"))
}
