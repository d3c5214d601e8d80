//! Content codings of answers (RFC 9110, 8.4): zstd, br and gzip, as the client weighs them.
//!
//! A coded answer is another representation than the plain one, and so its strong ETag is another: `"a.b"` becomes `"a.b-gzip"`. What a
//! client sends back loses that ending again before anybody compares it. Bodies are coded in pieces, so that a long one keeps no
//! thread from its other work; [`Encoder`] takes one piece after the other and knows nothing of how many there will be.

use std::io;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::exchange::Response;
use crate::jsonapi::media::quality;
use crate::{Error, ErrorCode, Result};

/// A coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Zstd,
    Brotli,
    Gzip,
}

/// What a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The coding that it likes best.
    pub(super) coding: Option<Coding>,
    /// Whether it takes answers as they are.
    pub(super) plain: bool,
}

/// What is at work.
pub(super) enum Encoder {
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
}

/// Shorter answers are sent as they are: they fit into one packet anyway.
const BYTES_MIN: usize = 1024;

/// Coded at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Levels at which time and size are in proportion for JSON that is made for one request.
const ZSTD_LEVEL: i32 = 3;
const BROTLI_QUALITY: u32 = 4;
const GZIP_LEVEL: u32 = 4;

/// Brotli's window, as a power of two, and its buffer.
const BROTLI_WINDOW: u32 = 19;
const BROTLI_BUFFER_BYTES: usize = 4096;

impl Coding {
    /// All of them; the first wins where a client does not care.
    const ALL: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What coded answers have at the end of their ETags.
    fn ending(self) -> String {
        format!("-{}\"", self.name())
    }
}

impl Wanted {
    /// Of the answer to a request that could not be understood.
    pub(super) const PLAIN: Self = Self { coding: None, plain: true };

    /// As `Accept-Encoding` says. Errors: 400 for a weight that is none, 406 where nothing is left.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self> {
        let weights = weights(headers)?;
        let weight = |name: &str| weights.iter().find(|(own, _)| own == name).map(|(_, weight)| *weight);
        let (identity, others) = (weight("identity"), weight("*"));
        let mut best = (identity.unwrap_or(0).max(1), None);
        for coding in Coding::ALL.into_iter().rev() {
            let weight = weight(coding.name()).or(others).unwrap_or(0);
            if weight >= best.0 {
                best = (weight, Some(coding));
            }
        }
        let wanted = Self { coding: best.1, plain: identity.or(others) != Some(0) };
        match wanted {
            Self { coding: None, plain: false } => {
                let detail = "There are zstd, br, gzip, and identity.";
                Err(Error::new(ErrorCode::NotAcceptable, detail).header("Accept-Encoding").into())
            }
            wanted => Ok(wanted),
        }
    }

    /// The coding of an answer of this type and length; of a length that is not known yet, where there is none.
    pub(super) fn coding_of(self, headers: &HeaderMap, length: Option<usize>) -> Option<Coding> {
        let worth = length.is_none_or(|bytes| bytes >= BYTES_MIN) && is_text(headers);
        self.coding.filter(|_| (worth || !self.plain) && !headers.contains_key(CONTENT_ENCODING))
    }
}

/// Names in lower case, and their weights in thousandths.
fn weights(headers: &HeaderMap) -> Result<Vec<(String, u16)>> {
    let mut weights = Vec::new();
    for value in headers.get_all(ACCEPT_ENCODING) {
        let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        for item in text.split(',').filter(|item| !item.trim().is_empty()) {
            let (name, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            let weight = weight.trim().strip_prefix("q=").and_then(quality).ok_or_else(no_weight)?;
            let name = name.trim();
            weights.push((name.strip_prefix("x-").unwrap_or(name).to_owned(), weight));
        }
    }
    Ok(weights)
}

fn no_weight() -> Error {
    let detail = "The weights of codings go from 0 to 1 with at most three decimals.";
    Error::new(ErrorCode::MalformedRequest, detail).header("Accept-Encoding")
}

/// Whether the type is one that becomes smaller.
fn is_text(headers: &HeaderMap) -> bool {
    let ty = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let ty = String::from_utf8_lossy(ty).to_ascii_lowercase();
    let ty = ty.split(';').next().unwrap_or_default();
    ty.starts_with("text/") || ["json", "javascript", "xml"].iter().any(|word| ty.ends_with(word))
}

/// The answer in the coding that is wanted, where that is worth it. One that is made while it is sent is coded then, by the coding told
/// here.
pub(super) async fn encode(mut response: Response, wanted: Wanted) -> (Response, Option<Coding>) {
    if response.rest.is_some() {
        let coding = wanted.coding_of(&response.headers, None);
        coding.iter().for_each(|coding| mark(&mut response.headers, *coding));
        return (response, coding);
    }
    let coding = wanted.coding_of(&response.headers, Some(response.body.len()));
    let Some(coding) = coding.filter(|_| !response.body.is_empty()) else { return (response, None) };
    match whole(coding, &response.body).await {
        Ok(body) => {
            response.body = body;
            mark(&mut response.headers, coding);
        }
        Err(error) => tracing::error!(%error, "an answer could not be coded, and is sent as it is"),
    }
    (response, None)
}

/// Says that an answer is coded.
pub(super) fn mark(headers: &mut HeaderMap, coding: Coding) {
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    let Some(tag) = headers.get(ETAG).and_then(|tag| tag.to_str().ok()) else { return };
    if let Some(coded) = with_ending(tag, coding) {
        headers.insert(ETAG, coded);
    }
}

fn with_ending(tag: &str, coding: Coding) -> Option<HeaderValue> {
    let open = tag.strip_suffix('"').filter(|tag| tag.starts_with('"'))?;
    HeaderValue::from_str(&format!("{open}{}", coding.ending())).ok()
}

/// Takes the endings off the ETags that a client sends back.
pub(super) fn without_endings(headers: &mut HeaderMap) {
    for name in [IF_MATCH, IF_NONE_MATCH] {
        for value in headers.get_all(&name).iter().cloned().collect::<Vec<_>>() {
            let Some(plain) = value.to_str().ok().and_then(plain) else { continue };
            headers.remove(&name);
            headers.append(&name, plain);
        }
    }
}

fn plain(tags: &str) -> Option<HeaderValue> {
    let mut plain = tags.to_owned();
    for coding in Coding::ALL {
        plain = plain.replace(&coding.ending(), "\"");
    }
    (plain != tags).then(|| HeaderValue::from_str(&plain).ok())?
}

/// What a 304 confirms is the copy that the client has, in the coding that it has it in.
pub(super) fn confirm(response: &mut Response, asked: &HeaderMap) {
    let tag = response.headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    let (StatusCode::NOT_MODIFIED, Some(tag)) = (response.status, tag) else { return };
    let asked = String::from_utf8_lossy(asked.get(IF_NONE_MATCH).map_or(b"", HeaderValue::as_bytes));
    let endings = Coding::ALL.into_iter().filter_map(|coding| with_ending(tag, coding));
    let coded = endings.into_iter().find(|coded| coded.to_str().is_ok_and(|coded| asked.contains(coded)));
    if let Some(coded) = coded {
        response.headers.insert(ETAG, coded);
    }
}

async fn whole(coding: Coding, body: &[u8]) -> io::Result<Bytes> {
    let mut encoder = Encoder::new(coding)?;
    let mut coded = Vec::new();
    for piece in body.chunks(PIECE_BYTES) {
        coded.extend(encoder.push(piece)?);
        tokio::task::yield_now().await;
    }
    coded.extend(encoder.finish()?);
    Ok(coded.into())
}

impl Encoder {
    pub(super) fn new(coding: Coding) -> io::Result<Self> {
        let into = Vec::new();
        Ok(match coding {
            Coding::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(into, ZSTD_LEVEL)?),
            Coding::Brotli => {
                let (buffer, quality, window) = (BROTLI_BUFFER_BYTES, BROTLI_QUALITY, BROTLI_WINDOW);
                Self::Brotli(Box::new(brotli::CompressorWriter::new(into, buffer, quality, window)))
            }
            Coding::Gzip => {
                Self::Gzip(flate2::write::GzEncoder::new(into, flate2::Compression::new(GZIP_LEVEL)))
            }
        })
    }

    /// Codes a piece; what comes out may be of the pieces before, or nothing yet.
    pub(super) fn push(&mut self, piece: &[u8]) -> io::Result<Vec<u8>> {
        self.writer().write_all(piece)?;
        Ok(std::mem::take(self.out()))
    }

    /// Likewise, and all of it comes out.
    pub(super) fn push_through(&mut self, piece: &[u8]) -> io::Result<Vec<u8>> {
        self.writer().write_all(piece)?;
        self.writer().flush()?;
        Ok(std::mem::take(self.out()))
    }

    fn writer(&mut self) -> &mut dyn io::Write {
        match self {
            Self::Zstd(encoder) => encoder,
            Self::Brotli(encoder) => encoder,
            Self::Gzip(encoder) => encoder,
        }
    }

    fn out(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Zstd(encoder) => encoder.get_mut(),
            Self::Brotli(encoder) => encoder.get_mut(),
            Self::Gzip(encoder) => encoder.get_mut(),
        }
    }

    /// The rest.
    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd(encoder) => encoder.finish(),
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
            Self::Gzip(encoder) => encoder.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use http::HeaderName;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        [(name, HeaderValue::from_str(value).unwrap())].into_iter().collect()
    }

    #[test]
    fn the_coding_is_the_one_that_the_client_likes_best() {
        use Coding::{Brotli, Gzip, Zstd};
        for (accept, coding, plain) in [
            ("", None, true),
            ("gzip", Some(Gzip), true),
            ("gzip, deflate, br, zstd", Some(Zstd), true),
            ("gzip, deflate, br", Some(Brotli), true),
            ("X-GZip", Some(Gzip), true),
            ("gzip;q=0.9, br;q=0.8", Some(Gzip), true),
            ("gzip;q=1.0, *;q=0.5", Some(Gzip), true),
            ("*", Some(Zstd), true),
            ("gzip;q=0", None, true),
            ("*;q=0, gzip", Some(Gzip), false),
            ("identity;q=0, br", Some(Brotli), false),
            ("identity, gzip;q=0.5", None, true),
            ("identity;q=0.5, gzip;q=1", Some(Gzip), true),
            ("compress, deflate", None, true),
            (" , ", None, true),
        ] {
            let wanted = Wanted::of(&headers(ACCEPT_ENCODING, accept));
            assert_eq!(wanted, Ok(Wanted { coding, plain }), "{accept}");
        }
        assert_eq!(Wanted::of(&HeaderMap::new()), Ok(Wanted::PLAIN));
        for (accept, status) in
            [("identity;q=0", 406), ("*;q=0", 406), ("gzip;q=2", 400), ("gzip;level=9", 400)]
        {
            let errors = Wanted::of(&headers(ACCEPT_ENCODING, accept)).unwrap_err();
            assert_eq!(errors.status(), status, "{accept}");
        }
    }

    #[test]
    fn what_is_short_or_no_text_is_sent_as_it_is() {
        let wanted = Wanted { coding: Some(Coding::Gzip), plain: true };
        for (ty, length, expect) in [
            ("application/vnd.api+json", Some(1024), true),
            ("application/vnd.api+json;ext=\"x\"", None, true),
            ("text/csv; charset=utf-8", None, true),
            ("application/x-ndjson", None, true),
            ("text/javascript", Some(5000), true),
            ("image/svg+xml", Some(5000), true),
            ("application/vnd.api+json", Some(1023), false),
            ("image/png", Some(5000), false),
            ("", Some(5000), false),
        ] {
            let headers = headers(CONTENT_TYPE, ty);
            assert_eq!(wanted.coding_of(&headers, length).is_some(), expect, "{ty} {length:?}");
        }
        let only = Wanted { plain: false, ..wanted };
        assert!(only.coding_of(&headers(CONTENT_TYPE, "image/png"), Some(1)).is_some());
        assert!(only.coding_of(&headers(CONTENT_ENCODING, "br"), Some(5000)).is_none());
    }

    #[tokio::test]
    async fn a_body_comes_out_as_it_went_in() {
        let body: Vec<u8> = (0..300_000_u32).flat_map(|n| (n % 251).to_string().into_bytes()).collect();
        for coding in Coding::ALL {
            let coded = whole(coding, &body).await.unwrap();
            let mut plain = Vec::new();
            match coding {
                Coding::Zstd => plain = zstd::decode_all(&coded[..]).unwrap(),
                Coding::Brotli => {
                    brotli::Decompressor::new(&coded[..], 4096).read_to_end(&mut plain).unwrap();
                }
                Coding::Gzip => {
                    flate2::read::GzDecoder::new(&coded[..]).read_to_end(&mut plain).unwrap();
                }
            }
            assert!(plain == body && coded.len() < body.len() / 4, "{coding:?}");
        }
    }

    #[test]
    fn etags_of_coded_answers_are_their_own() {
        let mut answer = headers(ETAG, "\"a.b\"");
        mark(&mut answer, Coding::Gzip);
        assert_eq!(answer[ETAG], "\"a.b-gzip\"");
        let mut weak = headers(ETAG, "W/\"a\"");
        mark(&mut weak, Coding::Gzip);
        assert_eq!(weak[ETAG], "W/\"a\"");
        let mut asked = headers(IF_NONE_MATCH, "\"x-br\", \"a.b-gzip\"");
        let copy = asked.clone();
        without_endings(&mut asked);
        assert_eq!(asked[IF_NONE_MATCH], "\"x\", \"a.b\"");
        let mut fresh = Response::empty(StatusCode::NOT_MODIFIED).header(ETAG, "\"a.b\"");
        confirm(&mut fresh, &copy);
        assert_eq!(fresh.headers[ETAG], "\"a.b-gzip\"");
        let mut plain = Response::empty(StatusCode::NOT_MODIFIED).header(ETAG, "\"a.b\"");
        confirm(&mut plain, &headers(IF_NONE_MATCH, "\"a.b\""));
        assert_eq!(plain.headers[ETAG], "\"a.b\"");
    }
}
