//! The framing of a chunked body (RFC 9112, 7.1), read along while the bytes pass: where it ends, and that it is framed in no doubtful way.
//!
//! Extensions and trailers are let pass, because they mean nothing here, as long as they are lines as lines should be.

use super::head::{is_control, is_token};

/// Longest line of a size with its extensions, and of a trailer.
const LINE_MAX: usize = 1024;

/// Most trailers.
const TRAILERS_MAX: usize = 32;

/// Most digits of a size.
const DIGITS_MAX: usize = 15;

/// A body on its way.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    at: Place,
    /// What has come of a line.
    line: Vec<u8>,
    trailers: usize,
}

/// Where in the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// In the line of a size.
    #[default]
    Size,
    /// In the data, with so many bytes left.
    Data(u64),
    /// Behind the data, in the line end.
    DataEnd,
    /// In the lines behind the last chunk.
    Trailers,
    /// Behind the body.
    Done,
}

/// The body is not framed as bodies are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Chunks {
    /// Looks at the next bytes. Tells how many of them belong to the body.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut rest = bytes;
        while let (false, Some((first, others))) = (self.is_done(), rest.split_first()) {
            rest = match self.at {
                Place::Data(left) => {
                    let count = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    let left = left - count as u64;
                    self.at = if left == 0 { Place::DataEnd } else { Place::Data(left) };
                    rest.get(count..).unwrap_or_default()
                }
                _ => {
                    self.take(*first)?;
                    others
                }
            };
        }
        Ok(bytes.len() - rest.len())
    }

    /// Whether all of it has passed.
    pub(super) fn is_done(&self) -> bool {
        self.at == Place::Done
    }

    /// One byte of a line.
    fn take(&mut self, byte: u8) -> Result<(), Malformed> {
        let after_cr = self.line.last() == Some(&b'\r');
        if (byte == b'\n') != after_cr || self.line.len() > LINE_MAX {
            return Err(Malformed);
        }
        if byte != b'\n' {
            self.line.push(byte);
            return Ok(());
        }
        let mut line = std::mem::take(&mut self.line);
        line.pop();
        self.at = self.end(&line)?;
        Ok(())
    }

    /// The end of a line.
    fn end(&mut self, line: &[u8]) -> Result<Place, Malformed> {
        match self.at {
            Place::DataEnd if line.is_empty() => Ok(Place::Size),
            Place::Size => match size(line).ok_or(Malformed)? {
                0 => Ok(Place::Trailers),
                size => Ok(Place::Data(size)),
            },
            Place::Trailers if line.is_empty() => Ok(Place::Done),
            Place::Trailers if self.trailers < TRAILERS_MAX && is_trailer(line) => {
                self.trailers += 1;
                Ok(Place::Trailers)
            }
            _ => Err(Malformed),
        }
    }
}

/// `1f`, `1f;name=value`.
fn size(line: &[u8]) -> Option<u64> {
    let (digits, extension) = match line.iter().position(|b| *b == b';') {
        Some(at) => line.split_at_checked(at)?,
        None => (line, &b""[..]),
    };
    let digits = std::str::from_utf8(digits).ok()?;
    let sound = digits.bytes().all(|b| b.is_ascii_hexdigit()) && !extension.iter().any(is_control);
    (sound && digits.len() <= DIGITS_MAX).then(|| u64::from_str_radix(digits, 16).ok())?
}

fn is_trailer(line: &[u8]) -> bool {
    let mut parts = line.splitn(2, |b| *b == b':');
    let (name, value) = (parts.next().unwrap_or_default(), parts.next());
    is_token(name) && value.is_some_and(|value| !value.iter().any(is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: [&str; 5] = [
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "1;a=\"b c\"\r\n\n\r\nA\r\n0123456789\r\n000\r\n\r\n",
        "2\r\n\r\n\r\n0\r\nA: b\r\nC:\r\n\r\n",
        "0;x\r\n\r\n",
    ];

    #[test]
    fn a_body_ends_where_it_ends_however_the_bytes_arrive() {
        for body in SOUND {
            let bytes = format!("{body}GET /").into_bytes();
            for size in 1..=bytes.len() {
                let (mut chunks, mut passed) = (Chunks::default(), 0);
                for piece in bytes.chunks(size) {
                    passed += chunks.pass(piece).unwrap();
                }
                assert_eq!((passed, chunks.is_done()), (body.len(), true), "{body:?} by {size}");
            }
        }
    }

    #[test]
    fn a_body_that_does_not_end_is_not_done() {
        for body in SOUND {
            let mut chunks = Chunks::default();
            chunks.pass(&body.as_bytes()[..body.len() - 1]).unwrap();
            assert!(!chunks.is_done(), "{body:?}");
        }
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        for body in [
            "\r\n",
            ";\r\n",
            "5\n",
            "5\rx",
            " 5\r\n",
            "5 \r\n",
            "0x5\r\n",
            "+5\r\n",
            "-5\r\n",
            "g\r\n",
            "1000000000000000\r\n",
            "5;a\nb\r\n",
            "5;a\u{0}\r\n",
            "1\r\nab\r\n",
            "1\r\na\n",
            "1\r\na\rb",
            "0\r\nno trailer\r\n",
            "0\r\n A: b\r\n",
            "0\r\nA: b\n",
        ] {
            assert_eq!(Chunks::default().pass(body.as_bytes()), Err(Malformed), "{body:?}");
        }
        let long = format!("5;{}", "a".repeat(2000));
        assert_eq!(Chunks::default().pass(long.as_bytes()), Err(Malformed));
        let many = format!("0\r\n{}", "A: b\r\n".repeat(33));
        assert_eq!(Chunks::default().pass(many.as_bytes()), Err(Malformed));
    }
}
