//! A small web application that stands behind the server: it says what it was asked, streams, upgrades, is slow, and breaks off.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Written and read at once.
const PIECE: usize = 64 * 1024;

/// It runs as long as the test's runtime.
#[derive(Clone)]
pub struct Application {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    requests: AtomicU64,
    /// How many bytes of bodies were received, and how many of streams were sent.
    received: AtomicU64,
    sent: AtomicU64,
    reads: watch::Sender<bool>,
}

/// The head of a request.
struct Head {
    line: String,
    fields: Vec<(String, String)>,
}

impl Application {
    /// Listens.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state =
            State { requests: 0.into(), received: 0.into(), sent: 0.into(), reads: watch::Sender::new(true) };
        let own = Self { address: listener.local_addr().unwrap(), state: Arc::new(state) };
        let serving = own.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while serving.one(&mut stream).await.is_some() {}
                });
            }
        });
        own
    }

    /// Whether it reads bodies.
    pub fn reads(&self, reads: bool) {
        self.state.reads.send_replace(reads);
    }

    /// How many requests it was asked.
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// How many bytes of bodies were received.
    pub fn received(&self) -> u64 {
        self.state.received.load(Ordering::Relaxed)
    }

    /// How many bytes of streams were sent.
    pub fn sent(&self) -> u64 {
        self.state.sent.load(Ordering::Relaxed)
    }

    async fn one(&self, stream: &mut BufReader<TcpStream>) -> Option<()> {
        let head = Head::read(stream).await?;
        self.state.requests.fetch_add(1, Ordering::Relaxed);
        match head.path() {
            "/slow" => std::future::pending().await,
            "/broken" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.").await.ok()?;
                None
            }
            "/nonsense" => {
                stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").await.ok()?;
                None
            }
            "/stream" => self.stream(stream).await,
            "/socket" => Self::echo(stream).await,
            path => {
                let status = path.strip_prefix("/status/").unwrap_or("201 Created");
                let received = self.body(stream, &head).await?;
                let body = head.shown(received).to_string();
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {status}\r\nX-App: yes\r\nContent-Length: {length}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await.ok()
            }
        }
    }

    /// Reads a body to its end; how many bytes it had.
    async fn body(&self, stream: &mut BufReader<TcpStream>, head: &Head) -> Option<u64> {
        let mut reads = self.state.reads.subscribe();
        let mut piece = vec![0; PIECE];
        let mut count = 0;
        while let Some(mut left) = head.next_part(stream, count).await? {
            while left > 0 {
                reads.wait_for(|reads| *reads).await.ok()?;
                let most = PIECE.min(usize::try_from(left).unwrap());
                let read = stream.read(&mut piece[..most]).await.ok().filter(|read| *read > 0)?;
                left -= read as u64;
                count += read as u64;
                self.state.received.fetch_add(read as u64, Ordering::Relaxed);
            }
        }
        Some(count)
    }

    /// 128 MiB in chunks.
    async fn stream(&self, stream: &mut BufReader<TcpStream>) -> Option<()> {
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.ok()?;
        let chunk = [format!("{PIECE:x}\r\n").as_bytes(), &vec![b'x'; PIECE], b"\r\n"].concat();
        for _ in 0..2048 {
            stream.write_all(&chunk).await.ok()?;
            self.state.sent.fetch_add(PIECE as u64, Ordering::Relaxed);
        }
        stream.write_all(b"0\r\n\r\n").await.ok()
    }

    async fn echo(stream: &mut BufReader<TcpStream>) -> Option<()> {
        let head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        stream.write_all(head).await.ok()?;
        let mut piece = vec![0; PIECE];
        loop {
            let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
            stream.write_all(&piece[..read]).await.ok()?;
        }
    }
}

impl Head {
    async fn read(stream: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(stream.read_u8().await.ok()?);
        }
        let text = String::from_utf8(bytes).unwrap();
        let mut lines = text.trim_end().split("\r\n");
        let line = lines.next()?.to_owned();
        let fields = lines.map(|line| line.split_once(": ").unwrap());
        Some(Self {
            line,
            fields: fields.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        })
    }

    fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The length of the next part of a body, of which some was read; nothing at its end.
    async fn next_part(&self, stream: &mut BufReader<TcpStream>, read: u64) -> Option<Option<u64>> {
        if self.field("transfer-encoding").is_none() {
            let length: u64 = self.field("content-length").map_or(0, |length| length.parse().unwrap());
            return Some((length > read).then_some(length - read));
        }
        let mut line = String::new();
        while line.trim().is_empty() {
            line.clear();
            while !line.ends_with('\n') {
                line.push(char::from(stream.read_u8().await.ok()?));
            }
        }
        let length = u64::from_str_radix(line.trim(), 16).unwrap();
        if length == 0 {
            stream.read_u16().await.ok()?;
        }
        Some((length > 0).then_some(length))
    }

    fn shown(&self, received: u64) -> Json {
        json!({"line": self.line, "headers": self.fields, "received": received})
    }
}

/// Waits until a number grows no more: what is full stays full.
pub async fn stalled(number: impl Fn() -> u64) -> u64 {
    let mut before = number();
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        match number() {
            now if now == before && now > 0 => return now,
            now => before = now,
        }
    }
}
