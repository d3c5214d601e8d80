//! Connections that arrive while the server stops: the kernel has accepted them, so that dropping them would lose requests.
//!
//! pingora's accept loop ends at once. A second handle on the listener keeps what has queued up behind it until it is answered here.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use pingora_core::apps::ServerApp as _;
use pingora_core::listeners::tls::{Acceptor, TlsSettings};
use pingora_core::protocols::IO;
use pingora_core::protocols::l4::stream::Stream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::front::Front;
use super::traffic::Traffic;
use crate::app::App;

/// How long such a connection may take to send its request.
const PATIENCE: Duration = Duration::from_millis(500);

/// Answers what is left in the listener's queue.
pub(super) struct Late {
    listener: TcpListener,
    front: Arc<Front>,
    tls: Option<Arc<Acceptor>>,
}

impl Late {
    /// With a handle of its own on the listener.
    pub(super) fn new(
        listener: &TcpListener,
        app: Arc<App>,
        traffic: Traffic,
        tls: Option<TlsSettings>,
    ) -> std::io::Result<Self> {
        let front = Arc::new(Front::new(app, traffic));
        let tls = tls.map(|settings| Arc::new(settings.build()));
        Ok(Self { listener: listener.try_clone()?, front, tls })
    }

    /// Empties the queue and closes the listener.
    pub(super) async fn answer(self) {
        let (_, stopping) = watch::channel(true);
        let mut connections = JoinSet::new();
        while let Some(stream) = self.accept() {
            let (front, stopping, tls) = (self.front.clone(), stopping.clone(), self.tls.clone());
            connections.spawn(async move {
                let stream: Box<dyn IO> = match tls {
                    None => Box::new(stream),
                    Some(tls) => Box::new(tls.tls_handshake(stream).await.ok()?),
                };
                front.process_new(stream, &stopping).await
            });
        }
        drop(self.listener);
        let all = async { while connections.join_next().await.is_some() {} };
        // What has sent nothing by then is no request; what is being answered is awaited with all the others.
        let _ = tokio::time::timeout(PATIENCE, all).await;
        connections.detach_all();
    }

    /// The next one, if there is one.
    fn accept(&self) -> Option<Stream> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => return connected(stream).ok(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }
}

fn connected(stream: TcpStream) -> std::io::Result<Stream> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    Ok(Stream::from(tokio::net::TcpStream::from_std(stream)?))
}
