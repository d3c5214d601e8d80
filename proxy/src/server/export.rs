//! Sending an answer that is made while it is sent: at the pace of its reader, and so that an end before its end shows.
//!
//! HTTP/1.1: the last chunk is missing and the connection is closed; HTTP/2: the stream is reset. HTTP/1.0 has no such sign, and so gets
//! no export.

use std::io;

use bytes::Bytes;
use pingora_core::{Error as PingoraError, ErrorType};
use pingora_proxy::Session;

use super::coding::{Coding, Encoder};
use super::respond::write;
use super::traffic::Traffic;
use crate::observe::{Cut, CutBy};
use crate::run::export::Export;

/// Sends what there is and then the rest, until the client is gone, the database fails or the server stops.
pub(super) async fn send(
    session: &mut Session,
    first: Bytes,
    rest: Export,
    coding: Option<Coding>,
    traffic: &Traffic,
) -> Result<(), Cut> {
    let sent = tokio::select! {
        biased;
        () = traffic.is_cut() => Err(cut(CutBy::Server, "the server stops")),
        sent = all(session, first, rest, coding) => sent,
    };
    // On HTTP/1 the connection is closed with the session, and nothing more is waited for.
    if sent.is_err() && session.is_http2() {
        session.shutdown().await;
    }
    sent
}

async fn all(
    session: &mut Session,
    first: Bytes,
    mut rest: Export,
    coding: Option<Coding>,
) -> Result<(), Cut> {
    let mut encoder = coding.map(Encoder::new).transpose().map_err(uncoded)?;
    let mut piece = first;
    loop {
        if let Some(encoder) = &mut encoder {
            piece = encoder.push_through(&piece).map_err(uncoded)?.into();
        }
        write(session, piece, false).await.map_err(unsent)?;
        let next = tokio::select! {
            biased;
            error = gone(session) => return Err(unsent(error)),
            next = rest.next() => next.map_err(|error| cut(CutBy::Database, error))?,
        };
        match next {
            Some(bytes) => piece = bytes.into(),
            None => break,
        }
    }
    let last = encoder.map(Encoder::finish).transpose().map_err(uncoded)?;
    write(session, last.unwrap_or_default().into(), true).await.map_err(unsent)
}

/// Waits until the client closes its side.
async fn gone(session: &mut Session) -> Box<PingoraError> {
    match session.read_body_or_idle(true).await {
        Err(error) => error,
        Ok(_) => PingoraError::new(ErrorType::ConnectionClosed),
    }
}

fn unsent(error: Box<PingoraError>) -> Cut {
    cut(CutBy::Client, error)
}

fn uncoded(error: io::Error) -> Cut {
    cut(CutBy::Server, error)
}

fn cut(by: CutBy, words: impl ToString) -> Cut {
    Cut { by, words: words.to_string() }
}
