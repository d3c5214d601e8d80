use super::*;

/// What is found wrong with an answer of 200, or of 422 where there are errors.
fn problems(document: &str) -> Vec<String> {
    let status = if document.contains("\"errors\"") { 422 } else { 200 };
    let headers = [("content-type", "application/vnd.api+json"), ("vary", "Accept")];
    answered(status, &headers, document)
}

fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<String> {
    let header =
        |name: &str| headers.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
    let exchange = Exchange {
        asked: "POST /api/orders",
        query: "include=items",
        sent: br#"{"data": {"type": "orders"}}"#,
        status,
        header: &header,
        body: body.as_bytes(),
    };
    exchange.problems()
}

fn resource(members: &str) -> String {
    format!(r#"{{"data": {{"type": "a", "id": "1", "links": {{"self": "/api/a/1"}}{members}}}}}"#)
}

fn error(members: &str) -> String {
    format!(
        r#"{{"errors": [{{"id": "x", "links": {{"about": "/docs/errors#required"}}, "status": "422", "code": "required",
            "title": "A value is required", "detail": "d."{members}}}]}}"#
    )
}

#[test]
fn an_answer_that_keeps_to_the_specification_passes() {
    let included = r#"{"data": {"type": "a", "id": "1", "links": {"self": "/api/a/1"},
        "relationships": {"b": {"data": {"type": "b", "id": "1"}, "links": {"self": "/x", "related": "/y"}}}},
        "included": [{"type": "b", "id": "1", "links": {"self": "/b"}}]}"#;
    for document in [
        r#"{"jsonapi": {"version": "1.1"}, "links": {"self": "/api/a?page%5Bsize%5D=1", "next": null}, "data": []}"#,
        r#"{"data": null}"#,
        r#"{"meta": {"total": 1}}"#,
        &resource(r#", "attributes": {"größe": 1, "a-b_c": {"links": []}}, "meta": {"page": {}}"#),
        included,
        &error(r#", "source": {"pointer": "/data/type"}"#),
        &error(r#", "source": {"parameter": "include"}"#),
        &error(r#", "source": {"header": "If-Match"}"#),
    ] {
        assert_eq!(problems(document), [""; 0], "{document}");
    }
}

#[test]
fn an_answer_that_breaks_the_specification_is_seen() {
    for document in [
        "[]",
        "{",
        "{}",
        r#"{"data": 1}"#,
        r#"{"data": null, "more": 1}"#,
        r#"{"data": null, "errors": []}"#,
        r#"{"meta": {}, "included": []}"#,
        r#"{"meta": []}"#,
        r#"{"meta": {"page": 1}}"#,
        r#"{"meta": {"a.b": 1}}"#,
        r#"{"meta": {}, "jsonapi": {"version": "1.0"}}"#,
        r#"{"meta": {}, "jsonapi": {"version": "1.1", "profile": ["https://a"]}}"#,
        r#"{"meta": {}, "links": {"self": "/a b"}}"#,
        r#"{"meta": {}, "links": {"self": null}}"#,
        r#"{"meta": {}, "links": {"other": "/"}}"#,
        r#"{"meta": {}, "links": []}"#,
        r#"{"meta": {}, "atomic:results": []}"#,
        r#"{"data": [{"type": "a", "id": 1}]}"#,
        r#"{"data": [{"type": "a"}]}"#,
        r#"{"data": [{"type": "_a", "id": "1"}]}"#,
        r#"{"data": [{"type": "a", "id": "1"}, {"type": "a", "id": "1"}]}"#,
        &resource(r#", "attributes": []"#),
        &resource(r#", "attributes": {"a_": 1}"#),
        &resource(r#", "attributes": {"id": 1}"#),
        &resource(r#", "attributes": {"a": 1}, "relationships": {"a": {"meta": {}}}"#),
        &resource(r#", "relationships": {"a": {}}"#),
        &resource(r#", "relationships": {"a": {"data": 1}}"#),
        &resource(r#", "relationships": {"a": {"data": [{"type": "a", "id": 1}]}}"#),
        &resource(r#", "relationships": {"a": {"links": {}}}"#),
        &resource(r#", "more": 1"#),
        r#"{"data": [], "included": [{"type": "b", "id": "1", "links": {"self": "/b"}}]}"#,
        r#"{"errors": []}"#,
        &error(r#", "source": {"pointer": "/data/id"}"#),
        &error(r#", "source": {"parameter": "sort"}"#),
        &error(r#", "source": {"header": ""}"#),
        &error(r#", "source": {}"#),
        &error(r#", "more": 1"#),
        &error("").replace("A value is required", "Another title"),
        &error("").replace("422", "409"),
        &error("").replace(r#""detail": "d.""#, r#""meta": {}"#),
    ] {
        assert_ne!(problems(document), [""; 0], "{document}");
    }
}

#[test]
fn headers_that_break_the_specification_are_seen() {
    let (json, vary) = (("content-type", "application/vnd.api+json"), ("vary", "Origin, Accept"));
    let made = resource("");
    assert_eq!(answered(201, &[json, vary, ("location", "/api/a/1")], &made), [""; 0]);
    assert_eq!(answered(204, &[vary], ""), [""; 0]);
    for (status, headers, body) in [
        (201, &[json, vary][..], made.as_str()),
        (201, &[json, vary, ("location", "/api/a/2")], &made),
        (200, &[json], &made),
        (204, &[json, vary], &made),
        (404, &[("content-type", "text/html"), vary], "<p>"),
        (405, &[json, vary], &error("").replace("422", "405")),
        (200, &[("content-type", "application/vnd.api+json;profile=\"https://a\""), vary], &made),
    ] {
        assert_ne!(answered(status, headers, body), [""; 0], "{status} {headers:?}");
    }
}
