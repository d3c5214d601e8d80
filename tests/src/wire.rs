//! What goes over the wire to a server, by round trip: a relay before it that reads along.
//!
//! A round trip begins when the client speaks after it was answered. Of each statement stays what it does to which table:
//! `lock orders`, `read products`, `insert items`, `commit`.

mod speech;

use std::sync::{Arc, Mutex};

use dialects::{Dialect, Pool};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::database::Database;
use speech::Speech;

/// What has been said.
pub struct Wire {
    notes: Arc<Mutex<Notes>>,
}

#[derive(Default)]
struct Notes {
    trips: Vec<Vec<String>>,
    /// The server has spoken since the client did.
    answered: bool,
}

impl Wire {
    /// Listens between a database's server and its pool, which is opened anew.
    pub async fn before(database: &mut Database) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (_, place) = database.url.rsplit_once('@').unwrap();
        let server = place.split('/').next().unwrap().to_owned();
        let url = database.url.replace(&server, &listener.local_addr().unwrap().to_string());
        let notes = Arc::new(Mutex::new(Notes::default()));
        tokio::spawn(relay(listener, server, database.dialect(), notes.clone()));
        database.pool = Arc::new(Pool::open(&url, database.options.clone()).unwrap());
        Self { notes }
    }

    /// The round trips since the last time, each with its statements. Those without a statement, which only prepare one, are left out.
    pub fn trips(&self) -> Vec<Vec<String>> {
        let trips = std::mem::take(&mut self.notes.lock().unwrap().trips);
        trips.into_iter().filter(|trip| !trip.is_empty()).collect()
    }
}

impl Notes {
    fn said(&mut self, statements: Vec<String>) {
        if std::mem::take(&mut self.answered) || self.trips.is_empty() {
            self.trips.push(Vec::new());
        }
        self.trips.last_mut().unwrap().extend(statements.iter().map(|text| shape(text)));
    }
}

/// The relay must run in the thread of its client, so that a flush arrives as the client made it.
async fn relay(listener: TcpListener, server: String, dialect: Dialect, notes: Arc<Mutex<Notes>>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(&server).await.unwrap();
        tokio::spawn(pass(client, server, dialect, notes.clone()));
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, dialect: Dialect, notes: Arc<Mutex<Notes>>) {
    let mut speech = Speech::new(dialect);
    let (mut up, mut down) = (vec![0; 1 << 20], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            Ok(n @ 1..) = client.read(&mut up) => {
                notes.lock().unwrap().said(speech.of_client(&up[..n]));
                if server.write_all(&up[..n]).await.is_err() { return }
            }
            Ok(n @ 1..) = server.read(&mut down) => {
                speech.of_server(&down[..n]);
                notes.lock().unwrap().answered = true;
                if client.write_all(&down[..n]).await.is_err() { return }
            }
            else => return,
        }
    }
}

/// What a statement does, and to which table.
fn shape(text: &str) -> String {
    let bare = text.replace(['"', '`'], "").to_lowercase();
    let after = |word: &str| {
        let (_, rest) = bare.split_once(word)?;
        let name = rest.trim_start().split([' ', '(', ';']).next()?;
        Some(name.rsplit('.').next()?.to_owned())
    };
    let locks = [" for update", " for no key update", " for share", " lock in share mode"];
    let (does, table) = match bare.split_whitespace().next().unwrap_or_default() {
        "select" if bare.contains("pg_advisory") => return "readers' lock".into(),
        "select" if locks.iter().any(|lock| bare.contains(lock)) => ("lock", after(" from ")),
        "select" => ("read", after(" from ")),
        "insert" => ("insert", after("into ")),
        "update" => ("update", after("update ")),
        "delete" => ("delete", after(" from ")),
        "start" => return "begin".into(),
        other => return other.to_owned(),
    };
    format!("{does} {}", table.unwrap_or_default())
}
