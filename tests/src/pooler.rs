//! PgBouncer in transaction mode in front of the PostgreSQL server of the tests: each transaction, and each statement outside of one, may come to
//! another session. `RULEGATE_TEST_POOLER=pgbouncer` has every test reach PostgreSQL through it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::life;
use crate::private::as_user;
use crate::server::PATIENCE;

/// Where it is, as the beginning of URLs: one for all tests of a process, with which it ends.
pub fn pgbouncer(server: &str) -> &'static str {
    static PLACE: OnceLock<String> = OnceLock::new();
    PLACE.get_or_init(|| start(server))
}

/// Whether every test is to go through it.
pub fn is_wanted() -> bool {
    std::env::var("RULEGATE_TEST_POOLER").is_ok_and(|name| name == "pgbouncer")
}

fn start(server: &str) -> String {
    let (user, place) = server.trim_start_matches("postgres://").split_once('@').unwrap();
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let (host, port) = place.split_once('/').unwrap().0.rsplit_once(':').unwrap();
    let address = life::address();
    let file = std::env::temp_dir().join(format!("rg-pooler-{:016x}.ini", fastrand::u64(..)));
    let users = file.with_extension("users");
    std::fs::write(&users, format!("\"{user}\" \"{password}\"\n")).unwrap();
    let configuration = format!(
        "[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = {}
listen_port = {}
unix_socket_dir =
auth_type = trust
auth_file = {}
pool_mode = transaction
max_client_conn = 2000
default_pool_size = 20
server_lifetime = 2
",
        address.ip(),
        address.port(),
        users.display()
    );
    std::fs::write(&file, configuration).unwrap();
    let mut command = as_user("postgres", Path::new("/usr/sbin/pgbouncer"));
    command.args(["-q"]).arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    keep(command);
    let begun = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(begun.elapsed() < PATIENCE, "pgbouncer does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    // It has read them.
    for file in [file, users] {
        std::fs::remove_file(file).unwrap();
    }
    format!("postgres://{user}@{address}")
}

/// Runs it until this process ends: the system ends a child with the thread that has made it.
fn keep(mut command: Command) {
    std::thread::spawn(move || {
        let mut child = command.spawn().unwrap();
        child.wait()
    });
}
