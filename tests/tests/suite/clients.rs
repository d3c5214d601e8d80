//! Clients, tools and a browser that nobody here wrote, as they are published, against a running server.
//!
//! `make test` installs them (deploy/setup/clients.sh) and says so in `RULEGATE_TEST_CLIENTS`; without that, a case whose client is missing
//! tells so and passes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use proxy::server::Settings;
use tests::database::{ALL, Database};
use tests::server::Server;
use tests::shop::SHOP;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

fn python() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients/python")
}

fn installed() -> bool {
    let there = folder().join("node_modules").is_dir() && python().is_dir();
    assert!(there || std::env::var_os("RULEGATE_TEST_CLIENTS").is_none(), "the clients are not installed");
    if !there {
        println!("skipped: the clients are not installed (make test does)");
    }
    there
}

/// The shop in a database, served.
async fn serve(dialect: dialects::Dialect) -> (Database, Server) {
    let database = Database::create(dialect).await;
    database.execute(&(SHOP.sql)(dialect)).await;
    let server = Server::start(&database, SHOP, Settings::default()).await;
    (database, server)
}

/// Runs a program to its end, beside the server.
async fn run(mut command: Command) -> Output {
    command.current_dir(python()).env("PYTHONPATH", python()).env("PYTHONDONTWRITEBYTECODE", "1");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn check(what: &str, output: &Output) {
    let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
    println!("{what}\n{}", said(&output.stdout));
    assert!(output.status.success(), "{what}\n{}\n{}", said(&output.stdout), said(&output.stderr));
}

fn scripts() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder().join("clients")).unwrap();
    let mut scripts: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    scripts
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_others_list_page_filter_include_create_change_and_remove() {
    if !installed() {
        return;
    }
    for dialect in ALL {
        for script in scripts() {
            let (_database, server) = serve(dialect).await;
            let interpreter = if script.extension().is_some_and(|e| e == "py") { "python3" } else { "node" };
            let mut command = Command::new(interpreter);
            command.arg(&script).arg(format!("http://{}/api", server.address));
            check(&format!("{dialect:?}: {}", script.display()), &run(command).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_is_valid() {
    if !installed() {
        return;
    }
    for dialect in ALL {
        let (_database, server) = serve(dialect).await;
        let file = std::env::temp_dir().join(format!("rulegate-openapi-{}.json", server.address.port()));
        std::fs::write(&file, server.ask("GET /openapi.json", &[]).await.body).unwrap();
        let mut validator = Command::new("python3");
        validator.args(["-m", "openapi_spec_validator"]).arg(&file);
        check("openapi-spec-validator", &run(validator).await);
        std::fs::remove_file(file).unwrap();
    }
}

/// With a few examples on PostgreSQL; in the soak with many, on every database.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_is_as_the_openapi_document_says() {
    if installed() {
        hold_to_its_document(dialects::Dialect::Postgres).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_from_mysql_is_as_the_openapi_document_says() {
    if installed() && soak() {
        hold_to_its_document(dialects::Dialect::Mysql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_from_sqlite_is_as_the_openapi_document_says() {
    if installed() && soak() {
        hold_to_its_document(dialects::Dialect::Sqlite).await;
    }
}

fn soak() -> bool {
    std::env::var_os("RULEGATE_SOAK").is_some()
}

/// Lets schemathesis ask for all that `/openapi.json` tells of, each operation with a few examples, in a soak with 200.
async fn hold_to_its_document(dialect: dialects::Dialect) {
    let (_database, server) = serve(dialect).await;
    let mut schemathesis = Command::new("python3");
    schemathesis.args(["-m", "schemathesis.cli", "run", "--no-color", "--seed", "2026", "--checks", CHECKS]);
    schemathesis.args(["--max-examples", if soak() { "200" } else { "4" }, "--request-timeout", "30"]);
    schemathesis.arg(format!("http://{}/openapi.json", server.address));
    check(&format!("{dialect:?}: schemathesis"), &run(schemathesis).await);
}

/// What an answer has to be: never our fault, and as the document says. (What is refused is the business of other tests: a schema cannot
/// say which ids exist or what rules allow.)
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
    response_schema_conformance,allow_header_conformance";

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_documentation_works_in_a_browser() {
    if !installed() {
        return;
    }
    let (_database, server) = serve(dialects::Dialect::Sqlite).await;
    let mut command = Command::new("node");
    command.arg(folder().join("docs_page.mjs")).arg(format!("http://{}", server.address));
    check("docs_page.mjs", &run(command).await);
}
