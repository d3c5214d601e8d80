//! Certificates that are exchanged as a mounted Secret is, a third of them broken, while clients connect.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dialects::Dialect;
use tests::life::folder::Folder;
use tests::life::process::Start;
use tests::life::soak;
use tests::server::tls::Authority;
use tests::server::{Reply, read_all};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{PROGRAM, shop};

const CONFIGURATION: &str = "server: {tls: {cert_file: tls/tls.crt, key_file: tls/tls.key}}";

/// A new certificate: the files, and its bytes. Broken: the key is that of another.
fn issue(authority: &Authority, is_broken: bool) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let read = |file: std::path::PathBuf| std::fs::read_to_string(file).unwrap();
    let der = authority.issue();
    let certificate = read(authority.files().certificates);
    if is_broken {
        authority.issue();
    }
    let key = read(authority.files().key);
    let files =
        [("rulegate.yaml", CONFIGURATION.to_owned()), ("tls/tls.crt", certificate), ("tls/tls.key", key)];
    (files.into(), der)
}

fn exchange(folder: &Folder, files: &[(&'static str, String)]) {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    folder.exchange(&files);
}

/// A handshake and a request: the certificate that was shown.
async fn shown(authority: &Authority, start: &Start) -> Vec<u8> {
    let stream = TcpStream::connect(start.api).await.unwrap();
    let mut stream = authority.speak(stream, &["http/1.1"]).await.unwrap();
    let der = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    let request = b"GET /api/orders/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let reply = Reply::parse(&read_all(&mut stream).await, false).unwrap();
    assert_eq!(reply.status, 200);
    der
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_exchanged_and_every_handshake_shows_a_sound_one() {
    let rounds = if soak() { 200 } else { 12 };
    let (database, authority, folder) = (shop(Dialect::Sqlite).await, Authority::new(), Folder::new(&[]));
    let (files, mut current) = issue(&authority, false);
    exchange(&folder, &files);
    let start = Start::new(PROGRAM, &folder, &database.url);
    let process = start.ready().await;
    let (over, handshakes) = (AtomicBool::new(false), AtomicUsize::new(0));
    let others = async {
        while !over.load(Ordering::Relaxed) {
            shown(&authority, &start).await;
            handshakes.fetch_add(1, Ordering::Relaxed);
        }
    };
    let change = async {
        for round in 1..=rounds {
            let is_broken = round % 3 == 0;
            let (files, next) = issue(&authority, is_broken);
            exchange(&folder, &files);
            let reloaded = process.ask("POST /reload").await.unwrap().status;
            assert_eq!(reloaded, if is_broken { 422 } else { 200 }, "{round}");
            if !is_broken {
                current = next;
            }
            assert!(shown(&authority, &start).await == current, "{round}");
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(others, change);
    assert!(handshakes.load(Ordering::Relaxed) > 0);
}
