//! What is refused before the body is read, whatever protocol a request came by.

use http::Method;
use http::header::{CONTENT_ENCODING, EXPECT};
use pingora_http::RequestHeader;

use super::{Settings, coding, head};
use crate::{Error, ErrorCode};

/// Of every request: too long, or not to be understood.
pub(super) fn check(header: &RequestHeader, settings: &Settings) -> crate::Result<()> {
    let url = header.raw_path();
    if url.len() > settings.url_bytes {
        let detail = format!("The URL has {} bytes, the most is {}.", url.len(), settings.url_bytes);
        return Err(Error::new(ErrorCode::UriTooLong, detail).into());
    }
    let bytes: usize = header.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > settings.header_bytes {
        let detail = format!("The headers have {bytes} bytes, the most is {}.", settings.header_bytes);
        return Err(Error::new(ErrorCode::HeadersTooLarge, detail).into());
    }
    if !header.raw_path_is_utf8() || header.method == Method::CONNECT {
        return Err(head::malformed("The request line cannot be understood.").into());
    }
    let mut expect = header.headers.get_all(EXPECT).iter();
    if expect.any(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(head::malformed("Nothing but 100-continue can be expected.").header("Expect").into());
    }
    Ok(())
}

/// Of what is answered here: codings that are not spoken.
pub(super) fn check_codings(header: &RequestHeader) -> crate::Result<()> {
    coding::Wanted::of(&header.headers)?;
    check_body_coding(header)
}

/// Bodies are taken as they are: a small one could unfold to a giant.
fn check_body_coding(header: &RequestHeader) -> crate::Result<()> {
    let mut codings = header.headers.get_all(CONTENT_ENCODING).iter();
    match codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        true => Ok(()),
        false => {
            let detail = "Bodies are taken as they are: send no Content-Encoding.";
            Err(Error::new(ErrorCode::UnsupportedMediaType, detail).header("Content-Encoding").into())
        }
    }
}
