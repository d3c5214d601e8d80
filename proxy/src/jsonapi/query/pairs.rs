//! `a[b][c]=d&…` → decoded pairs. A plus is a space; the grammar of names is the specification's ("Query Parameters").

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::{Error, ErrorCode, Result};

/// What cannot stand in a URL as it is (RFC 3986, 3.4); percent signs stay, for they encode already.
const BARE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Its name, decoded.
    pub name: String,
    /// The name before the first bracket.
    pub base: String,
    /// What stands in the brackets.
    pub keys: Vec<String>,
    /// Its value, decoded.
    pub value: String,
    /// Name and value as they came, for links to repeat.
    pub raw: String,
}

/// The parameters of a query string, in their order.
pub fn pairs(query: &str) -> Result<Vec<Pair>> {
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn pair(part: &str) -> Result<Pair> {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    let (name, value) = (decoded(name)?, decoded(value)?);
    let Some((base, keys)) = grammar(&name) else {
        let detail = format!("{name:?} is no parameter name: brackets must pair, as in filter[name].");
        return Err(Error::new(ErrorCode::UnknownParameter, detail).parameter(&name).into());
    };
    Ok(Pair { base, keys, name, value, raw: utf8_percent_encode(part, BARE).to_string() })
}

/// `base[key][key]`.
fn grammar(name: &str) -> Option<(String, Vec<String>)> {
    let Some((base, rest)) = name.split_once('[') else {
        return (!name.is_empty() && !name.contains(']')).then(|| (name.into(), Vec::new()));
    };
    let keys: Vec<String> = rest.strip_suffix(']')?.split("][").map(str::to_owned).collect();
    let plain = |text: &str| !text.contains(['[', ']']);
    (!base.is_empty() && plain(base) && keys.iter().all(|key| plain(key))).then(|| (base.into(), keys))
}

fn decoded(text: &str) -> Result<String> {
    let spaced = text.replace('+', " ");
    let text = percent_decode_str(&spaced).decode_utf8();
    text.map(Into::into)
        .map_err(|_| Error::new(ErrorCode::MalformedRequest, "The query is not UTF-8.").into())
}
