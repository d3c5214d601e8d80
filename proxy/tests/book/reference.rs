//! The pages of `docs/reference/` are written from the code: commands from the command line's own definition, settings from their JSON
//! Schema, metrics from what is registered. `UPDATE_GOLDEN=1` writes them. (Error codes: `proxy/src/error.rs`; the chart's values:
//! `deploy/ci/chart_values.py`.)

use std::fmt::Write as _;

use clap::{Arg, Command};
use proxy::config::{Config, Given, JSON_SCHEMA};
use proxy::observe::Metrics;
use serde_json::Value as Json;

use super::repository;

#[test]
fn the_reference_of_commands_is_what_the_command_line_is() {
    let mut page = String::from(
        "# Commands\n\nA flag beats its environment variable, that beats `rulegate.yaml`. Exit codes: 0 \
         fine, 1 problems\nfound, 2 usage (`verify`: 2 for every error, so that 1 means that rows differ). What the commands are for, and files and \
         logs:\n[Commands and configuration](../configuration.md).\n\nThis page is written from the definition of the command line.\n",
    );
    let mut root = proxy::cli::command();
    root.build();
    section(&mut page, &root, "Of every command", |argument| argument.is_global_set());
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        let title = format!("rulegate {}", command.get_name());
        section(&mut page, command, &title, |argument| !argument.is_global_set());
    }
    holds("docs/reference/commands.md", &page);
}

fn section(page: &mut String, command: &Command, title: &str, wanted: impl Fn(&Arg) -> bool) {
    writeln!(page, "\n## {title}").unwrap();
    if title.starts_with("rulegate ") {
        let about = command.get_long_about().or(command.get_about()).unwrap().to_string();
        writeln!(page, "\n{}", about.trim_end_matches('.').to_owned() + ".").unwrap();
    }
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|it| !["help", "version"].contains(&it.get_id().as_str()) && wanted(it))
        .collect();
    if !arguments.is_empty() {
        page.push_str("\n| flag | environment | default | |\n| --- | --- | --- | --- |\n");
    }
    for argument in arguments {
        writeln!(page, "{}", row(argument)).unwrap();
    }
}

fn row(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help()).unwrap().to_string();
    let choices: Vec<String> = argument
        .get_possible_values()
        .iter()
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({help})", value.get_name()),
            None => format!("`{}`", value.get_name()),
        })
        .filter(|choice| choice != "`true`" && choice != "`false`")
        .collect();
    let choices = if choices.is_empty() { String::new() } else { format!(". {}", choices.join(", ")) };
    let environment = argument.get_env().map(|name| code(&name.to_string_lossy())).unwrap_or_default();
    let defaults = argument.get_default_values().iter().map(|value| code(&value.to_string_lossy()));
    let default = defaults.filter(|text| text != "`false`").collect::<Vec<_>>().join(", ");
    format!("| {} | {environment} | {default} | {} |", code(&shape(argument)), cell(&(help + &choices)))
}

/// `--project DIR`, `--strict`, `SHELL`.
fn shape(argument: &Arg) -> String {
    let names: Vec<&str> =
        argument.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
    let takes = argument.get_action().takes_values();
    match argument.get_long() {
        Some(long) if takes => format!("--{long} {}", names.join(" ")),
        Some(long) => format!("--{long}"),
        None => names.join(" "),
    }
}

#[test]
fn the_reference_of_settings_is_what_their_schema_is() {
    let mut page = String::from(
        "# Settings\n\nThe keys of `rulegate.yaml`, every one optional; unknown ones are refused with their place. As one file with its defaults, \
         and how it is read again:\n[Commands and configuration](../configuration.md#the-project-folder). Files are relative to the project \
         folder.\n\nThis page is written from the JSON Schema that `rulegate schema config` prints.\n\n| key | values | default | |\n\
         | --- | --- | --- | --- |\n",
    );
    for (path, key) in settings() {
        let default =
            if key["default"].is_null() { String::new() } else { code(&key["default"].to_string()) };
        let about = key["description"].as_str().unwrap_or_else(|| panic!("{path} is not described"));
        writeln!(page, "| `{path}` | {} | {default} | {} |", values(&key), cell(about)).unwrap();
    }
    holds("docs/reference/settings.md", &page);
}

/// Every key that is no section, with its schema.
fn settings() -> Vec<(String, Json)> {
    fn below(schema: &Json, path: &str, found: &mut Vec<(String, Json)>) {
        for (name, inner) in schema["properties"].as_object().unwrap() {
            let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if inner["properties"].is_null() {
                found.push((here, inner.clone()));
            } else {
                below(inner, &here, found);
            }
        }
    }
    let mut found = Vec::new();
    below(&serde_json::from_str(JSON_SCHEMA).unwrap(), "", &mut found);
    found
}

fn values(key: &Json) -> String {
    let words = |list: &Json| {
        list.as_array().map(|words| words.iter().map(|word| code(word.as_str().unwrap())).collect::<Vec<_>>())
    };
    if let Some(words) = words(&key["enum"]) {
        return words.join(", ");
    }
    if let Some(words) = words(&key["items"]["enum"]) {
        return format!("a list of {}", words.join(", "));
    }
    let bounds = match (key["minimum"].as_i64(), key["maximum"].as_i64()) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", {least} at least"),
        _ => String::new(),
    };
    match &key["type"] {
        Json::String(kind) if kind == "array" => "a list of texts".to_owned(),
        Json::String(kind) if kind == "boolean" => "`true`, `false`".to_owned(),
        Json::String(kind) if kind == "integer" => format!("a whole number{bounds}"),
        _ => "a text".to_owned(),
    }
}

/// A project whose file says every default is the project without it.
#[test]
fn the_defaults_of_the_schema_are_those_of_the_code() {
    let needed = "auth.jwt.secret_env: X\nupstream.url: http://127.0.0.1:1\n";
    let defaults: String = settings()
        .iter()
        .filter(|(_, key)| !key["default"].is_null())
        .map(|(path, key)| format!("{path}: {}\n", key["default"]))
        .collect();
    assert!(defaults.lines().count() > 30, "{defaults}");
    assert_eq!(meant(&format!("{needed}{defaults}")), meant(needed));
    let other = defaults.replace("api.page_size: 20\n", "api.page_size: 21\n");
    assert_ne!(
        meant(&format!("{needed}{other}")),
        meant(needed),
        "what is compared does not tell settings apart"
    );
}

/// Lines of `path: value` → what is read of them as `rulegate.yaml`.
fn meant(lines: &str) -> String {
    let mut file = Json::Object(serde_json::Map::new());
    for (path, value) in lines.lines().map(|line| line.split_once(": ").unwrap()) {
        let place = path.split('.').fold(&mut file, |place, name| &mut place[name]);
        *place = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    }
    let folder = std::env::temp_dir().join(format!(
        "rulegate-settings-{}-{:x}",
        std::process::id(),
        fastrand::u64(..)
    ));
    std::fs::create_dir(&folder).unwrap();
    // JSON is YAML.
    std::fs::write(folder.join("rulegate.yaml"), file.to_string()).unwrap();
    let given = Given {
        project: Some(folder.clone()),
        database_url: Some("sqlite::memory:".to_owned().into()),
        ..Given::default()
    };
    let config = Config::load(given).unwrap_or_else(|error| panic!("{error}"));
    std::fs::remove_dir_all(&folder).unwrap();
    format!("{config:#?}").replace(&*folder.to_string_lossy(), "PROJECT")
}

#[test]
fn the_reference_of_metrics_is_what_is_registered() {
    let mut page = String::from(
        "# Metrics\n\n`GET /metrics` at the admin listener, in the text format of Prometheus. Names are part of [the promise](../stability.md). \
         No label has more values than\nthere are resources, rules, operations or codes: none holds what a client sent. What they are good for is in \
         [the runbook](../runbook.md).\n\nThis page is written from what is registered.\n\n| metric | type | labels | |\n| --- | --- | --- | --- |\n",
    );
    for metric in Metrics::new().unwrap().described() {
        let labels: Vec<String> = metric.labels.iter().map(|label| code(label)).collect();
        writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            metric.name,
            metric.kind,
            labels.join(", "),
            cell(&metric.help)
        )
        .unwrap();
    }
    holds("docs/reference/metrics.md", &page);
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Text that stands in one cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}

fn holds(path: &str, page: &str) {
    let file = repository(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(written, page, "UPDATE_GOLDEN=1 rewrites {path}");
}
