//! Trace context of the W3C: which trace a request is part of, as its headers say it and as it is handed on.
//! <https://www.w3.org/TR/trace-context/>
//!
//! ```text
//! traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//! tracestate: vendor=value,other=value
//! ```
//!
//! What does not look so is as if it were not there: the trace begins here then.

use std::collections::HashSet;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Most members of a `tracestate`.
const MEMBERS_MAX: usize = 32;

/// Names a trace.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub(crate) [u8; 16]);

/// Names a span within a trace.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanId(pub(crate) [u8; 8]);

/// Which trace, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    /// The trace.
    pub(crate) trace: TraceId,
    /// The span that caused whatever comes next.
    pub(crate) span: SpanId,
    /// Whether it is recorded.
    pub(crate) sampled: bool,
    /// What other systems have to say about it.
    pub(crate) state: Option<String>,
}

impl Context {
    /// What a request says, where it makes sense.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let (Some(parent), None) = (parents.next(), parents.next()) else { return None };
        let (trace, span, sampled) = parent_of(parent.as_bytes())?;
        Some(Self { trace, span, sampled, state: state_of(headers) })
    }

    /// Says it to the next one, in place of what the client has said.
    pub(crate) fn headers(&self) -> [(HeaderName, Option<HeaderValue>); 2] {
        let flags = u8::from(self.sampled);
        let parent = HeaderValue::try_from(format!("00-{}-{}-{flags:02x}", self.trace, self.span)).ok();
        let state = self.state.as_deref().and_then(|state| HeaderValue::from_str(state).ok());
        [(TRACEPARENT, parent), (TRACESTATE, state)]
    }
}

impl TraceId {
    pub(super) fn random() -> Self {
        // All zeros is none.
        Self(fastrand::u128(1..).to_be_bytes())
    }

    /// A number below this one is drawn with this probability: of the same trace the same everywhere.
    pub(super) fn is_below(self, ratio: f64) -> bool {
        let [.., a, b, c, d, e, f, g] = self.0;
        let drawn = u64::from_be_bytes([0, a, b, c, d, e, f, g]);
        (drawn as f64) < ratio * (1_u64 << 56) as f64
    }
}

impl SpanId {
    pub(super) fn random() -> Self {
        Self(fastrand::u64(1..).to_be_bytes())
    }
}

/// Versions to come begin with the same four parts.
fn parent_of(text: &[u8]) -> Option<(TraceId, SpanId, bool)> {
    let (known, more) = text.split_at_checked(55)?;
    let parts: Vec<&[u8]> = known.split(|byte| *byte == b'-').collect();
    let [version, trace, span, flags] = parts.as_slice() else { return None };
    let ([version], [flags]) = (bytes(version)?, bytes(flags)?);
    if version == 0xff || (version == 0 && !more.is_empty()) || !matches!(more, [] | [b'-', ..]) {
        return None;
    }
    let (trace, span) = (bytes(trace)?, bytes(span)?);
    let named = trace.iter().any(|byte| *byte != 0) && span.iter().any(|byte| *byte != 0);
    named.then_some((TraceId(trace), SpanId(span), flags & 1 == 1))
}

/// Lower-case hexadecimal digits, two a byte.
fn bytes<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let both = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    digits.chunks(2).map(both).collect::<Option<Vec<u8>>>()?.try_into().ok()
}

/// All of it, or nothing where a part makes no sense.
fn state_of(headers: &HeaderMap) -> Option<String> {
    let values: Option<Vec<&str>> =
        headers.get_all(TRACESTATE).iter().map(|value| value.to_str().ok()).collect();
    let values = values?.join(",");
    let members: Vec<&str> =
        values.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|m| !m.is_empty()).collect();
    let keys: Option<HashSet<&str>> = members.iter().map(|member| key_of(member)).collect();
    let sound = keys.is_some_and(|keys| keys.len() == members.len()) && members.len() <= MEMBERS_MAX;
    (sound && !members.is_empty()).then(|| members.join(","))
}

fn key_of(member: &str) -> Option<&str> {
    let (key, value) = member.split_once('=')?;
    let begins = key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let within = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-*/@".contains(&c);
    let keyed = begins && key.len() <= 256 && key.bytes().all(within) && key.matches('@').count() <= 1;
    let printable = |c: u8| (0x20..=0x7e).contains(&c) && c != b'=';
    (keyed && (1..=256).contains(&value.len()) && value.bytes().all(printable)).then_some(key)
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn read(parents: &[&str], states: &[&str]) -> Option<Context> {
        let mut headers = HeaderMap::new();
        for (name, values) in [(TRACEPARENT, parents), (TRACESTATE, states)] {
            for value in values {
                headers.append(&name, HeaderValue::from_str(value).unwrap());
            }
        }
        Context::of(&headers)
    }

    #[test]
    fn a_traceparent_says_trace_span_and_whether_it_is_recorded() {
        for (text, sampled) in [
            (format!("00-{TRACE}-{SPAN}-01"), true),
            (format!("00-{TRACE}-{SPAN}-00"), false),
            (format!("00-{TRACE}-{SPAN}-ff"), true),
            (format!("01-{TRACE}-{SPAN}-01"), true),
            (format!("cc-{TRACE}-{SPAN}-01-what-is-to-come"), true),
        ] {
            let context = read(&[&text], &[]).unwrap();
            let said = (context.trace.to_string(), context.span.to_string(), context.sampled);
            assert_eq!(said, (TRACE.to_owned(), SPAN.to_owned(), sampled), "{text}");
        }
    }

    #[test]
    fn a_traceparent_of_another_shape_says_nothing() {
        let (zeros, upper) = ("0".repeat(32), TRACE.to_uppercase());
        for text in [
            String::new(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("cc-{TRACE}-{SPAN}-01.more"),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{upper}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-0g"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("0-{TRACE}0-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-+1"),
        ] {
            assert_eq!(read(&[&text], &["a=b"]), None, "{text}");
        }
        let one = format!("00-{TRACE}-{SPAN}-01");
        assert_eq!(read(&[&one, &one], &[]), None);
        assert_eq!(read(&[], &["a=b"]), None);
    }

    #[test]
    fn a_tracestate_is_handed_on_whole_or_not_at_all() {
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
        let long = format!("a={}", "v".repeat(257));
        for (states, expect) in [
            (&["a=1,b@c=2"][..], Some("a=1,b@c=2")),
            (&["a=1", " b=2 ,,"], Some("a=1,b=2")),
            (&["0x/*-_=!~ #"], Some("0x/*-_=!~ #")),
            (&["a=1,a=2"], None),
            (&["a=1,B=2"], None),
            (&["a=1,b"], None),
            (&["a=1,b="], None),
            (&["a=1,b=c=d"], None),
            (&["a@b@c=1"], None),
            (&[&many.join(",")], None),
            (&[&long], None),
            (&[""], None),
            (&[], None),
        ] {
            let context = read(&[&format!("00-{TRACE}-{SPAN}-01")], states).unwrap();
            assert_eq!(context.state.as_deref(), expect, "{states:?}");
        }
    }

    #[test]
    fn what_is_handed_on_reads_the_same() {
        let context = read(&[&format!("00-{TRACE}-{SPAN}-01")], &["a=1"]).unwrap();
        let pairs = context.headers().into_iter().filter_map(|(name, value)| Some((name, value?)));
        assert_eq!(Context::of(&pairs.collect()), Some(context));
    }

    #[test]
    fn of_a_ratio_about_so_many_are_drawn() {
        assert!(!(0..100).any(|_| TraceId::random().is_below(0.0)));
        assert!((0..100).all(|_| TraceId::random().is_below(1.0)));
        let drawn = (0..10_000).filter(|_| TraceId::random().is_below(0.25)).count();
        assert!((2_000..3_000).contains(&drawn), "{drawn}");
    }
}
