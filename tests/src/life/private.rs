//! Database servers of a test's own, which may be stopped, started again and stalled. They listen on this machine alone and go with the test.
//!
//! PostgreSQL refuses to run as root: where we are, servers run as the user whom Debian makes for them.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dialects::{Dialect, Options, Pool};

use super::process::signal;
use crate::server::PATIENCE;

/// A server.
pub struct Private {
    dialect: Dialect,
    address: SocketAddr,
    folder: PathBuf,
    process: Option<Child>,
}

impl Private {
    /// A new one, with nothing in it.
    pub async fn start(dialect: Dialect) -> Self {
        let folder = Path::new("/var/tmp").join(format!("rg-life-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&folder).unwrap();
        let mut private = Self { dialect, address: super::address(), folder, process: None };
        private.own();
        private.initialise();
        private.resume().await;
        private
    }

    /// A database of it.
    pub fn url(&self, name: &str) -> String {
        match self.dialect {
            Dialect::Postgres => format!("postgres://postgres@{}/{name}", self.address),
            _ => format!("mysql://root@{}/{name}", self.address),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it again, and waits until it answers.
    pub async fn resume(&mut self) {
        self.process = Some(self.server().spawn().unwrap());
        let begun = Instant::now();
        let name = if self.dialect == Dialect::Postgres { "postgres" } else { "mysql" };
        while Pool::open(&self.url(name), Options::default()).unwrap().ping().await.is_err() {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap();
            assert!(begun.elapsed() < PATIENCE, "{log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops it as an operator does: running statements are ended, nothing is lost.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            signal(process.id(), if self.dialect == Dialect::Postgres { "INT" } else { "TERM" });
            process.wait().unwrap();
        }
    }

    /// Has it do nothing at all, its connections staying as they are.
    pub fn stall(&self) {
        self.all("STOP");
    }

    /// Has it go on.
    pub fn go_on(&self) {
        self.all("CONT");
    }

    /// To the server and to the processes that it has made for connections.
    fn all(&self, name: &str) {
        let Some(server) = self.process.as_ref().map(Child::id) else { return };
        signal(server, name);
        let children = format!("/proc/{server}/task/{server}/children");
        for child in std::fs::read_to_string(children).unwrap().split_whitespace() {
            // One that has ended since is as quiet as one can be.
            let _ = Command::new("kill").args([&format!("-{name}"), child]).stderr(Stdio::null()).status();
        }
    }

    fn own(&self) {
        if is_root() {
            let owned = Command::new("chown").arg(self.user()).arg(&self.folder).status();
            assert!(owned.unwrap().success());
        }
    }

    fn user(&self) -> &'static str {
        if self.dialect == Dialect::Postgres { "postgres" } else { "mysql" }
    }

    /// A program as its user.
    fn command(&self, program: &Path) -> Command {
        let mut command = as_user(self.user(), program);
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        command
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    fn initialise(&self) {
        let mut command = match self.dialect {
            Dialect::Postgres => {
                let mut command = self.command(&postgres("initdb"));
                let fast = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-N"];
                command.args(fast).arg("-D").arg(self.data());
                command
            }
            _ => {
                let mut command = self.command(Path::new("mariadb-install-db"));
                let fast = ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"];
                command.args(fast).arg(format!("--datadir={}", self.data()));
                command
            }
        };
        let done = command.status().unwrap();
        assert!(done.success(), "{}", std::fs::read_to_string(self.folder.join("log")).unwrap());
    }

    fn server(&self) -> Command {
        let (ip, port) = (self.address.ip(), self.address.port());
        match self.dialect {
            Dialect::Postgres => {
                let mut command = self.command(&postgres("postgres"));
                command.args(["-D", &self.data(), "-p", &port.to_string()]);
                for setting in [&format!("listen_addresses={ip}"), "unix_socket_directories=", "fsync=off"] {
                    command.args(["-c", setting]);
                }
                command
            }
            _ => {
                let mut command = self.command(&mariadbd());
                command.args(["--no-defaults", "--socket=private.sock", "--character-set-server=utf8mb4"]);
                command.arg("--collation-server=utf8mb4_bin").arg(format!("--datadir={}", self.data()));
                command.arg(format!("--bind-address={ip}")).arg(format!("--port={port}"));
                command
            }
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // One that is stopped does not hear that it should end.
            let id = process.id().to_string();
            let quit = if self.dialect == Dialect::Postgres { "-QUIT" } else { "-KILL" };
            let _ = Command::new("kill").args(["-CONT", &id]).status();
            let _ = Command::new("kill").args([quit, &id]).status();
            let _ = process.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A program as another user, where we are root; it ends with the thread that starts it.
pub fn as_user(user: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// Whether we are.
pub fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    line.split_whitespace().nth(1) == Some("0")
}

/// A program of the newest PostgreSQL here: Debian has a folder for each version.
fn postgres(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap();
    let newest = versions.map(|version| version.unwrap().path()).max().unwrap();
    newest.join("bin").join(name)
}

/// It may be where only root looks for programs.
fn mariadbd() -> PathBuf {
    let there = Path::new("/usr/sbin/mariadbd");
    if there.exists() { there.into() } else { "mariadbd".into() }
}
