//! A client that speaks HTTP/2 over any connection.

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Method, Request};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{PATIENCE, Reply};

/// A connection.
pub struct H2Client {
    sender: SendRequest<Bytes>,
}

impl H2Client {
    /// Begins to speak.
    pub async fn new(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self { sender }
    }

    /// One request; several may be under way.
    pub async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let (method, target) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(format!("http://localhost{target}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(()).unwrap(), body).await.unwrap()
    }

    /// One request as it stands.
    pub async fn send(&self, request: Request<()>, body: &[u8]) -> Result<Reply, h2::Error> {
        let bodiless = request.method() == Method::HEAD;
        let mut sender = self.sender.clone().ready().await?;
        let (response, mut stream) = sender.send_request(request, body.is_empty())?;
        if !body.is_empty() {
            stream.send_data(Bytes::copy_from_slice(body), true)?;
        }
        let response = tokio::time::timeout(PATIENCE, response).await.unwrap()?;
        let (head, mut data) = response.into_parts();
        let mut body = Vec::new();
        while let Some(piece) = data.data().await.transpose()? {
            body.extend_from_slice(&piece);
            data.flow_control().release_capacity(piece.len())?;
        }
        assert!(!bodiless || body.is_empty());
        let headers = head.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        Ok(Reply { status: head.status.as_u16(), headers: headers.collect(), body })
    }
}
