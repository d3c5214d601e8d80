//! A database server of a test's own, in a folder that goes with it: for tests that set up TLS or replicas, stop it, stall it, or take it away.
//!
//! PostgreSQL refuses to run as root: where we are, servers run as the user whom Debian makes for them.

use std::fs::{File, Permissions};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dialects::{Dialect, Options, Pool};

use crate::life::process::signal;
use crate::server::PATIENCE;

/// A server; killed when this is dropped.
pub struct Private {
    /// Which it is.
    pub dialect: Dialect,
    /// Where it listens, on 127.0.0.1 alone.
    pub port: u16,
    /// What it keeps, and the files of [`Self::keep`].
    pub folder: PathBuf,
    process: Option<Child>,
    arguments: Vec<String>,
}

impl Private {
    /// Makes an empty one, which does not run yet.
    pub fn new(dialect: Dialect) -> Self {
        let own = Self::without_data(dialect);
        let mut command = match dialect {
            Dialect::Postgres => {
                let mut command = own.command(&postgres("initdb"));
                command.args([
                    "-N",
                    "-A",
                    "trust",
                    "-U",
                    "postgres",
                    "-E",
                    "UTF8",
                    "--locale=C.UTF-8",
                    "-D",
                    "data",
                ]);
                command
            }
            _ => {
                let mut command = own.command(Path::new("mariadb-install-db"));
                command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
                command.args(own.places());
                command
            }
        };
        own.succeed(&mut command);
        own
    }

    /// A PostgreSQL that has run a script, and one that follows it; both run.
    pub async fn with_replica(script: &str) -> (Self, Self) {
        let mut primary = Self::new(Dialect::Postgres);
        primary.start().await;
        primary.execute(script).await;
        let mut replica = Self::replica_of(&primary);
        replica.start().await;
        (primary, replica)
    }

    /// A copy of a PostgreSQL that runs, which follows it.
    fn replica_of(primary: &Self) -> Self {
        let own = Self::without_data(Dialect::Postgres);
        let mut command = own.command(&postgres("pg_basebackup"));
        command.args(["-h", "127.0.0.1", "-U", "postgres", "-R", "-c", "fast", "-X", "stream", "-D", "data"]);
        own.succeed(command.args(["-p", &primary.port.to_string()]));
        own
    }

    fn without_data(dialect: Dialect) -> Self {
        let folder = PathBuf::from(format!("/var/tmp/rg-private-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&folder).unwrap();
        let own = Self { dialect, port: free_port(), folder, process: None, arguments: Vec::new() };
        own.hand_over(&own.folder);
        own
    }

    /// Writes a file into its folder that it alone may read.
    pub fn keep(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        self.hand_over(&path);
        path
    }

    /// Sets something that holds from its start on: `ssl=on`.
    pub fn set(&mut self, setting: &str) {
        match self.dialect {
            Dialect::Postgres => self.arguments.extend(["-c".into(), setting.into()]),
            _ => self.arguments.push(format!("--{setting}")),
        }
    }

    /// Starts it, again where it was stopped, and waits until it answers.
    pub async fn start(&mut self) {
        let mut command = match self.dialect {
            Dialect::Postgres => {
                let mut command = self.command(&postgres("postgres"));
                command.args(["-D", "data", "-p", &self.port.to_string()]);
                for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"] {
                    command.args(["-c", setting]);
                }
                command
            }
            _ => {
                let mut command = self.command(&mariadbd());
                command.args(["--no-defaults", "--socket=private.sock", "--bind-address=127.0.0.1"]);
                command.args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin"]);
                command.args(self.places()).arg(format!("--port={}", self.port));
                command
            }
        };
        self.process = Some(command.args(&self.arguments).spawn().unwrap());
        let begun = Instant::now();
        let pool = Pool::open(&self.url(self.first()), Options::default()).unwrap();
        while pool.ping().await.is_err() {
            assert!(begun.elapsed() < PATIENCE, "{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        pool.close().await;
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

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// The URL of a database, for whoever may do everything.
    pub fn url(&self, name: &str) -> String {
        match self.dialect {
            Dialect::Postgres => format!("postgres://postgres@{}/{name}", self.address()),
            _ => format!("mysql://root@{}/{name}", self.address()),
        }
    }

    /// The database that is there from the beginning.
    fn first(&self) -> &'static str {
        if self.dialect == Dialect::Postgres { "postgres" } else { "mysql" }
    }

    /// Runs SQL in its first database.
    pub async fn execute(&self, script: &str) {
        let pool = Pool::open(&self.url(self.first()), Options::default()).unwrap();
        pool.execute_script(script).await.unwrap();
        pool.close().await;
    }

    /// A program, run in its folder by whom the server trusts.
    fn command(&self, program: &Path) -> Command {
        let mut command = as_user(self.user(), program);
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        command
    }

    /// Where MariaDB keeps what is lasting and what is not: one that starts clears away what it finds of the second.
    fn places(&self) -> [String; 2] {
        let folder = self.folder.display();
        [format!("--datadir={folder}/data"), format!("--tmpdir={folder}")]
    }

    fn succeed(&self, command: &mut Command) {
        assert!(command.status().unwrap().success(), "{}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap()
    }

    fn hand_over(&self, path: &Path) {
        if is_root() {
            let owned = Command::new("chown").arg(self.user()).arg(path).status();
            assert!(owned.unwrap().success());
        }
    }

    fn user(&self) -> &'static str {
        if self.dialect == Dialect::Postgres { "postgres" } else { "mysql" }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // One that is stalled does not hear that it should end, and PostgreSQL's children end with it only when it is told.
            let quit = if self.dialect == Dialect::Postgres { "-QUIT" } else { "-KILL" };
            for name in ["-CONT", quit] {
                let _ = Command::new("kill").args([name, &process.id().to_string()]).status();
            }
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

/// None that the system hands out, so that a server that comes back finds it free.
fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| fastrand::u16(10_000..30_000));
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// A program of the newest PostgreSQL that is installed: Debian has a folder for each version.
fn postgres(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap().flatten().map(|entry| entry.path());
    versions.max().unwrap().join("bin").join(name)
}

/// It may be where only root looks for programs.
fn mariadbd() -> PathBuf {
    let there = Path::new("/usr/sbin/mariadbd");
    if there.exists() { there.into() } else { "mariadbd".into() }
}
