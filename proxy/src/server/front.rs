//! Connections: pingora's proxy, with a bound on how long a connection may take to send the headers of its next request.
//!
//! pingora bounds each read alone, so that a byte now and then would hold a connection for ever.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::apps::{HttpServerApp, ReusedHttpStream};
use pingora_core::protocols::http::ServerSession;
use pingora_core::server::ShutdownWatch;
use pingora_core::server::configuration::ServerConf;
use pingora_proxy::{HttpProxy, http_proxy};
use tokio::sync::Notify;

use super::gateway::Gateway;
use super::traffic::Traffic;
use crate::app::App;

/// How long connections have, when the server stops, to send one more request and be told that it was the last.
const FAREWELL: Duration = Duration::from_millis(300);

tokio::task_local! {
    /// Told when the headers of the connection's request are complete.
    static ARRIVAL: Arc<Notify>;
}

/// The application that pingora hands connections to.
pub(super) struct Front {
    proxy: Arc<HttpProxy<Gateway>>,
    header_timeout: Duration,
}

impl Front {
    pub(super) fn new(app: Arc<App>, traffic: Traffic) -> Self {
        let header_timeout = app.settings.header_timeout;
        let gateway = Gateway::new(app, traffic);
        Self { proxy: Arc::new(http_proxy(&Arc::new(ServerConf::default()), gateway)), header_timeout }
    }
}

/// To be called on a connection's task as soon as its request's headers are complete.
pub(super) fn headers_arrived() {
    // Without a task of ours there is nobody to tell.
    let _ = ARRIVAL.try_with(|arrival| arrival.notify_one());
}

#[async_trait]
impl HttpServerApp for Front {
    async fn process_new_http(
        self: &Arc<Self>,
        session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let arrival = Arc::new(Notify::new());
        let served = ARRIVAL.scope(arrival.clone(), self.proxy.process_new_http(session, shutdown));
        tokio::pin!(served);
        tokio::select! {
            biased;
            stream = &mut served => return stream,
            () = arrival.notified() => {}
            () = tokio::time::sleep(self.header_timeout) => return None,
        }
        served.await
    }

    /// Called when no more connections are accepted. Until the idle ones are closed, answers say that they close theirs, so that a client
    /// is not cut off between two requests.
    async fn http_cleanup(&self) {
        tokio::time::sleep(FAREWELL).await;
        self.proxy.http_cleanup().await;
    }
}
