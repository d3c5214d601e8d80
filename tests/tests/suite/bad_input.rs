//! Bad input of every kind: a JSON:API error with the expected status and code, on every database alike, and never a server error.

use bytes::Bytes;
use http::Method;
use proxy::exchange::Request;
use tests::client::{Answer, request, with_header};
use tests::shop::SHOP;
use tests::{Service, on_every_database};

/// Reads: target, status, code.
const READS: &[(&str, u16, &str)] = &[
    // paths
    ("/apix", 404, "not-found"),
    ("/other", 404, "not-found"),
    ("/api/nothing", 404, "not-found"),
    ("/api/Orders", 404, "not-found"),
    ("/api//orders", 404, "not-found"),
    ("/api/orders//", 404, "not-found"),
    ("/api/orders/1/items/2", 404, "not-found"),
    ("/api/orders/1/relationships/items/2", 404, "not-found"),
    ("/api/orders/1/nothing", 404, "not-found"),
    ("/api/orders/1/relationships/nothing", 404, "not-found"),
    ("/api/orders/1/order_date", 404, "not-found"),
    ("/api/orders/4711/items", 404, "not-found"),
    ("/api/orders/4711/relationships/customer", 404, "not-found"),
    ("/api/%FF", 400, "malformed-request"),
    ("/api/orders/%C3%28", 400, "malformed-request"),
    ("/api/operations", 405, "method-not-allowed"),
    // ids
    ("/api/orders/abc", 404, "not-found"),
    ("/api/orders/01", 404, "not-found"),
    ("/api/orders/+1", 404, "not-found"),
    ("/api/orders/-0", 404, "not-found"),
    ("/api/orders/1.0", 404, "not-found"),
    ("/api/orders/1e0", 404, "not-found"),
    ("/api/orders/%201", 404, "not-found"),
    ("/api/orders/1%2F2", 404, "not-found"),
    ("/api/orders/%00", 404, "not-found"),
    ("/api/orders/null", 404, "not-found"),
    ("/api/orders/99999999999", 404, "not-found"),
    ("/api/orders/99999999999999999999999999", 404, "not-found"),
    ("/api/orders/1'%20or%20'1'='1", 404, "not-found"),
    ("/api/orders/%D9%A1", 404, "not-found"),
    ("/api/tags/nothing", 404, "not-found"),
    ("/api/tags/TEA", 404, "not-found"),
    ("/api/tags/%00", 404, "not-found"),
    ("/api/tags/tea%00", 404, "not-found"),
    ("/api/tags/tea%20", 404, "not-found"),
    ("/api/tags/tea%20/products", 404, "not-found"),
    ("/api/product_tags/1~tea.20", 404, "not-found"),
    ("/api/stock/A1", 404, "not-found"),
    ("/api/stock/A1~1~1", 404, "not-found"),
    ("/api/stock/A1~x", 404, "not-found"),
    ("/api/stock/A1~01", 404, "not-found"),
    ("/api/stock/~1", 404, "not-found"),
    ("/api/stock/.41~1", 404, "not-found"),
    ("/api/stock/.zz~1", 404, "not-found"),
    ("/api/stock/A1~", 404, "not-found"),
    ("/api/stock/.00~1", 404, "not-found"),
    ("/api/stock/.FF~1", 404, "not-found"),
    // the query string itself
    ("/api/orders?unknown=1", 400, "unknown-parameter"),
    ("/api/orders?=", 400, "unknown-parameter"),
    ("/api/orders?filters[id]=1", 400, "unknown-parameter"),
    ("/api/orders?Sort=id", 400, "unknown-parameter"),
    ("/api/orders?sort[]=id", 400, "unknown-parameter"),
    ("/api/orders?fields=id", 400, "unknown-parameter"),
    ("/api/orders?fields[]=id", 400, "unknown-parameter"),
    ("/api/orders?page=2", 400, "unknown-parameter"),
    ("/api/orders?filter[notes=x", 400, ""),
    ("/api/orders?filter]notes[=x", 400, ""),
    ("/api/orders?filter[]=x", 400, ""),
    ("/api/orders?filter[notes][eq][more]=x", 400, ""),
    ("/api/orders?filter[notes]=%FF", 400, ""),
    ("/api/orders?%FF=1", 400, ""),
    ("/api/orders?sort=id&sort=-id", 400, "invalid-parameter"),
    ("/api/orders?filter[id]=1&filter[id]=2", 400, "invalid-parameter"),
    ("/api/orders/1?filter[id]=1", 400, ""),
    ("/api/orders/1?sort=id", 400, ""),
    ("/api/orders/1?page[size]=1", 400, ""),
    ("/api/orders/1/customer?sort=id", 400, ""),
    // filters
    ("/api/orders?filter[nothing]=1", 400, "invalid-filter"),
    ("/api/orders?filter[amount_totl]=1", 400, "invalid-filter"),
    ("/api/orders?filter[amount_total]=much", 400, "invalid-filter"),
    ("/api/orders?filter[amount_total]=1,5,x", 400, "invalid-filter"),
    ("/api/orders?filter[amount_total][foo]=1", 400, "invalid-filter"),
    ("/api/orders?filter[amount_total][between]=1", 400, "invalid-filter"),
    ("/api/orders?filter[amount_total][between]=1,2,3", 400, "invalid-filter"),
    ("/api/orders?filter[amount_total][like]=1", 400, "invalid-filter"),
    ("/api/orders?filter[date_shipped][null]=perhaps", 400, "invalid-filter"),
    ("/api/orders?filter[order_date]=2026-02-30", 400, "invalid-filter"),
    ("/api/orders?filter[order_date]=yesterday", 400, "invalid-filter"),
    ("/api/orders?filter[id]=abc", 400, "invalid-filter"),
    ("/api/orders?filter[customer]=abc", 400, "invalid-filter"),
    ("/api/orders?filter[customer.nothing]=1", 400, "invalid-filter"),
    ("/api/orders?filter[nothing.name]=1", 400, "invalid-filter"),
    ("/api/orders?filter[customer..name]=1", 400, "invalid-filter"),
    ("/api/orders?filter[.name]=1", 400, "invalid-filter"),
    ("/api/customers?filter[vip]=1", 400, "invalid-filter"),
    ("/api/customers?filter[vip][gt]=true", 400, "invalid-filter"),
    ("/api/customers?filter[points]=1.5", 400, "invalid-filter"),
    ("/api/customers?filter[since]=2026-13-01T00:00:00", 400, "invalid-filter"),
    ("/api/customers?filter[points]=99999999999999999999", 400, "invalid-filter"),
    ("/api/products?filter[picture]=!", 400, "invalid-filter"),
    ("/api/orders?filter=[]", 400, "invalid-filter"),
    ("/api/orders?filter[search]=+", 400, "invalid-filter"),
    ("/api/orders?filter[where]=1=1;drop%20table%20orders", 400, "invalid-filter"),
    ("/api/orders?filter[where]=(select%20id%20from%20customers)=1", 400, "invalid-filter"),
    (
        "/api/orders?filter[where]=((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((",
        400,
        "invalid-filter",
    ),
    ("/api/orders?filter[where]=id%20=%20$1", 400, "invalid-filter"),
    ("/api/orders?filter[where]=notes%20=%20%27%00%27", 400, "invalid-filter"),
    ("/api/orders?filter[items.quantity]=x", 400, "invalid-filter"),
    ("/api/orders?filter[items.]=x", 400, "invalid-filter"),
    // known, and not in this version
    ("/api/orders?page[after]=x", 400, "invalid-page"),
    // sort
    ("/api/orders?sort=nothing", 400, "invalid-sort"),
    ("/api/orders?sort=-", 400, "invalid-sort"),
    ("/api/orders?sort=id,,id", 400, "invalid-sort"),
    ("/api/orders?sort=--id", 400, "invalid-sort"),
    ("/api/orders?sort=items.quantity", 400, "invalid-sort"),
    ("/api/orders?sort=customer.nothing", 400, "invalid-sort"),
    ("/api/orders?sort=order_date%20desc", 400, "invalid-sort"),
    ("/api/orders?sort=id;drop%20table%20orders", 400, "invalid-sort"),
    // pages
    ("/api/orders?page[size]=0", 400, "invalid-page"),
    ("/api/orders?page[size]=-1", 400, "invalid-page"),
    ("/api/orders?page[size]=ten", 400, "invalid-page"),
    ("/api/orders?page[size]=", 400, "invalid-page"),
    ("/api/orders?page[size]=1.5", 400, "invalid-page"),
    ("/api/orders?page[size]=1e2", 400, "invalid-page"),
    ("/api/orders?page[size]=1001", 400, "invalid-page"),
    ("/api/orders?page[size]=99999999999999999999999", 400, "invalid-page"),
    ("/api/orders?page[limit]=1001", 400, "invalid-page"),
    ("/api/orders?page[number]=0", 400, "invalid-page"),
    ("/api/orders?page[number]=-3", 400, "invalid-page"),
    ("/api/orders?page[number]=9223372036854775807&page[size]=1000", 400, "invalid-page"),
    ("/api/orders?page[number]=18446744073709551616", 400, "invalid-page"),
    ("/api/orders?page[offset]=-1", 400, "invalid-page"),
    ("/api/orders?page[offset]=9223372036854775808", 400, "invalid-page"),
    ("/api/orders?page[number]=2&page[offset]=2", 400, "invalid-page"),
    ("/api/orders?page[size]=2&page[limit]=3", 400, "invalid-page"),
    ("/api/orders?page[total]=perhaps", 400, "invalid-page"),
    ("/api/orders?page[nothing]=1", 400, ""),
    ("/api/orders/1/items?page[size]=1001", 400, "invalid-page"),
    // include and fields
    ("/api/orders?include=nothing", 400, "invalid-include"),
    ("/api/orders?include=order_date", 400, "invalid-include"),
    ("/api/orders?include=items.nothing", 400, "invalid-include"),
    ("/api/orders?include=items.", 400, "invalid-include"),
    ("/api/orders?include=,", 400, "invalid-include"),
    ("/api/orders?include=*", 400, "invalid-include"),
    ("/api/orders?include=customer.orders.customer.orders.customer.orders", 400, "invalid-include"),
    ("/api/orders?fields[nothing]=x", 400, "invalid-fields"),
    ("/api/orders?fields[orders]=nothing", 400, "invalid-fields"),
    ("/api/orders?fields[orders]=id,,notes", 400, "invalid-fields"),
    ("/api/orders/1/items?include=order.nothing", 400, "invalid-include"),
];

/// Writes: method and target, body, status, code.
const WRITES: &[(&str, &str, u16, &str)] = &[
    // no JSON
    ("POST /api/items", "", 400, "malformed-json"),
    ("POST /api/items", " ", 400, "malformed-json"),
    ("POST /api/items", "{", 400, "malformed-json"),
    ("POST /api/items", "{\"data\"", 400, "malformed-json"),
    ("POST /api/items", "{'data': 1}", 400, "malformed-json"),
    ("POST /api/items", "{\"data\": 01}", 400, "malformed-json"),
    ("POST /api/items", "{\"data\": NaN}", 400, "malformed-json"),
    ("POST /api/items", "{\"data\": {}} {}", 400, "malformed-json"),
    ("POST /api/items", "{\"data\": {},}", 400, "malformed-json"),
    ("POST /api/items", "\u{feff}{\"data\": {}}", 400, "malformed-json"),
    ("POST /api/items", "{\"data\": {\"type\": \"a\u{0}b\"}}", 400, "malformed-json"),
    ("POST /api/items", "{\"data\": {\"type\": \"\\ud800\"}}", 400, "malformed-json"),
    ("POST /api/items", "{\"data\": {\"type\": \"items\", \"type\": \"items\"}}", 400, "malformed-json"),
    ("POST /api/items", "data=1", 400, "malformed-json"),
    ("PATCH /api/items/1", "", 400, "malformed-json"),
    // no document
    ("POST /api/items", "null", 400, "malformed-document"),
    ("POST /api/items", "1", 400, "malformed-document"),
    ("POST /api/items", "\"items\"", 400, "malformed-document"),
    ("POST /api/items", "[]", 400, "malformed-document"),
    ("POST /api/items", "{}", 400, "malformed-document"),
    ("POST /api/items", r#"{"data": null}"#, 400, "malformed-document"),
    ("POST /api/items", r#"{"data": []}"#, 400, "malformed-document"),
    ("POST /api/items", r#"{"data": [{"type": "items"}]}"#, 400, "malformed-document"),
    ("POST /api/items", r#"{"data": {}}"#, 400, "malformed-document"),
    ("POST /api/items", r#"{"data": {"type": 1}}"#, 400, "malformed-document"),
    ("POST /api/items", r#"{"data": {"type": "items", "id": 1}}"#, 400, "malformed-document"),
    ("POST /api/items", r#"{"data": {"type": "items", "attributes": []}}"#, 400, "malformed-document"),
    ("POST /api/items", r#"{"data": {"type": "items", "attributes": null}}"#, 400, "malformed-document"),
    ("POST /api/items", r#"{"data": {"type": "items", "relationships": 1}}"#, 400, "malformed-document"),
    (
        "POST /api/items",
        r#"{"data": {"type": "items", "relationships": {"order": "1"}}}"#,
        400,
        "malformed-document",
    ),
    (
        "POST /api/items",
        r#"{"data": {"type": "items", "relationships": {"order": {"data": 1}}}}"#,
        400,
        "malformed-document",
    ),
    (
        "POST /api/items",
        r#"{"data": {"type": "items", "relationships": {"order": {"data": {"id": "1"}}}}}"#,
        400,
        "malformed-document",
    ),
    (
        "POST /api/items",
        r#"{"data": {"type": "items", "relationships": {"order": {"data": {"type": "orders", "id": 1}}}}}"#,
        400,
        "malformed-document",
    ),
    (
        "POST /api/items",
        r#"{"data": {"type": "items", "relationships": {"order": {"data": []}}}}"#,
        400,
        "malformed-document",
    ),
    (
        "POST /api/items",
        r#"{"data": {"type": "items", "relationships": {"order": {}}}}"#,
        400,
        "malformed-document",
    ),
    ("PATCH /api/orders/1", r#"{"data": {"type": "orders"}}"#, 400, "malformed-document"),
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "meta": {"etag": 1}}}"#,
        400,
        "malformed-document",
    ),
    // other resources than the endpoint's
    ("POST /api/items", r#"{"data": {"type": "nothing"}}"#, 409, "type-conflict"),
    ("POST /api/items", r#"{"data": {"type": ""}}"#, 409, "type-conflict"),
    ("PATCH /api/orders/1", r#"{"data": {"type": "orders", "id": "01"}}"#, 409, "id-conflict"),
    ("PATCH /api/orders/4711", r#"{"data": {"type": "orders", "id": "4711"}}"#, 404, "not-found"),
    ("PATCH /api/orders/x", r#"{"data": {"type": "orders", "id": "x"}}"#, 404, "not-found"),
    ("POST /api/nothing", r#"{"data": {"type": "nothing"}}"#, 404, "not-found"),
    ("DELETE /api/orders/x", "", 404, "not-found"),
    ("DELETE /api/tags/%00", "", 404, "not-found"),
    ("DELETE /api/tags/~%C3%BC%20", "", 404, "not-found"),
    (
        "PATCH /api/tags/tea%20",
        r#"{"data": {"type": "tags", "id": "tea ", "attributes": {"label": "x"}}}"#,
        404,
        "not-found",
    ),
    ("DELETE /api/product_tags/1~tea.20", "", 404, "not-found"),
    // names
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "attributes": {"": 1}}}"#,
        422,
        "unknown-attribute",
    ),
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "attributes": {"id": 1}}}"#,
        422,
        "unknown-attribute",
    ),
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "attributes": {"Notes": "x"}}}"#,
        422,
        "unknown-attribute",
    ),
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "attributes": {"__proto__": {}}}}"#,
        422,
        "unknown-attribute",
    ),
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "attributes": {"a\u0000/~": 1}}}"#,
        422,
        "unknown-attribute",
    ),
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "attributes": {"customer": 1}}}"#,
        422,
        "unknown-attribute",
    ),
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "relationships": {"notes": {"data": null}}}}"#,
        422,
        "unknown-relationship",
    ),
    // values
    (
        "PATCH /api/items/1",
        r#"{"data": {"type": "items", "id": "1", "attributes": {"quantity": 1e400}}}"#,
        422,
        "invalid-value",
    ),
    (
        "PATCH /api/items/1",
        r#"{"data": {"type": "items", "id": "1", "attributes": {"quantity": 1e-400}}}"#,
        422,
        "invalid-value",
    ),
    (
        "PATCH /api/items/1",
        r#"{"data": {"type": "items", "id": "1", "attributes": {"quantity": " 5"}}}"#,
        422,
        "invalid-value",
    ),
    (
        "PATCH /api/items/1",
        r#"{"data": {"type": "items", "id": "1", "attributes": {"quantity": "0x10"}}}"#,
        422,
        "invalid-value",
    ),
    (
        "PATCH /api/items/1",
        r#"{"data": {"type": "items", "id": "1", "attributes": {"quantity": "１"}}}"#,
        422,
        "invalid-value",
    ),
    (
        "PATCH /api/items/1",
        r#"{"data": {"type": "items", "id": "1", "attributes": {"quantity": ""}}}"#,
        422,
        "invalid-value",
    ),
    (
        "PATCH /api/items/1",
        r#"{"data": {"type": "items", "id": "1", "attributes": {"quantity": null}}}"#,
        422,
        "required",
    ),
    (
        "PATCH /api/customers/1",
        r#"{"data": {"type": "customers", "id": "1", "attributes": {"credit_limit": 1e1000000000}}}"#,
        422,
        "invalid-value",
    ),
    (
        "PATCH /api/customers/1",
        r#"{"data": {"type": "customers", "id": "1", "attributes": {"credit_limit": "1e-999999999999999999999"}}}"#,
        422,
        "invalid-value",
    ),
    (
        "PATCH /api/customers/1",
        r#"{"data": {"type": "customers", "id": "1", "attributes": {"since": "2026-01-01T00:00:60"}}}"#,
        422,
        "invalid-value",
    ),
    (
        "PATCH /api/customers/1",
        r#"{"data": {"type": "customers", "id": "1", "attributes": {"since": "12026-01-01T00:00:00"}}}"#,
        422,
        "invalid-value",
    ),
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "attributes": {"order_date": "0000-00-00"}}}"#,
        422,
        "invalid-value",
    ),
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "attributes": {"order_date": ""}}}"#,
        422,
        "invalid-value",
    ),
    (
        "PATCH /api/products/1",
        r#"{"data": {"type": "products", "id": "1", "attributes": {"weight": 1e999}}}"#,
        422,
        "invalid-value",
    ),
    // related resources
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "relationships": {"customer": {"data": {"type": "customers", "id": "x"}}}}}"#,
        404,
        "related-not-found",
    ),
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "relationships": {"customer": {"data": {"type": "customers", "id": "01"}}}}}"#,
        404,
        "related-not-found",
    ),
    (
        "PATCH /api/orders/1",
        r#"{"data": {"type": "orders", "id": "1", "relationships": {"items": {"data": [{"type": "items", "id": "3"}]}}}}"#,
        403,
        "relationship-required",
    ),
    // parameters of a write
    ("PATCH /api/orders/1?sort=id", r#"{"data": {"type": "orders", "id": "1"}}"#, 400, ""),
    (
        "PATCH /api/orders/1?include=nothing",
        r#"{"data": {"type": "orders", "id": "1"}}"#,
        400,
        "invalid-include",
    ),
    ("DELETE /api/orders/1?x=1", "", 400, "unknown-parameter"),
    // methods
    ("PUT /api/orders/1", "{}", 405, "method-not-allowed"),
    ("POST /api/orders/1", "{}", 405, "method-not-allowed"),
    ("PATCH /api/orders", "{}", 405, "method-not-allowed"),
    ("DELETE /api/orders", "", 405, "method-not-allowed"),
    ("POST /api/", "{}", 405, "method-not-allowed"),
    ("POST /api/orders/1/items", "{}", 405, "method-not-allowed"),
    ("TRACE /api/orders", "", 405, "method-not-allowed"),
    ("BREW /api/orders", "", 405, "method-not-allowed"),
    // relationships
    ("PATCH /api/orders/1/relationships/customer", r#"{"data": null}"#, 422, "required"),
    ("PATCH /api/orders/1/relationships/customer", r#"{"data": []}"#, 400, "malformed-document"),
    ("PATCH /api/orders/1/relationships/customer", r#"{}"#, 400, "malformed-document"),
    ("PATCH /api/orders/1/relationships/customer", "", 400, "malformed-json"),
    ("PATCH /api/orders/1/relationships/nobody", r#"{"data": null}"#, 404, "not-found"),
    ("DELETE /api/orders/1/relationships/customer", "", 405, "method-not-allowed"),
    (
        "POST /api/orders/1/relationships/items",
        r#"{"data": {"type": "items", "id": "1"}}"#,
        400,
        "malformed-document",
    ),
    ("POST /api/orders/1/relationships/items", r#"{"data": [{"type": "items"}]}"#, 400, "malformed-document"),
    ("POST /api/orders/1/relationships/items", r#"{"data": [1]}"#, 400, "malformed-document"),
    (
        "POST /api/orders/1/relationships/items",
        r#"{"data": [{"type": "items", "lid": "1"}]}"#,
        400,
        "unknown-local-id",
    ),
    (
        "POST /api/orders/1/relationships/items",
        r#"{"data": [], "meta": {"etag": 1}}"#,
        400,
        "malformed-document",
    ),
    (
        "DELETE /api/orders/1/relationships/items",
        r#"{"data": [{"type": "items", "id": "1"}]}"#,
        403,
        "relationship-required",
    ),
];

/// Headers: method and target, name, value, status, code.
const HEADERS: &[(&str, &str, &str, u16, &str)] = &[
    ("GET /api/orders", "accept", "text/html", 406, "not-acceptable"),
    ("GET /api/orders", "accept", "application/vnd.api+json; charset=utf-8", 406, "not-acceptable"),
    ("GET /api/orders", "accept", "application/vnd.api+json;q=0", 406, "not-acceptable"),
    ("GET /api/orders", "accept", "application/vnd.api+json; charset=utf-8, */*", 406, "not-acceptable"),
    ("GET /api/orders", "accept", ";;;,,", 406, "not-acceptable"),
    ("GET /api/orders", "accept", "*/*;q=much", 400, "malformed-request"),
    ("PATCH /api/orders/1", "content-type", "application/json", 415, "unsupported-media-type"),
    ("PATCH /api/orders/1", "content-type", "text/plain", 415, "unsupported-media-type"),
    ("PATCH /api/orders/1", "content-type", "", 415, "unsupported-media-type"),
    (
        "PATCH /api/orders/1",
        "content-type",
        "application/vnd.api+json; charset=utf-8",
        415,
        "unsupported-media-type",
    ),
    (
        "PATCH /api/orders/1",
        "content-type",
        "application/vnd.api+json; ext=\"https://jsonapi.org/ext/atomic\"",
        415,
        "unsupported-media-type",
    ),
    ("DELETE /api/orders/1", "if-match", "\"x\"", 412, "precondition-failed"),
    ("DELETE /api/orders/1", "if-match", "", 412, "precondition-failed"),
    ("DELETE /api/orders/1", "if-match", "\"a.b\", \"c", 412, "precondition-failed"),
    ("DELETE /api/orders/1", "if-match", "é", 400, "malformed-request"),
];

/// Bodies that are no text.
const BYTES: &[(&[u8], u16, &str)] = &[
    (b"{\"data\": {\"type\": \"\xff\"}}", 400, "malformed-json"),
    (b"\xff\xfe{\x00}\x00", 400, "malformed-json"),
    (b"\x00", 400, "malformed-json"),
    (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", 400, "malformed-json"),
];

fn parsed(line: &str) -> Request {
    let (method, target) = line.split_once(' ').unwrap();
    request(method.parse::<Method>().unwrap(), target)
}

fn with_bytes(line: &str, body: &[u8]) -> Request {
    let mut request = with_header(parsed(line), "content-type", "application/vnd.api+json");
    request.body = Bytes::copy_from_slice(body);
    request
}

/// Collects what was answered otherwise than expected, so that one run tells all.
#[derive(Default)]
struct Surprises(Vec<String>);

impl Surprises {
    fn check(&mut self, what: &str, answer: &Answer, status: u16, code: &str) {
        let error = answer.json()["errors"][0].clone();
        let found = error["code"].as_str().unwrap_or("no error").to_owned();
        let well_formed = ["status", "title", "detail", "id"].iter().all(|member| error[member].is_string());
        let content_type =
            answer.headers.get("content-type").is_some_and(|t| t == "application/vnd.api+json");
        if answer.status != status || (!code.is_empty() && found != code) || !well_formed || !content_type {
            let detail = &error["detail"];
            self.0.push(format!("{what}: {} {found}, expected {status} {code}: {detail}", answer.status));
        }
    }

    fn none(self) {
        assert!(self.0.is_empty(), "{}", self.0.join("\n"));
    }
}

#[tokio::test]
async fn bad_reads_are_refused() {
    on_every_database(SHOP, async |shop| {
        let mut surprises = Surprises::default();
        for (target, status, code) in READS {
            surprises.check(target, &shop.get(target).await, *status, code);
        }
        surprises.none();
    })
    .await;
}

#[tokio::test]
async fn bad_writes_are_refused_and_nothing_is_written() {
    on_every_database(SHOP, async |shop| {
        let before = everything(shop).await;
        let mut surprises = Surprises::default();
        for (line, body, status, code) in WRITES {
            let answer = shop.send(with_bytes(line, body.as_bytes())).await;
            surprises.check(&format!("{line} {body}"), &answer, *status, code);
        }
        for (body, status, code) in BYTES {
            let answer = shop.send(with_bytes("POST /api/items", body)).await;
            surprises.check(&format!("{body:?}"), &answer, *status, code);
        }
        surprises.none();
        assert_eq!(everything(shop).await, before);
    })
    .await;
}

#[tokio::test]
async fn bad_headers_are_refused() {
    on_every_database(SHOP, async |shop| {
        let mut surprises = Surprises::default();
        for (line, name, value, status, code) in HEADERS {
            let mut asked = with_header(parsed(line), name, value);
            if asked.method == Method::PATCH {
                asked.body = r#"{"data": {"type": "orders", "id": "1"}}"#.into();
            }
            let answer = shop.send(asked).await;
            surprises.check(&format!("{line} {name}: {value}"), &answer, *status, code);
        }
        surprises.none();
    })
    .await;
}

/// What is large in one way or another: deep, long, or many.
#[tokio::test]
async fn what_is_too_large_is_refused() {
    on_every_database(SHOP, async |shop| {
        let mut surprises = Surprises::default();
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let details = format!(
            r#"{{"data": {{"type": "products", "id": "1", "attributes": {{"details": {}1{}}}}}}}"#,
            "[".repeat(40),
            "]".repeat(40)
        );
        let digits = format!(
            r#"{{"data": {{"type": "items", "id": "1", "attributes": {{"quantity": {}}}}}}}"#,
            "9".repeat(100_000)
        );
        let digits_text = format!(
            r#"{{"data": {{"type": "customers", "id": "1", "attributes": {{"credit_limit": "0.{}1"}}}}}}"#,
            "0".repeat(100_000)
        );
        for (line, body, status, code) in [
            ("POST /api/items", deep, 400, "malformed-json"),
            ("PATCH /api/products/1", details, 400, "malformed-json"),
            ("PATCH /api/items/1", digits, 422, "invalid-value"),
            ("PATCH /api/customers/1", digits_text, 422, "invalid-value"),
        ] {
            let answer = shop.send(with_bytes(line, body.as_bytes())).await;
            surprises.check(&body[..60], &answer, status, code);
        }
        let filters: Vec<String> = (0..200).map(|n| format!("filter[id][]={n}")).collect();
        let orders = format!("/api/orders?{}", filters.join("&"));
        surprises.check("many filters", &shop.get(&orders).await, 400, "invalid-filter");
        let values: Vec<String> = (0..5000).map(|n| n.to_string()).collect();
        let orders = format!("/api/orders?filter[id]={}", values.join(","));
        surprises.check("many values", &shop.get(&orders).await, 400, "invalid-filter");
        let far = vec!["manager"; 70].join(".");
        let sort = format!("/api/employees?sort={far}.name");
        surprises.check("a long path", &shop.get(&sort).await, 400, "invalid-sort");
        let filter = format!("/api/employees?filter[{far}.name]=x");
        surprises.check("a long path", &shop.get(&filter).await, 400, "invalid-filter");
        surprises.none();
    })
    .await;
}

async fn everything(shop: &Service) -> Vec<serde_json::Value> {
    let mut documents = Vec::new();
    for ty in ["customers", "employees", "items", "orders", "products", "product_tags", "stock", "tags"] {
        documents.push(shop.get(&format!("/api/{ty}")).await.expect(200));
    }
    documents
}
