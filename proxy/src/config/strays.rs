//! A project folder → what in it looks as if it were read, and is not: `rulegate.yml`, `rules/old/a.yaml`.

use std::path::Path;

use super::{FILE, MODEL};

/// A sentence for each, in the order of their names.
pub(super) fn of(project: &Path) -> Vec<String> {
    let elsewhere = [
        ("rulegate.yml", FILE),
        ("model.yml", MODEL),
        ("rule", "rules"),
        ("rules.yaml", "rules/rules.yaml"),
        ("rules.yml", "rules/rules.yaml"),
    ];
    let named = elsewhere.iter().filter(|(name, _)| project.join(name).exists());
    let mut strays: Vec<String> =
        named.map(|(name, meant)| format!("{name} is not read: call it {meant}")).collect();
    strays.extend(in_rules(&project.join("rules")));
    strays
}

fn in_rules(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut strays: Vec<String> = entries.filter_map(|entry| stray(&entry.path())).collect();
    strays.sort();
    strays
}

/// What begins with a point is nobody's rule file: mounted volumes have folders of that kind.
fn stray(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str().filter(|name| !name.starts_with('.'))?;
    if path.is_dir() {
        return Some(format!("rules/{name}/ is not looked into: rule files stand in rules/ itself"));
    }
    let ending = path.extension()?.to_str()?;
    let meant = ["yaml", "yml", "json"].contains(&ending.to_ascii_lowercase().as_str());
    (meant && !["yaml", "yml"].contains(&ending))
        .then(|| format!("rules/{name} is not read: rule files end in .yaml or .yml"))
}
