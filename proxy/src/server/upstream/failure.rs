//! Why a request could not be passed on → what the client is told, and what the log is told of an answer that broke off.

use pingora_core::{Error as PingoraError, ErrorSource, ErrorType};

use crate::observe::{Cut, CutBy};
use crate::server::{body, head, wire};
use crate::{Error, ErrorCode};

/// What to tell; nothing where nobody is left to be told.
pub(crate) fn error(failure: &PingoraError) -> Option<Error> {
    let error = match failure.esource() {
        ErrorSource::Downstream => of_client(failure)?,
        ErrorSource::Upstream => of_upstream(failure.etype()),
        ErrorSource::Internal | ErrorSource::Unset => {
            Error::new(ErrorCode::Internal, "The request could not be passed on.")
        }
    };
    Some(error.logged(failure.to_string()))
}

fn of_client(failure: &PingoraError) -> Option<Error> {
    match failure.etype() {
        ErrorType::ReadTimedout => Some(body::too_slow()),
        _ if wire::is_malformed(failure) => Some(body::malformed()),
        ErrorType::InvalidHTTPHeader => Some(head::malformed("The headers cannot be passed on.")),
        _ => None,
    }
}

fn of_upstream(failure: &ErrorType) -> Error {
    match failure {
        ErrorType::ConnectTimedout
        | ErrorType::TLSHandshakeTimedout
        | ErrorType::ReadTimedout
        | ErrorType::WriteTimedout => {
            Error::new(ErrorCode::UpstreamTimeout, "The application behind did not answer in time.")
        }
        ErrorType::ConnectRefused
        | ErrorType::ConnectNoRoute
        | ErrorType::ConnectError
        | ErrorType::SocketError
        | ErrorType::TLSHandshakeFailure
        | ErrorType::InvalidCert
        | ErrorType::HandshakeError => {
            Error::new(ErrorCode::UpstreamFailed, "The application behind cannot be reached.")
        }
        _ => Error::new(ErrorCode::UpstreamFailed, "The application behind did not answer as HTTP has it."),
    }
}

/// Of an answer that ended before its end.
pub(crate) fn broken(failure: &PingoraError) -> Cut {
    let by = match failure.esource() {
        ErrorSource::Downstream => CutBy::Client,
        ErrorSource::Upstream => CutBy::Upstream,
        ErrorSource::Internal | ErrorSource::Unset => CutBy::Server,
    };
    Cut { by, words: failure.to_string() }
}
