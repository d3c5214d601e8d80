//! Why a request is not from anybody that is known, in words for whoever sent it (RFC 6750, section 3). They tell neither what is in the token nor
//! anything of keys; the log has more.

use crate::{Error, ErrorCode};

/// What is wrong with what a request shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no token.
    Missing,
    /// There is something else than a bearer token.
    Scheme,
    /// The header stands twice, or what is in it is no token.
    Header,
    /// The token is too long.
    TooLong,
    /// The token cannot be read, or is ambiguous.
    Malformed,
    /// The token is made for another purpose.
    Purpose,
    /// No key, no algorithm or no signature that counts; the words are for the log.
    Signature(&'static str),
    /// A claim that is needed is missing, or is not what it must be.
    Claim(&'static str),
    /// It is over.
    Expired,
    /// It has not begun.
    NotYet,
    /// Somebody else has issued it.
    Issuer,
    /// It is for somebody else.
    Audience,
    /// The keys to check it with are not there yet, or too many wait for them: the log says why.
    NoKeys,
}

impl Fault {
    fn code(self) -> ErrorCode {
        match self {
            Self::Missing | Self::Scheme => ErrorCode::Unauthorized,
            Self::NoKeys => ErrorCode::IdentityUnavailable,
            _ => ErrorCode::InvalidToken,
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::Missing => "Send a bearer token in the Authorization header.",
            Self::Scheme => {
                "The Authorization header must hold a bearer token: Bearer, a space, and the token."
            }
            Self::Header => "The Authorization header must stand once: Bearer, a space, and the token.",
            Self::TooLong => "The token is too long.",
            Self::Malformed => "The token cannot be read.",
            Self::Purpose => "The token is made for another purpose.",
            Self::Signature(_) => "The signature of the token is not accepted.",
            Self::Claim(words) => words,
            Self::Expired => "The token has expired.",
            Self::NotYet => "The token is not valid yet.",
            Self::Issuer => "The token comes from another issuer.",
            Self::Audience => "The token is made for another audience.",
            Self::NoKeys => "The token cannot be checked now.",
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let error = Self::new(fault.code(), fault.detail()).header("Authorization");
        match fault {
            Fault::Signature(words) => error.logged(words),
            Fault::Missing => Self { source: crate::error::Source::None, ..error },
            _ => error,
        }
    }
}
