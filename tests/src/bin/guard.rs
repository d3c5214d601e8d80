//! `rulegate-guard [--rounds 7] [--requests 4000]`: what a bearer token and a row filter cost on PostgreSQL. The same GETs are asked of two servers in
//! turn, one without both; told is the CPU time a request of server and database together, and the median of the ratios. To be built with
//! `--release`, together with `rulegate`, which it starts.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement that cannot be taken has failed"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use dialects::Dialect;
use tests::Database;

const USAGE: &str = "rulegate-guard [--rounds 7] [--requests 4000]";

/// A hundred thousand orders of ten tenants. What is asked for is the same with and without the filter.
const ORDERS: &str = "
create table orders (id integer primary key, tenant_id integer not null, note varchar(40), amount decimal(12,2) not null);
insert into orders select n, case when n <= 50000 then 1 else n % 10 end, 'note ' || n, n * 0.25 from generate_series(1, 100000) n;
create index orders_by_tenant on orders (tenant_id, id);
analyze orders;
";

const CONFIGURATION: &str = "auth: {jwt: {algorithms: [HS256], secret_file: secret}}\n";

const ACCESS: &str = "
access:
  - {role: clerk, resource: '*', read: true}
  - {every_role_but: [admin], every_resource_with: tenant_id, all: tenant_id = actor.claim('tenant')}
";

const TARGETS: [&str; 2] = ["/api/orders/4711", "/api/orders?page[size]=20&sort=id"];

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((rounds, requests)) = parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let database = Database::create(Dialect::Postgres).await;
    database.execute(ORDERS).await;
    let (open, guarded) = (project("open", "", ""), project("guarded", CONFIGURATION, ACCESS));
    let token = token(&guarded);
    let plain = Server::start(&open, &database.url, "127.0.0.1:18471", None);
    let guarded = Server::start(&guarded, &database.url, "127.0.0.1:18473", Some(token));
    for target in TARGETS {
        assert_eq!(plain.ask(target, 1), guarded.ask(target, 1), "the answers differ");
        let mut found: Vec<(f64, f64)> = (0..rounds)
            .map(|_| (plain.cost(&database, target, requests), guarded.cost(&database, target, requests)))
            .collect();
        found.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
        let (without, with) = found[found.len() / 2];
        println!(
            "{target}: {without:.1} us without, {with:.1} us with, ratio {:.3} (median of {rounds})",
            with / without
        );
    }
    ExitCode::SUCCESS
}

fn parse(arguments: &[String]) -> Option<(usize, usize)> {
    let (mut rounds, mut requests) = (7, 4000);
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--rounds" => rounds = value.parse().ok().filter(|n| *n > 0)?,
            [name, value] if name == "--requests" => requests = value.parse().ok().filter(|n| *n > 0)?,
            _ => return None,
        }
    }
    Some((rounds, requests))
}

fn project(name: &str, configuration: &str, access: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rulegate-guard-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    if !access.is_empty() {
        std::fs::create_dir_all(folder.join("access")).unwrap();
        std::fs::write(folder.join("access/tenants.yaml"), access).unwrap();
        std::fs::write(folder.join("secret"), "a secret of enough bytes for a measurement").unwrap();
        std::fs::write(folder.join("rulegate.yaml"), configuration).unwrap();
    }
    folder
}

/// The program beside this one.
fn rulegate() -> Command {
    Command::new(std::env::current_exe().unwrap().with_file_name("rulegate"))
}

fn token(project: &Path) -> String {
    let arguments = ["token", "--sub", "ann", "--role", "clerk", "--claim", "tenant=1"];
    let told = rulegate().args(arguments).arg("--project").arg(project).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

/// A server, and who asks it.
struct Server {
    process: Child,
    project: PathBuf,
    address: &'static str,
    token: Option<String>,
}

impl Server {
    fn start(project: &Path, database: &str, address: &'static str, token: Option<String>) -> Self {
        let admin = address.replace("1847", "1857");
        let mut command = rulegate();
        command.args(["serve", "--listen", address, "--admin-listen", &admin, "--log", "error"]);
        command.arg("--project").arg(project).env("RULEGATE_DATABASE_URL", database);
        let process = command.stdout(Stdio::null()).spawn().unwrap();
        let server = Self { process, project: project.to_owned(), address, token };
        for _ in 0..100 {
            if server.try_ask("/api/orders/1", 1).is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return server;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the server does not answer")
    }

    /// The body of the last of so many answers, on one connection.
    fn ask(&self, target: &str, times: usize) -> String {
        let answer = self.try_ask(target, times).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    fn try_ask(&self, target: &str, times: usize) -> Option<String> {
        let stream = TcpStream::connect(self.address).ok()?;
        stream.set_nodelay(true).ok()?;
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut writer = stream;
        let token =
            self.token.iter().map(|token| format!("authorization: Bearer {token}\r\n")).collect::<String>();
        let request = format!("GET {target} HTTP/1.1\r\nhost: {}\r\n{token}\r\n", self.address);
        let mut last = String::new();
        for _ in 0..times {
            writer.write_all(request.as_bytes()).ok()?;
            last = answer(&mut reader)?;
        }
        Some(last)
    }

    /// CPU time a request, in microseconds.
    fn cost(&self, database: &Database, target: &str, requests: usize) -> f64 {
        self.ask(target, requests / 10 + 1);
        let before = ticks(self.process.id()) + backends(database);
        self.ask(target, requests);
        let after = ticks(self.process.id()) + backends(database);
        (after - before) as f64 * 10_000.0 / requests as f64
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.project);
    }
}

fn answer(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).ok()?)
}

/// The CPU time of a process in hundredths of a second (proc(5): utime and stime).
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// That of the database's processes which serve this database.
fn backends(database: &Database) -> u64 {
    let name = database.url.rsplit('/').next().unwrap();
    let processes = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let serves = |process: &u32| {
        let title = std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        title.starts_with("postgres:") && title.contains(name)
    };
    processes.filter(serves).map(ticks).sum()
}
