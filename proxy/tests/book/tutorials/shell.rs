//! Runs blocks one after the other in one shell, as a reader would in a terminal, and keeps apart what each of them prints.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::folder::Folder;
use super::super::repository;

/// Programs that the tutorials use and that a machine may lack.
const PROGRAMS: &[&str] = &["curl", "helm", "openssl", "python3", "sqlite3"];
/// Where the pages say that servers listen.
const PAGES: [&str; 2] = ["127.0.0.1:8080", "127.0.0.1:9090"];
/// For all blocks of a page together.
const SECONDS: &str = "120";
/// Behind a block that starts a server: a reader is slower than it is.
const WAIT: &str =
    "for try in $(seq 200); do rulegate healthcheck >/dev/null 2>&1 && break; sleep 0.05; done\n";

/// A program that the text uses and that is not here. Where the machine was set up for the tests, all must be.
pub(super) fn missing(text: &str) -> Option<&'static str> {
    let used = |name: &&&str| {
        text.split(|c: char| !c.is_alphanumeric() && c != '/' && c != '.').any(|word| word == **name)
    };
    let absent = PROGRAMS.iter().filter(used).find(|name| !found(name))?;
    assert!(
        std::env::var_os("RULEGATE_TEST_CLIENTS").is_none(),
        "{absent} is not here: `make test` installs what the tutorials use"
    );
    Some(absent)
}

fn found(name: &str) -> bool {
    std::env::split_paths(&path()).any(|folder| folder.join(name).is_file())
}

/// What the blocks printed, as far as it came, and the exit code.
pub(super) fn run(blocks: &[&str]) -> (Vec<String>, Option<i32>) {
    let folder = Folder::new();
    let servers = addresses();
    let script = folder.0.join("script");
    std::fs::write(&script, written(blocks, &folder.0, &servers)).unwrap();
    let mut shell = Command::new("timeout");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RULEGATE_")) {
        shell.env_remove(name);
    }
    let status = shell
        .args([SECONDS, "bash"])
        .arg(&script)
        .env("PATH", path())
        .env("RULEGATE_SOURCE", repository("").canonicalize().unwrap())
        .env("RULEGATE_LISTEN", &servers[0])
        .env("RULEGATE_ADMIN_LISTEN", &servers[1])
        .stdin(Stdio::null())
        .status()
        .unwrap();
    let answers = (0..blocks.len()).map_while(|number| {
        let text = std::fs::read_to_string(folder.0.join(format!("answer.{number}"))).ok()?;
        Some(renamed(&text, &servers, &PAGES))
    });
    (answers.collect(), status.code())
}

/// The script: each block prints into a file of its own; the first that fails ends it, and no server outlives it.
fn written(blocks: &[&str], folder: &Path, servers: &[String; 2]) -> String {
    let folder = folder.display();
    let mut script = format!(
        "set -e\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\nmkdir {folder}/work\ncd {folder}/work\n"
    );
    for (number, block) in blocks.iter().enumerate() {
        let block = renamed(block, &PAGES, servers);
        write!(script, "exec >{folder}/answer.{number} 2>&1\n{block}").unwrap();
        if block.trim_end().ends_with('&') {
            script.push_str(WAIT);
        }
    }
    script
}

fn renamed(text: &str, from: &[impl AsRef<str>; 2], to: &[impl AsRef<str>; 2]) -> String {
    text.replace(from[0].as_ref(), to[0].as_ref()).replace(from[1].as_ref(), to[1].as_ref())
}

/// Two addresses that are free. Another program could take them before they are used, which would fail loudly.
fn addresses() -> [String; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().to_string())
}

/// The binary of this build comes first, and Helm is where `deploy/setup/helm.sh` brings it.
fn path() -> std::ffi::OsString {
    let own = Path::new(env!("CARGO_BIN_EXE_rulegate")).parent().unwrap().to_owned();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let every = [own, repository("target/chart/bin")].into_iter().chain(std::env::split_paths(&paths));
    std::env::join_paths(every).unwrap()
}
