//! What is told of a request that has been answered, by us or by the application behind.

use std::net::IpAddr;

use http::{StatusCode, Version};
use pingora_proxy::Session;

use super::gateway::{Context, Gateway};
use super::respond;
use crate::exchange::Response;
use crate::observe::{self, Cut, Denied, Observation};
use crate::pipeline::Answer;
use crate::route;

impl Gateway {
    /// Tells an answer of the application behind.
    pub(super) fn tell(
        &self,
        session: &Session,
        context: &mut Context,
        status: StatusCode,
        cut: Option<&Cut>,
    ) {
        let response = Response::empty(status);
        let answer = Answer { response, resource: None, operation: "upstream", errors: None };
        self.observe(session, context, &answer, cut);
        if let Some(passage) = &mut context.passage {
            passage.told = true;
        }
    }

    pub(super) fn observe(&self, session: &Session, context: &Context, answer: &Answer, cut: Option<&Cut>) {
        let header = session.req_header();
        let path = header.uri.path();
        let denies = answer.errors.as_ref().is_some_and(observe::denies);
        let (endpoint, resource) = if denies { self.addressed(path) } else { ("", None) };
        let denied = denies.then(|| Denied {
            client: client(session),
            actor: context.actor.as_deref(),
            endpoint,
            resource: resource.as_deref(),
        });
        let observation = Observation {
            request_id: context.id.to_str().unwrap_or_default(),
            trace: context.spans.as_ref().map(|spans| spans.id()),
            method: header.method.as_str(),
            path,
            resource: answer.resource.as_deref(),
            operation: answer.operation,
            status: answer.response.status.as_u16(),
            elapsed: context.started.elapsed(),
            errors: answer.errors.as_ref(),
            cut,
            denied,
        };
        observe::observe(&self.app.metrics, &self.app.repeats, &observation);
        if let Some(spans) = &context.spans {
            let version = match header.version {
                Version::HTTP_10 => "1.0",
                Version::HTTP_2 => "2",
                _ => "1.1",
            };
            spans.end(&observation, self.route(path), respond::is_tls(session), version);
        }
    }

    /// The kind of path, where it is one of ours.
    fn route(&self, path: &str) -> Option<String> {
        let snapshot = self.app.snapshot().filter(|_| self.behind(path).is_none())?;
        let prefix = &snapshot.api.prefix;
        let template = route::endpoint(prefix, path).ok()?.template();
        Some(template.strip_prefix("/api").map_or(template.to_owned(), |rest| format!("{prefix}{rest}")))
    }

    /// What a path addresses, in words of the product and of the schema: none of the client's.
    fn addressed(&self, path: &str) -> (&'static str, Option<String>) {
        let Some(snapshot) = self.app.snapshot() else { return ("-", None) };
        if self.behind(path).is_some() {
            return ("upstream", None);
        }
        let Ok(endpoint) = route::endpoint(&snapshot.api.prefix, path) else { return ("-", None) };
        let table = endpoint.ty().and_then(|ty| snapshot.schema.find(ty));
        (endpoint.template(), table.map(|table| snapshot.schema[table].name.clone()))
    }
}

/// The address of the connection. What a request says about it is not asked: everybody can say it.
pub(super) fn client(session: &Session) -> Option<IpAddr> {
    session.client_addr()?.as_inet().map(|address| address.ip().to_canonical())
}
