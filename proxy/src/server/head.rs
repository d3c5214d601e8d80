//! The head of an HTTP/1 request, judged before anything acts on it: what two readers could understand differently is refused.
//!
//! A head is what stands up to and with the empty line. The grammar is that of RFC 9112 without its leniencies: no line ends but
//! CRLF, no folded lines, one way of framing a body, one Host. It must not know what a path or a header means.

use http::Uri;

use crate::{Error, ErrorCode, Errors, Result};

/// How the body behind a head is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes; none where nothing is said.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// Most header lines.
const FIELDS_MAX: usize = 100;

/// A header line.
type Field<'a> = (&'a [u8], &'a [u8]);

/// The first line.
struct Line<'a> {
    target: &'a [u8],
    /// HTTP/1.0.
    old: bool,
}

/// Where the head ends, if it does; `from`: what has been looked at before. Errors: a line that does not end as lines do.
pub(super) fn end(bytes: &[u8], from: usize) -> Result<Option<usize>> {
    let back = |count: usize| from.saturating_sub(count);
    let rest = bytes.get(back(3)..).unwrap_or_default();
    if let Some(at) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
        return Ok(Some(back(3) + at + 4));
    }
    let rest = bytes.get(back(1)..).unwrap_or_default();
    let bare =
        bytes.first() == Some(&b'\n') || rest.windows(2).any(|two| matches!(two, [b, b'\n'] if *b != b'\r'));
    if bare { Err(bare_line_end()) } else { Ok(None) }
}

/// Judges a whole head.
pub(super) fn check(head: &[u8]) -> Result<Framing> {
    let mut lines = lines(head)?.into_iter();
    let line = line(lines.next().unwrap_or_default())?;
    let fields: Vec<Field<'_>> = lines.map(field).collect::<Result<_>>()?;
    if fields.len() > FIELDS_MAX {
        let detail = format!("There are {} header lines, the most is {FIELDS_MAX}.", fields.len());
        return Err(Error::new(ErrorCode::HeadersTooLarge, detail).into());
    }
    host(&line, &values(&fields, "host"))?;
    framing(&line, &values(&fields, "content-length"), &values(&fields, "transfer-encoding"))
}

/// Whether a head that has been judged asks for another protocol.
pub(super) fn asks_for_upgrade(head: &[u8]) -> bool {
    let name = b"upgrade:";
    head.split(|b| *b == b'\n')
        .any(|line| line.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name)))
}

fn lines(head: &[u8]) -> Result<Vec<&[u8]>> {
    let head = head.strip_suffix(b"\r\n\r\n").unwrap_or(head);
    let mut lines: Vec<&[u8]> = head.split(|b| *b == b'\n').collect();
    let last = lines.pop();
    let ended = lines.into_iter().map(|line| line.strip_suffix(b"\r").ok_or_else(bare_line_end));
    let lines: Vec<&[u8]> = ended.chain(last.map(Ok)).collect::<Result<_>>()?;
    match lines.iter().any(|line| line.contains(&b'\r')) {
        true => Err(bare_line_end()),
        false => Ok(lines),
    }
}

/// `METHOD SP target SP HTTP/1.x`.
fn line(text: &[u8]) -> Result<Line<'_>> {
    let mut parts = text.split(|b| *b == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("The request line is not `METHOD /path HTTP/1.1`.").into());
    };
    let old = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err(malformed("HTTP/1.1, HTTP/1.0 and HTTP/2 are spoken here.").into()),
    };
    if !is_token(method) {
        return Err(malformed("The method is no token.").into());
    }
    let path =
        target.starts_with(b"/") || authority(target).is_some() || (method, target) == (b"OPTIONS", b"*");
    let text =
        std::str::from_utf8(target).is_ok_and(|text| !text.contains(|c: char| c.is_control() || c == '#'));
    match path && text {
        true if !is_encoded(target) => {
            Err(malformed("A character of the target must be percent-encoded: write %22 for a quote.").into())
        }
        true => Ok(Line { target, old }),
        false => Err(malformed("The target is neither a path nor a URL of this server.").into()),
    }
}

/// Whether there is nothing in a target that cannot stand in a URL: whoever reads it after us gives up without a word.
fn is_encoded(target: &[u8]) -> bool {
    Uri::try_from(target).is_ok()
}

/// `name: value`.
fn field(line: &[u8]) -> Result<Field<'_>> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err(malformed("A header goes on on a second line.").into());
    }
    let colon = line.iter().position(|b| *b == b':');
    let (name, value) = colon.and_then(|at| line.split_at_checked(at)).unwrap_or((line, b""));
    let value = value.strip_prefix(b":").map(<[u8]>::trim_ascii);
    match value.filter(|value| is_token(name) && !value.iter().any(is_control)) {
        Some(value) => Ok((name, value)),
        None => Err(malformed("A header is not `Name: value`.").into()),
    }
}

/// RFC 9112, 3.2: one, and no other than that of a target which is a URL.
fn host(line: &Line<'_>, hosts: &[&[u8]]) -> Result<()> {
    let refused = |detail: &str| Err(malformed(detail).header("Host").into());
    match (hosts, authority(line.target)) {
        ([], _) if line.old => Ok(()),
        ([], _) => refused("The Host header is missing."),
        ([host], None) if is_host(host) => Ok(()),
        ([host], Some(authority)) if is_host(host) && *host == authority => Ok(()),
        ([host], Some(_)) if is_host(host) => {
            refused("The Host header names another server than the target.")
        }
        ([_], _) => refused("The Host header is no host."),
        _ => refused("The Host header stands there more than once."),
    }
}

/// RFC 9112, 6.3, where each doubt is an error: who forwards a request and who serves it must not differ about its end.
fn framing(line: &Line<'_>, lengths: &[&[u8]], codings: &[&[u8]]) -> Result<Framing> {
    let refused = |header: &str, detail: &str| Err(malformed(detail).header(header).into());
    match (lengths, codings) {
        ([], []) => Ok(Framing::Length(0)),
        ([_, ..], [_, ..]) => {
            refused("Transfer-Encoding", "Content-Length and Transfer-Encoding exclude each other.")
        }
        (_, [_, ..]) if line.old => refused("Transfer-Encoding", "HTTP/1.0 has no Transfer-Encoding."),
        (_, [coding]) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        (_, [_, ..]) => refused("Transfer-Encoding", "No other Transfer-Encoding than chunked is taken."),
        ([length], _) => match number(length) {
            Some(length) => Ok(Framing::Length(length)),
            None => refused("Content-Length", "The Content-Length is no number of bytes."),
        },
        _ => refused("Content-Length", "The Content-Length stands there more than once."),
    }
}

fn values<'a>(fields: &[Field<'a>], name: &str) -> Vec<&'a [u8]> {
    let named = fields.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()));
    named.map(|(_, value)| *value).collect()
}

/// The authority of a target that is a URL.
fn authority(target: &[u8]) -> Option<&[u8]> {
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme.as_bytes()).then_some(rest)
    })?;
    rest.split(|b| b"/?".contains(b)).next()
}

/// `name`, `name:port`, `[address]:port`: the characters of RFC 3986's host, no user, at most one port.
fn is_host(host: &[u8]) -> bool {
    let (name, port) = match host.iter().rposition(|b| *b == b':') {
        Some(at) if !host.ends_with(b"]") => host.split_at_checked(at).unwrap_or((host, b"")),
        _ => (host, &b""[..]),
    };
    let inner = name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]"));
    let named = |b: &u8| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(b);
    let name = match inner {
        Some(address) => {
            !address.is_empty() && address.iter().all(|b| b.is_ascii_hexdigit() || b".:".contains(b))
        }
        None => !name.is_empty() && name.iter().all(named),
    };
    let digits = port.strip_prefix(b":").unwrap_or_default();
    name && digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit)
}

/// RFC 9110, 5.6.2.
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b))
}

pub(super) fn is_control(b: &u8) -> bool {
    b.is_ascii_control() && *b != b'\t'
}

fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn bare_line_end() -> Errors {
    malformed("Lines end with CRLF, and neither character stands anywhere else.").into()
}

pub(super) fn malformed(detail: &str) -> Error {
    Error::new(ErrorCode::MalformedRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(head: &str, words: &str) {
        match check(head.as_bytes()) {
            Ok(framing) => panic!("{head:?} is {framing:?}"),
            Err(errors) => {
                let detail = &errors.iter().next().unwrap().detail;
                assert!(detail.contains(words), "{head:?}: {detail}");
            }
        }
    }

    fn get(fields: &str) -> String {
        format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n")
    }

    #[test]
    fn a_head_says_how_its_body_is_framed() {
        for (head, expect) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", Framing::Length(0)),
            ("GET / HTTP/1.0\r\n\r\n", Framing::Length(0)),
            (
                "POST /a?b=[c]&d={e:'ü'} HTTP/1.1\r\nhost:x:80\r\ncontent-length:\t12 \r\n\r\n",
                Framing::Length(12),
            ),
            ("POST / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: Chunked\r\n\r\n", Framing::Chunked),
            ("GET http://a.b/c HTTP/1.1\r\nHost: a.b\r\n\r\n", Framing::Length(0)),
            ("OPTIONS * HTTP/1.1\r\nHost: x\r\nX: a \u{fc} b\r\nEmpty:\r\n\r\n", Framing::Length(0)),
        ] {
            assert_eq!(check(head.as_bytes()), Ok(expect), "{head:?}");
        }
    }

    #[test]
    fn what_is_no_request_line_is_refused() {
        for line in
            ["", "GET", "GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET\t/ HTTP/1.1"]
        {
            refused(&format!("{line}\r\nHost: x\r\n\r\n"), "request line");
        }
        for line in ["GET / HTTP/1.2", "GET / http/1.1", "PRI * HTTP/2.0", "GET / HTTP/11"] {
            refused(&format!("{line}\r\nHost: x\r\n\r\n"), "spoken here");
        }
        for line in [
            "GET * HTTP/1.1",
            "GET a HTTP/1.1",
            "CONNECT a:1 HTTP/1.1",
            "GET /#a HTTP/1.1",
            "GET ftp://x/ HTTP/1.1",
            "GET /\u{1} HTTP/1.1",
            "GET /\u{7f} HTTP/1.1",
            "GET /\u{85} HTTP/1.1",
            "GET http:/x HTTP/1.1",
            "GET \\ HTTP/1.1",
        ] {
            refused(&format!("{line}\r\nHost: x\r\n\r\n"), "target");
        }
        for line in ["GET /?a=\"b\" HTTP/1.1", "GET /?<b> HTTP/1.1", "GET http://x/?a=\"b\" HTTP/1.1"] {
            refused(&format!("{line}\r\nHost: x\r\n\r\n"), "percent-encoded");
        }
        refused("G\u{e4}T / HTTP/1.1\r\nHost: x\r\n\r\n", "token");
        assert!(check(b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n").is_err());
    }

    #[test]
    fn what_is_no_header_line_is_refused() {
        for fields in ["A : b", "A", ": b", "A b: c", "A(: b", "A: b\u{0}", "A: \u{7f}"] {
            refused(&get(fields), "`Name: value`");
        }
        for fields in ["A: b\r\n c", "A: b\r\n\tc"] {
            refused(&get(fields), "second line");
        }
        for fields in ["A: b\nC: d", "A: b\rC: d", "A: b\r\r\nC: d", "A: b\n"] {
            refused(&get(fields), "CRLF");
        }
        refused(&get("A: b\r\n".repeat(100).trim_end()), "most is 100");
    }

    #[test]
    fn there_is_one_host() {
        for host in [
            "a@b", "a/b", "a b", "a,b:c", "a:b", "a:123456", "", ":80", "[::1", "[]", "a\\b", "[::1]x", "a?b",
        ] {
            refused(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), "no host");
        }
        refused("GET / HTTP/1.1\r\n\r\n", "missing");
        refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "more than once");
        refused("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", "another server");
        refused("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "another server");
    }

    #[test]
    fn a_body_is_framed_in_one_way() {
        for fields in [
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding:",
            "Content-Length: 1\r\nContent-Length: 1",
            "Content-Length: 1, 1",
            "Content-Length: +1",
            "Content-Length: -1",
            "Content-Length: 0x1",
            "Content-Length: 1 1",
            "Content-Length:",
            "Content-Length: 99999999999999999999",
        ] {
            assert!(check(get(fields).as_bytes()).is_err(), "{fields:?}");
        }
        refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0");
    }

    #[test]
    fn the_end_is_found_however_the_bytes_arrive() {
        let bytes = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nbody\n";
        let mut from = 0;
        for arrived in 1..=27 {
            let end = end(&bytes[..arrived], from).unwrap();
            assert_eq!(end, (arrived == 27).then_some(27), "{arrived}");
            from = arrived;
        }
        assert_eq!(end(bytes, 20).unwrap(), Some(27));
        for (bytes, from) in [(&b"\n"[..], 0), (b"GET / HTTP/1.1\n", 0), (b"GET / HTTP/1.1\n", 14)] {
            assert!(end(bytes, from).is_err(), "{bytes:?}");
        }
    }
}
