//! One process of the product.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::caller::{Caller, Service};
use super::folder::Folder;
use crate::private::is_root;
use crate::server::{PATIENCE, Reply};

/// How often it is asked for what is awaited.
const LOOK: Duration = Duration::from_millis(10);

/// How it is started.
#[derive(Clone, Debug)]
pub struct Start {
    /// The program.
    pub program: PathBuf,
    /// The project folder.
    pub project: PathBuf,
    /// The database.
    pub database: String,
    /// Where the API listens.
    pub api: SocketAddr,
    /// Where health and metrics listen.
    pub admin: SocketAddr,
    /// How many descriptors it may have.
    pub descriptors: Option<u32>,
    /// Whether it has no more rights than the files' modes give it, even where we are root.
    pub confined: bool,
    /// Further arguments.
    pub arguments: Vec<String>,
}

/// A process that runs; ended with the test.
pub struct Process {
    child: Child,
    log: PathBuf,
    /// Where health and metrics listen.
    pub admin: SocketAddr,
}

impl Start {
    /// `serve`, at addresses of its own.
    pub fn new(program: &str, project: &Folder, database: &str) -> Self {
        Self {
            program: program.into(),
            project: project.path().to_owned(),
            database: database.to_owned(),
            api: super::address(),
            admin: super::address(),
            descriptors: None,
            confined: false,
            arguments: Vec::new(),
        }
    }

    /// Starts it, and does not wait.
    pub fn spawn(&self) -> Process {
        let log = std::env::temp_dir().join(format!("rg-life-{:016x}.log", fastrand::u64(..)));
        let lines = File::create(&log).unwrap();
        let limit = self.descriptors.map(|most| format!("ulimit -n {most}; ")).unwrap_or_default();
        let confined = self.confined && is_root();
        let confinement = if confined { "setpriv --bounding-set -all -- " } else { "" };
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{limit}exec {confinement}\"$@\""), "sh"])
            .arg(&self.program)
            .arg("serve");
        command.args(["--listen", &self.api.to_string(), "--admin-listen", &self.admin.to_string()]);
        command.arg("--project").arg(&self.project).args(&self.arguments);
        command.env("RULEGATE_DATABASE_URL", &self.database);
        command.stdin(Stdio::null()).stdout(lines.try_clone().unwrap()).stderr(lines);
        Process { child: command.spawn().unwrap(), log, admin: self.admin }
    }

    /// Starts it, and waits until it is ready.
    pub async fn ready(&self) -> Process {
        let mut process = self.spawn();
        process.readied().await;
        process
    }
}

impl Process {
    /// Waits until it is ready.
    pub async fn readied(&mut self) {
        let begun = std::time::Instant::now();
        while self.status("/readyz").await != Some(200) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "{ended:?} {}", self.told());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The number by which the system knows it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits for its end.
    pub async fn exited(&mut self) -> ExitStatus {
        let begun = std::time::Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end: {}", self.told());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Has it stop, and waits for the end, which must be a good one.
    pub async fn stopped(&mut self) {
        self.signal("TERM");
        let status = self.exited().await;
        assert!(status.success(), "{status}: {}", self.told());
    }

    /// What it has printed.
    pub fn told(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// What the admin listener answers.
    pub async fn ask(&self, line: &str) -> Option<Reply> {
        let asked = async { Caller::new(&Service::at(self.admin)).ask(line, &[], b"").await.ok() };
        tokio::time::timeout(PATIENCE, asked).await.ok()?
    }

    /// The status that it answers with.
    pub async fn status(&self, path: &str) -> Option<u16> {
        self.ask(&format!("GET {path}")).await.map(|reply| reply.status)
    }

    /// A metric, by its name and labels as they are written.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let text = String::from_utf8(self.ask("GET /metrics").await?.body).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.parse().ok()
    }

    /// Its memory in use, in bytes (proc(5)).
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(Path::new("/proc").join(self.id().to_string()).join("status"));
        let line = status.unwrap().lines().find_map(|line| line.strip_prefix("VmRSS:").map(str::to_owned));
        line.unwrap().split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.log);
    }
}

/// Sends a signal to a process.
pub fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status().unwrap();
    assert!(sent.success(), "{name} to {id}");
}
