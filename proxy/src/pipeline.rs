//! One request from end to end: the whole program at a glance.

pub mod write;

use std::sync::Arc;

use dialects::Pool;
use http::Method;

use crate::exchange::{Request, Response};
use crate::jsonapi::error_object::{self, Logged};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Result};

/// An answer, and what is observed about it.
#[derive(Debug)]
pub struct Answer {
    /// What goes to the client.
    pub response: Response,
    /// The type addressed, where there is such a type: a name of the schema, never the client's text.
    pub resource: Option<String>,
    /// What was asked: `read`, `create`, `update`, `delete`, `other`.
    pub operation: &'static str,
    /// What goes to the log about errors.
    pub errors: Vec<Logged>,
}

/// Answers a request.
pub async fn answer(pool: &Arc<Pool>, snapshot: &Arc<Snapshot>, request: Request) -> Answer {
    let operation = operation(&request.method);
    let (response, errors) = match served(pool, snapshot, request).await {
        Ok(response) => (response, Vec::new()),
        Err(errors) => error_object::response(&errors),
    };
    Answer { response, resource: None, operation, errors }
}

async fn served(_pool: &Arc<Pool>, _snapshot: &Arc<Snapshot>, request: Request) -> Result<Response> {
    Err(Error::new(ErrorCode::NotInThisVersion, format!("{} is not served yet.", request.method)).into())
}

fn operation(method: &Method) -> &'static str {
    match *method {
        Method::GET | Method::HEAD => "read",
        Method::POST => "create",
        Method::PATCH => "update",
        Method::DELETE => "delete",
        _ => "other",
    }
}
