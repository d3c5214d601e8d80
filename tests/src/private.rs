//! A database server of one's own, in a folder that goes with it: for tests that set up TLS, replicas, or take it away.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dialects::{Dialect, Options, Pool};

/// A server that runs until this is dropped.
pub struct Private {
    /// Which it is.
    pub dialect: Dialect,
    /// Where it listens, on 127.0.0.1 alone.
    pub port: u16,
    /// What it keeps, and the files of [`Self::keep`].
    pub folder: PathBuf,
    child: Option<Child>,
    arguments: Vec<String>,
}

impl Private {
    /// Makes an empty one, which does not run yet.
    pub fn new(dialect: Dialect) -> Self {
        let mut own = Self::without_data(dialect);
        let data = own.folder.join("data");
        let made = match dialect {
            Dialect::Postgres => own
                .command(&postgres("initdb"))
                .args(["-N", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-D"])
                .arg(&data)
                .output(),
            _ => own
                .command(Path::new("mariadb-install-db"))
                .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
                .arg(format!("--datadir={}", data.display()))
                .output(),
        };
        let made = made.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        if dialect == Dialect::Mysql {
            own.arguments.push("--no-defaults".into());
            own.arguments.push(format!("--datadir={}", data.display()));
            own.arguments.extend(["--socket=private.sock".into(), "--bind-address=127.0.0.1".into()]);
            own.arguments.push(format!("--port={}", own.port));
        }
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
        let copied = own
            .command(&postgres("pg_basebackup"))
            .args(["-h", "127.0.0.1", "-U", "postgres", "-R", "-c", "fast", "-X", "stream", "-p"])
            .arg(primary.port.to_string())
            .arg("-D")
            .arg(own.folder.join("data"))
            .output()
            .unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        own
    }

    fn without_data(dialect: Dialect) -> Self {
        let folder = PathBuf::from(format!("/var/tmp/rg-private-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&folder).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let own = Self { dialect, port, folder, child: None, arguments: Vec::new() };
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

    /// Starts it, and waits until it listens.
    pub async fn start(&mut self) {
        let program = match self.dialect {
            Dialect::Postgres => postgres("postgres"),
            _ => PathBuf::from("mariadbd"),
        };
        let mut command = self.command(&program);
        if self.dialect == Dialect::Postgres {
            command.arg("-D").arg(self.folder.join("data")).args(["-p", &self.port.to_string()]);
            command.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
            command.args(["-c", "fsync=off"]);
        }
        let log = std::fs::File::create(self.folder.join("log")).unwrap();
        command.args(&self.arguments).stderr(log).stdout(Stdio::null()).stdin(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        for _ in 0..300 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{}", std::fs::read_to_string(self.folder.join("log")).unwrap());
    }

    /// Stops it, as a crash would.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // PostgreSQL's children end with it when it is told, and not when it is killed.
            let signal = if self.dialect == Dialect::Postgres { "-QUIT" } else { "-KILL" };
            let _ = Command::new("kill").args([signal, &child.id().to_string()]).status();
            let _ = child.wait();
        }
    }

    /// The URL of a database, for whoever may do everything.
    pub fn url(&self, name: &str) -> String {
        match self.dialect {
            Dialect::Postgres => format!("postgres://postgres@127.0.0.1:{}/{name}", self.port),
            _ => format!("mysql://root@127.0.0.1:{}/{name}", self.port),
        }
    }

    /// Runs SQL in its first database, as soon as it takes some.
    pub async fn execute(&self, script: &str) {
        let name = if self.dialect == Dialect::Postgres { "postgres" } else { "mysql" };
        let pool = Pool::open(&self.url(name), Options::default()).unwrap();
        for _ in 0..200 {
            if pool.ping().await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        pool.execute_script(script).await.unwrap();
        pool.close().await;
    }

    /// A program, run by whom the server trusts.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder);
        if let Some((user, group)) = self.user() {
            command.uid(user).gid(group);
        }
        command
    }

    fn hand_over(&self, path: &Path) {
        if let Some((user, group)) = self.user() {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    /// The servers refuse to be run by root.
    fn user(&self) -> Option<(u32, u32)> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let root = status
            .lines()
            .any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"));
        let name = if self.dialect == Dialect::Postgres { "postgres:" } else { "mysql:" };
        let users = std::fs::read_to_string("/etc/passwd").unwrap();
        let line = users.lines().find(|line| line.starts_with(name)).filter(|_| root)?;
        let mut fields = line.split(':').skip(2).map(|field| field.parse().unwrap());
        Some((fields.next()?, fields.next()?))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A program of the newest PostgreSQL that is installed.
fn postgres(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap().flatten().map(|entry| entry.path());
    versions.max().unwrap().join("bin").join(name)
}
