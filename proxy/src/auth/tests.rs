//! Tokens of one secret: what they come to, and what is remembered of them.

use http::HeaderValue;

use super::*;

fn headers(values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
}

#[test]
fn a_bearer_token_stands_in_one_header() {
    for (values, expect) in [
        (&["Bearer a.b.c"][..], Ok("a.b.c")),
        (&["bearer  a.b.c"], Ok("a.b.c")),
        (&["BEARER a"], Ok("a")),
        (&[], Err(Fault::Missing)),
        (&["Bearer a", "Bearer a"], Err(Fault::Header)),
        (&["Basic YTpi"], Err(Fault::Scheme)),
        (&[""], Err(Fault::Scheme)),
        (&["a.b.c"], Err(Fault::Scheme)),
        (&["Bearer"], Err(Fault::Header)),
        (&["Bearer "], Err(Fault::Header)),
        (&["Bearer a b"], Err(Fault::Header)),
        (&["Bearer\ta"], Err(Fault::Scheme)),
        (&["Bearer a,Bearer b"], Err(Fault::Header)),
        (&["Bearer \"a\""], Err(Fault::Header)),
    ] {
        assert_eq!(bearer(&headers(values)), expect, "{values:?}");
    }
}
