//! Instances that are replaced while clients read and write: no request fails.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use dialects::Dialect;
use futures_util::future::join_all;
use h2::client::SendRequest;
use http::Request;
use proxy::server::{Settings, Stopped};
use tests::Database;
use tests::life::caller::{Caller, Service};
use tests::life::load::{Load, failures};
use tests::life::process::Start;
use tests::life::{address, soak};
use tests::oracle;
use tests::server::{PATIENCE, Server};
use tests::shop::SHOP;
use tokio::net::TcpStream;

use super::{PROGRAM, project, shop};

/// Two hundred requests a second.
const CLIENTS: usize = 20;
const PACE: Duration = Duration::from_millis(100);

fn rounds() -> usize {
    if soak() { 20 } else { 3 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_are_rolled_and_no_request_fails() {
    let (database, project) = (shop(Dialect::Postgres).await, project("server: {drain_ms: 500}"));
    let service = Service::default();
    let start = async || {
        let start = Start::new(PROGRAM, &project, &database.url);
        let process = start.ready().await;
        service.add(start.api);
        (start.api, process)
    };
    let mut running = [start().await, start().await];
    let load = Load::start(CLIENTS, PACE, &service).await;
    for _ in 0..rounds() {
        for (api, process) in &mut running {
            process.signal("TERM");
            // The news spread while it drains.
            tokio::time::sleep(PACE).await;
            service.remove(*api);
            assert!(process.exited().await.success(), "{}", process.told());
            (*api, *process) = start().await;
        }
    }
    let samples = load.end().await;
    assert_eq!(failures(&samples), [""; 0], "of {}", samples.len());
    assert!(samples.len() > rounds() * 100, "{}", samples.len());
    assert_eq!(oracle::differences(&database).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_handed_over_to_the_next_process_and_no_request_fails() {
    let (database, project) = (shop(Dialect::Postgres).await, project("server: {reuse_port: true}"));
    let api = address();
    let start = || Start { api, ..Start::new(PROGRAM, &project, &database.url) };
    let mut running = start().ready().await;
    let load = Load::start(CLIENTS, PACE, &Service::at(api)).await;
    for _ in 0..rounds() {
        let next = start().ready().await;
        running.stopped().await;
        running = next;
    }
    let samples = load.end().await;
    assert_eq!(failures(&samples), [""; 0], "of {}", samples.len());
    assert!(samples.len() > rounds() * 50, "{}", samples.len());
}

/// A client that speaks HTTP/2, until it is told to go: how many of its requests were answered.
async fn ask_until_told(mut sender: SendRequest<Bytes>) -> usize {
    for answered in 0.. {
        let Ok(ready) = sender.ready().await else { return answered };
        sender = ready;
        let request = Request::get("http://localhost/api/orders/1").body(()).unwrap();
        let Ok((answer, _)) = sender.send_request(request, true) else { return answered };
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut body = answer.into_body();
        while let Some(bytes) = body.data().await {
            let count = bytes.unwrap().len();
            body.flow_control().release_capacity(count).unwrap();
        }
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_http2_are_told_to_go_and_lose_nothing() {
    let (database, project) = (shop(Dialect::Sqlite).await, project("server: {drain_ms: 300}"));
    let start = Start::new(PROGRAM, &project, &database.url);
    for _ in 0..rounds() {
        let mut process = start.ready().await;
        let mut clients = Vec::new();
        for _ in 0..4 {
            let stream = TcpStream::connect(start.api).await.unwrap();
            let (sender, connection) = h2::client::handshake(stream).await.unwrap();
            clients.push((tokio::spawn(ask_until_told(sender)), tokio::spawn(connection)));
        }
        tokio::time::sleep(PACE).await;
        process.signal("TERM");
        for (client, connection) in clients {
            assert!(client.await.unwrap() > 0);
            connection.await.unwrap().unwrap();
        }
        // Told before the end: what comes now is still answered.
        let mut late = Caller::new(&Service::at(start.api));
        let reply = late.ask("GET /api/orders/1", &[], b"").await.unwrap();
        assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
        assert_eq!(process.status("/readyz").await, Some(503));
        assert!(process.exited().await.success());
    }
}

/// A connection for each request, until one is refused: how many were answered.
fn ask_until_refused(address: SocketAddr) -> usize {
    for answered in 0.. {
        let mut stream = match std::net::TcpStream::connect(address) {
            Ok(stream) => stream,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return answered,
            Err(error) => panic!("{error}"),
        };
        let mut answer = String::new();
        stream.write_all(b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }
    unreachable!()
}

/// One server that is stopped while clients connect all the time.
async fn close(database: &Database) {
    let server = Server::start(database, SHOP, Settings::default()).await;
    let address = server.address;
    let clients: Vec<_> =
        (0..3).map(|_| tokio::task::spawn_blocking(move || ask_until_refused(address))).collect();
    tokio::time::sleep(PACE).await;
    server.app.stop();
    assert_eq!(server.running.stop(PATIENCE).await, Stopped::Drained);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_let_in_by_a_listener_that_closes_is_answered() {
    let database = shop(Dialect::Sqlite).await;
    for _ in 0..rounds() {
        join_all((0..8).map(|_| close(&database))).await;
    }
}
