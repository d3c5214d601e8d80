//! Whoever is woken by an alert finds what to do under its name.

use super::read;

#[test]
fn the_runbook_has_a_section_for_each_alert_and_no_other_in_the_same_order() {
    let sections: Vec<String> = after(&read("docs/runbook.md"), "## ").collect();
    let alerts: Vec<String> = after(&read("helm/rulegate/files/alerts.yaml"), "- alert: ").collect();
    assert!(alerts.len() > 10, "the alerts are not found: {alerts:?}");
    assert_eq!(sections, alerts);
}

#[test]
fn each_alert_names_its_section() {
    let alerts = read("helm/rulegate/files/alerts.yaml");
    let named: Vec<String> = after(&alerts, "runbook: docs/runbook.md#").collect();
    let anchors: Vec<String> = after(&alerts, "- alert: ").map(|name| name.to_lowercase()).collect();
    assert_eq!(named, anchors);
}

#[test]
fn each_section_says_what_an_alert_means_where_to_look_and_what_to_do() {
    let page = read("docs/runbook.md");
    for section in page.split("\n## ").skip(1) {
        for word in ["**Means**: ", "**Look**: ", "**Do**: "] {
            assert!(section.contains(&format!("\n{word}")), "{word} is missing in {section}");
        }
    }
}

#[test]
fn the_panels_that_the_runbook_names_are_in_the_dashboard() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("helm/rulegate/files/dashboard.json")).unwrap();
    let titles: Vec<&str> = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|panel| panel["title"].as_str().unwrap())
        .collect();
    let page = read("docs/runbook.md").replace("**", "");
    let named: Vec<&str> = page.split('*').skip(1).step_by(2).filter(|name| *name != "Targets").collect();
    assert!(named.len() > 5, "the panels are not found: {named:?}");
    for name in named {
        assert!(titles.iter().any(|title| title.starts_with(name)), "there is no panel *{name}*: {titles:?}");
    }
}

/// What stands behind `prefix` in the lines that begin with it.
fn after(text: &str, prefix: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(move |line| line.trim_start().strip_prefix(prefix)).map(str::to_owned)
}
