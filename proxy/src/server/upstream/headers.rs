//! The head of a request as the application behind gets it: what only Rulegate may say is taken out in every spelling, and said anew.
//!
//! What concerns one connection alone (`Connection`, `TE`, …) and how the body is framed is pingora's affair.

use std::net::IpAddr;

use http::header::{CONNECTION, HOST, UPGRADE};
use http::{HeaderName, HeaderValue, Version};
use pingora_core::Error as PingoraError;
use pingora_http::RequestHeader;
use rules::policy::Actor;

use super::Upstream;
use crate::observe::Spans;
use crate::server::gateway::REQUEST_ID;

/// Where a request has come from.
pub(crate) struct Origin<'a> {
    /// The address of the connection.
    pub(crate) client: Option<IpAddr>,
    /// Whether it is one of TLS.
    pub(crate) tls: bool,
    /// The id under which the log has it.
    pub(crate) id: &'a HeaderValue,
}

/// What proxies say, and what programs behind take for said by one (`Proxy`: they may take it for HTTP_PROXY).
const OF_PROXIES: [&str; 3] = ["forwarded", "x-real-ip", "proxy"];

/// How the other things begin that proxies say.
const OF_PROXIES_TOO: &str = "x-forwarded-";

impl Upstream {
    /// Makes a client's head one of ours. `Host` stays as the client wrote it.
    pub(crate) fn dress(
        &self,
        head: &mut RequestHeader,
        actor: &Actor,
        origin: &Origin<'_>,
    ) -> Result<(), Box<PingoraError>> {
        let own = spelled(self.header.as_str());
        let forged: Vec<HeaderName> =
            head.headers.keys().filter(|name| is_ours(name, &own)).cloned().collect();
        for name in &forged {
            head.remove_header(name);
        }
        head.insert_header("X-Forwarded-Proto", if origin.tls { "https" } else { "http" })?;
        if let Some(client) = origin.client {
            head.insert_header("X-Forwarded-For", client.to_canonical().to_string())?;
        }
        if let Some(host) = head.headers.get(HOST).cloned() {
            head.insert_header("X-Forwarded-Host", host)?;
        }
        head.insert_header(REQUEST_ID, origin.id.clone())?;
        if let Some(identity) = &self.identity {
            head.insert_header(self.header.clone(), identity.token(actor))?;
        }
        Ok(())
    }
}

/// Makes what the application does for a request a part of its trace.
pub(crate) fn hand_on(head: &mut RequestHeader, spans: &Spans) -> Result<(), Box<PingoraError>> {
    for (name, value) in spans.headers() {
        head.remove_header(&name);
        if let Some(value) = value {
            head.insert_header(name, value)?;
        }
    }
    Ok(())
}

/// Whether a client may not say this, the name of our own header among them.
fn is_ours(name: &HeaderName, own: &str) -> bool {
    let name = spelled(name.as_str());
    name == own || OF_PROXIES.contains(&name.as_str()) || name.starts_with(OF_PROXIES_TOO)
}

/// One spelling for all that programs may take for the same: many turn whatever is no letter and no digit into `_`.
fn spelled(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// Whether a request asks for a WebSocket.
pub(crate) fn is_upgrade(head: &RequestHeader) -> bool {
    let websocket =
        head.headers.get(UPGRADE).is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"websocket"));
    head.version == Version::HTTP_11 && websocket && head.headers.contains_key(CONNECTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_we_may_say_is_known_in_every_spelling() {
        let own = spelled("Rulegate-Actor");
        for name in [
            "rulegate-actor",
            "rulegate_actor",
            "rulegate.actor",
            "RuleGate-ACTOR",
            "x-forwarded-for",
            "x_forwarded_for",
            "x-forwarded_port",
            "forwarded",
            "x-real_ip",
            "proxy",
        ] {
            assert!(is_ours(&name.to_ascii_lowercase().parse().unwrap(), &own), "{name}");
        }
        for name in [
            "authorization",
            "cookie",
            "rulegate-actors",
            "x-forwarded",
            "rulegateactor",
            "proxy-authorization",
        ] {
            assert!(!is_ours(&name.parse().unwrap(), &own), "{name}");
        }
    }
}
