//! A client as libraries have them, which keeps its connection while it may, of a Service as Kubernetes has them: each new connection goes to one of
//! those that are ready, and where that is refused it is not tried elsewhere.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::Reply;

/// The addresses of those that are ready, in turn.
#[derive(Clone, Debug, Default)]
pub struct Service(Arc<Mutex<Vec<SocketAddr>>>);

/// One that speaks HTTP/1.1.
pub struct Caller {
    service: Service,
    kept: Option<TcpStream>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// No connection is taken.
    Refused,
    /// The request was sent, or begun, and the answer did not come whole.
    Lost(ErrorKind),
}

impl Caller {
    /// Of a service.
    pub fn new(service: &Service) -> Self {
        Self { service: service.clone(), kept: None }
    }

    /// One request: the line without the protocol, header lines, a body.
    pub async fn ask(&mut self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Reply, Failed> {
        let mut stream = match self.kept.take().filter(is_open) {
            Some(stream) => stream,
            None => self.connect().await?,
        };
        let mut head = format!("{line} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let request = [head.as_bytes(), b"\r\n", body].concat();
        let reply = exchange(&mut stream, &request, line.starts_with("HEAD ")).await;
        let reply = reply.map_err(|error| Failed::Lost(error.kind()))?;
        if reply.header("connection") != Some("close") {
            self.kept = Some(stream);
        }
        Ok(reply)
    }

    async fn connect(&mut self) -> Result<TcpStream, Failed> {
        let address = self.service.next().ok_or(Failed::Refused)?;
        let stream = TcpStream::connect(address).await.map_err(|_| Failed::Refused)?;
        stream.set_nodelay(true).unwrap();
        Ok(stream)
    }
}

impl Service {
    /// At one address.
    pub fn at(address: SocketAddr) -> Self {
        let service = Self::default();
        service.add(address);
        service
    }

    /// One more is ready.
    pub fn add(&self, address: SocketAddr) {
        self.0.lock().unwrap().push(address);
    }

    /// One is not ready any more.
    pub fn remove(&self, address: SocketAddr) {
        self.0.lock().unwrap().retain(|other| *other != address);
    }

    /// Another one each time.
    fn next(&self) -> Option<SocketAddr> {
        let mut addresses = self.0.lock().unwrap();
        let next = addresses.pop()?;
        addresses.insert(0, next);
        Some(next)
    }
}

/// Whether the server has not closed it.
fn is_open(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

async fn exchange(stream: &mut TcpStream, request: &[u8], bodiless: bool) -> std::io::Result<Reply> {
    // A server that has refused a request reads no more of it.
    let sent = stream.write_all(request).await;
    let mut answer = Vec::new();
    loop {
        if let Some(reply) = Reply::parse(&answer, bodiless) {
            return Ok(reply);
        }
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(sent.err().unwrap_or(ErrorKind::UnexpectedEof.into()));
        }
    }
}
