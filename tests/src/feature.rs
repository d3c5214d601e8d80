//! Feature files: a schema, its rules and what must come of them, readable by whoever knows the business.
//!
//! A family is a folder under `tests/features` with `schema.sql`, `rules.yaml` and `*.feature` files; its README lists the steps. Every
//! scenario begins with an empty database and runs on PostgreSQL, MariaDB and SQLite.

mod steps;

use std::path::{Path, PathBuf};

use dialects::Dialect;
use gherkin::{Feature, GherkinEnv, Scenario};

use crate::database::{ALL, Database};
use crate::service::Service;
use crate::shop::spelled;
use steps::Play;

/// The folder of all families.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("features")
}

/// Plays every scenario of a family on every database.
pub async fn run(family: &str) {
    let folder = folder().join(family);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let (schema, rules) = (read("schema.sql"), read("rules.yaml"));
    let features = features(&folder);
    assert!(!features.is_empty(), "{family} has no feature file");
    for dialect in ALL {
        let service = serve(dialect, &schema, &rules).await;
        for (file, feature) in &features {
            assert!(!feature.scenarios.is_empty(), "{file} has no scenario");
            for scenario in &feature.scenarios {
                println!("{family}/{file}: {}, on {dialect:?}", scenario.name);
                service.database.execute(&emptied(&schema)).await;
                play(&service, file, feature, scenario).await;
            }
        }
    }
}

/// What empties all tables: each refers only to those made before it.
fn emptied(schema: &str) -> String {
    let names = schema.lines().filter_map(|line| line.strip_prefix("create table ")?.split(' ').next());
    let mut deletes: Vec<String> = names.map(|name| format!("delete from {name};")).collect();
    deletes.reverse();
    deletes.concat()
}

/// The feature files of a folder, by name.
pub fn features(folder: &Path) -> Vec<(String, Feature)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "feature")).collect();
    paths.sort();
    let parsed = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let feature = Feature::parse_path(&path, GherkinEnv::default());
        (name.clone(), feature.unwrap_or_else(|error| panic!("{name}: {error}")))
    };
    paths.into_iter().map(parsed).collect()
}

async fn serve(dialect: Dialect, schema: &str, rules: &str) -> Service {
    let database = Database::create(dialect).await;
    database.execute(&spelled(schema, dialect)).await;
    Service::serve(database, &[("rules.yaml", rules)]).await
}

async fn play(service: &Service, file: &str, feature: &Feature, scenario: &Scenario) {
    let mut play = Play::new(service);
    let before = feature.background.iter().flat_map(|background| &background.steps);
    for step in before.chain(&scenario.steps) {
        if let Err(wrong) = play.step(step).await {
            panic!("{file}:{}: {}{}: {wrong}", step.position.line, step.keyword, step.value);
        }
    }
    if let Err(wrong) = play.accepted() {
        panic!("{file}: {}, at its end: {wrong}", scenario.name);
    }
}
