//! Writes JSON text: strings, numbers and whole embedded documents, into one buffer and without a tree in between.

use serde::de::IgnoredAny;

/// A JSON string.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// The inside of a JSON string.
pub fn escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| needs_escape(*byte)) {
        let (clean, tail) = rest.split_at(at);
        out.extend_from_slice(clean);
        let Some((byte, after)) = tail.split_first() else { return };
        escape(out, *byte);
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// A whole number.
pub fn integer(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// `"name":`.
pub fn name(out: &mut Vec<u8>, name: &str) {
    string(out, name);
    out.push(b':');
}

/// A comma, unless the list has just begun.
pub fn comma(out: &mut Vec<u8>) {
    if !matches!(out.last(), Some(b'{' | b'[')) {
        out.push(b',');
    }
}

/// A stored JSON text without its insignificant white space; false, and nothing written, when it is not JSON.
pub fn embedded(out: &mut Vec<u8>, text: &str) -> bool {
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return false;
    }
    let (mut in_string, mut escaping) = (false, false);
    for byte in text.bytes() {
        if in_string || !byte.is_ascii_whitespace() {
            out.push(byte);
        }
        if byte == b'"' && !escaping {
            in_string = !in_string;
        }
        escaping = in_string && byte == b'\\' && !escaping;
    }
    true
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(format!("{byte:02x}").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_escape_what_json_must_escape_and_nothing_else() {
        for text in ["", "plain", "\"\\\n\r\t\u{0}\u{1f}", "Zürich → 東京", "a/b\u{7f}\u{2028}"] {
            let json = written(|out| string(out, text));
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
        assert_eq!(written(|out| string(out, "a/ü")), "\"a/ü\"");
    }

    #[test]
    fn embedded_json_loses_only_white_space_between_tokens() {
        let check =
            |text: &str, expect: &str| assert_eq!(written(|out| assert!(embedded(out, text))), expect);
        check(r#" { "a b" : [ 1 , 2.50 ] } "#, r#"{"a b":[1,2.50]}"#);
        check(r#""a \" b \\" "#, r#""a \" b \\""#);
        let mut out = Vec::new();
        assert!(!embedded(&mut out, "{broken") && out.is_empty());
    }
}
