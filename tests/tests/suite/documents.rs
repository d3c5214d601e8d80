//! The pages that say what is tested: the tests that they name exist.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use tests::feature::{features, folder};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(name: &str) -> String {
    std::fs::read_to_string(workspace().join("docs").join(name)).unwrap()
}

/// The cells of a page's table, row by row, its head first.
fn table(page: &str) -> Vec<Vec<&str>> {
    let lines = page.lines().filter(|line| line.starts_with('|') && !line.starts_with("| ---"));
    lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// The functions of all tests.
fn functions() -> HashSet<String> {
    let mut found = HashSet::new();
    let mut folders: Vec<PathBuf> =
        ["tests/tests", "proxy/src", "rules/src", "dialects/tests"].map(|path| workspace().join(path)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(path).unwrap();
                let names = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
                found.extend(names.map(str::to_owned));
            }
        }
    }
    found
}

/// What stands in backticks and is no single word: the name of a test.
fn tests_named(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 1).collect()
}

/// What stands between these quotes: the name of a scenario.
fn scenarios_named(text: &str) -> Vec<&str> {
    text.split('“').skip(1).filter_map(|rest| rest.split('”').next()).filter(|name| *name != "…").collect()
}

#[test]
fn every_scenario_that_a_page_names_exists() {
    let families = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let played: HashSet<String> = families
        .filter(|path| path.is_dir())
        .flat_map(|path| features(&path))
        .flat_map(|(_, feature)| feature.scenarios)
        .map(|scenario| scenario.name)
        .collect();
    for name in scenarios_named(&page("rules-tested.md")) {
        assert!(played.contains(name), "there is no scenario {name}");
    }
}

#[test]
fn every_test_that_a_page_names_exists() {
    let functions = functions();
    for name in ["rules-tested.md", "hazards.md"] {
        let page = page(name);
        let named = tests_named(&page);
        assert!(named.len() > 5, "{name}");
        for test in named {
            assert!(functions.contains(test), "{name}: there is no test {test}");
        }
    }
}

/// The names and files of the tests that a text links to.
fn tests_linked(text: &str) -> Vec<(&str, &str)> {
    let links = text
        .split("[`")
        .skip(1)
        .filter_map(|rest| rest.split_once("`](")?.1.split_once(')').map(|(file, _)| (rest, file)));
    links.map(|(rest, file)| (rest.split('`').next().unwrap(), file)).collect()
}

/// Whether a file has a test of this name.
fn tests(file: &str, name: &str) -> bool {
    let text = std::fs::read_to_string(workspace().join("docs").join(file)).unwrap_or_default();
    let before = text
        .split_once(&format!("fn {name}("))
        .map(|(before, _)| before.trim_end_matches("async ").trim_end());
    before.and_then(|before| before.lines().last()).is_some_and(|line| line.contains("test"))
}

#[test]
fn every_statement_of_the_specification_has_a_number_and_tests_that_exist() {
    let page = page("conformance.md");
    let rows: Vec<Vec<&str>> =
        table(&page).into_iter().filter(|row| row[0].parse::<usize>().is_ok()).collect();
    assert!(rows.len() > 150, "{}", rows.len());
    for (n, row) in rows.iter().enumerate() {
        assert_eq!((row[0], row.len()), (&*(n + 1).to_string(), 5));
        assert!(row[1].starts_with("`#") && ["must", "should"].contains(&row[2]), "{row:?}");
        assert!(!tests_linked(row[4]).is_empty(), "{row:?} has no test");
    }
    for (name, file) in tests_linked(&page) {
        assert!(tests(file, name), "there is no test {name} in {file}");
    }
}

#[test]
fn every_scenario_of_an_event_is_ticked_and_every_tick_is_a_scenario() {
    let page = page("rules-tested.md");
    let rows = table(&page);
    let (head, rows) = rows.split_first().unwrap();
    let features = features(&folder().join("events"));
    for (file, feature) in &features {
        let row = rows.iter().find(|row| row[0].contains(&format!("events/{file}"))).expect(file);
        let ticked = head.iter().zip(row).filter(|(_, cell)| **cell == "✓").map(|(event, _)| *event);
        let played: Vec<&str> = feature.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
        assert_eq!(ticked.collect::<Vec<_>>(), played, "{file}");
    }
    for row in rows {
        assert_eq!(row.len(), head.len(), "{}", row[0]);
        let told = |cell: &&str| {
            ["✓", "—"].contains(cell) || !tests_named(cell).is_empty() || !scenarios_named(cell).is_empty()
        };
        assert!(row[1..].iter().all(told), "{}", row[0]);
        assert!(row[0].contains("events/") || !row.contains(&"✓"), "{} has no feature file", row[0]);
    }
}
