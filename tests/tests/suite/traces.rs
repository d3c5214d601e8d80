//! Traces: what a collector is told of a request, and that nobody waits for it.

use std::sync::Arc;

use dialects::Dialect;
use proxy::app::App;
use proxy::observe::TracerSettings;
use proxy::server::Settings;
use proxy::state::load::Blueprint;
use tests::Database;
use tests::application::Application;
use tests::collector::{Collector, Seen};
use tests::database::ALL;
use tests::server::Server;
use tests::shop::{SHOP, item};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const JSON_API: (&str, &str) = ("Content-Type", "application/vnd.api+json");

fn to(endpoint: &str, ratio: f64) -> TracerSettings {
    let mut key = http::HeaderValue::from_static("a key of ours");
    key.set_sensitive(true);
    TracerSettings {
        endpoint: endpoint.parse().unwrap(),
        headers: [("api-key".parse().unwrap(), key)].into_iter().collect(),
        ratio,
        service: "shop".into(),
    }
}

/// A shop whose traces are sent to an address.
async fn shop(dialect: Dialect, endpoint: &str, ratio: f64, settings: Settings) -> (Database, Server) {
    let database = Database::create(dialect).await;
    database.execute(&(SHOP.sql)(dialect)).await;
    let app = App::new(database.pool.clone(), settings).unwrap();
    let app = Arc::new(app.tracing(Some(to(endpoint, ratio))).unwrap());
    let rule_files = SHOP.rules.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    app.start(&Blueprint { rule_files, ..Blueprint::default() }).await.unwrap();
    (database, Server::of(app))
}

async fn traced(dialect: Dialect) -> (Collector, Database, Server) {
    let collector = Collector::start().await;
    let endpoint = format!("http://{}/v1/traces", collector.address);
    let (database, server) = shop(dialect, &endpoint, 1.0, Settings::default()).await;
    (collector, database, server)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Kind, name and attributes.
fn server_span(spans: &[Seen]) -> &Seen {
    let mut found = spans.iter().filter(|seen| seen.span.kind == 2);
    let (Some(one), None) = (found.next(), found.next()) else { panic!("{spans:#?}") };
    one
}

fn children<'a>(spans: &'a [Seen], of: &Seen) -> Vec<&'a Seen> {
    spans.iter().filter(|seen| seen.span.parent_span_id == of.span.span_id).collect()
}

fn counted(server: &Server, outcome: &str) -> u64 {
    let metrics = server.app.metrics.render().unwrap();
    let name = format!("rulegate_trace_spans_total{{outcome=\"{outcome}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn a_read_is_part_of_its_clients_trace_with_its_statements_below() {
    for (dialect, system) in ALL.into_iter().zip(["postgresql", "mysql", "sqlite"]) {
        let (collector, _database, server) = traced(dialect).await;
        let line = "GET /api/orders?include=items&filter[notes]=a%20secret";
        let headers = [("traceparent", PARENT), ("tracestate", "a=1"), ("x-request-id", "r-17")];
        assert_eq!(server.ask(line, &headers).await.status, 200);
        server.app.end_traces().await;
        let spans = collector.spans(2).await;
        let own = server_span(&spans);
        assert_eq!(
            (own.span.name.as_str(), own.resource["service.name"].as_str()),
            ("GET /api/{type}", "shop")
        );
        assert_eq!((hex(&own.span.trace_id), hex(&own.span.parent_span_id)), (TRACE.into(), SPAN.into()));
        assert_eq!((own.span.trace_state.as_str(), own.span.status.is_none()), ("a=1", true));
        for (name, value) in [
            ("http.request.method", "GET"),
            ("http.route", "/api/{type}"),
            ("http.response.status_code", "200"),
            ("url.scheme", "http"),
            ("network.protocol.version", "1.1"),
            ("rulegate.resource", "orders"),
            ("rulegate.request_id", "r-17"),
        ] {
            assert_eq!(own.attribute(name).as_deref(), Some(value), "{name}");
        }
        let statements = children(&spans, own);
        assert_eq!(statements.len() + 1, spans.len(), "{spans:#?}");
        let first = statements[0];
        assert_eq!((first.span.kind, first.span.name.as_str()), (3, "SELECT orders"), "{first:#?}");
        assert_eq!(first.attribute("db.system.name").as_deref(), Some(system));
        assert_eq!(first.attribute("db.operation.name").as_deref(), Some("SELECT"));
        assert_eq!(first.attribute("db.collection.name").as_deref(), Some("orders"));
        assert!(first.attribute("db.query.text").unwrap().starts_with("select "));
        assert!(own.span.start_time_unix_nano <= first.span.start_time_unix_nano);
        assert!(first.span.end_time_unix_nano <= own.span.end_time_unix_nano);
        assert!(!format!("{spans:?}").contains("secret"), "{spans:#?}");
        let head = collector.heads().remove(0);
        assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n") && head.contains("api-key: a key of ours"));
    }
}

#[tokio::test]
async fn a_write_shows_its_discovery_and_each_of_its_tries() {
    let (collector, _database, server) = traced(Dialect::Postgres).await;
    let body = serde_json::Value::from(item("1", "1", 3)).to_string();
    let reply = server.ask_with("POST /api/items", &[JSON_API], body.as_bytes()).await;
    assert_eq!(reply.status, 201, "{:?}", reply.json());
    server.app.end_traces().await;
    let spans = collector.spans(4).await;
    let own = server_span(&spans);
    assert!(own.span.parent_span_id.is_empty() && own.span.trace_id != [0; 16]);
    let parts = children(&spans, own);
    let tries: Vec<&&Seen> = parts.iter().filter(|part| part.span.name == "transaction").collect();
    assert_eq!((tries.len(), tries[0].span.kind), (1, 1), "{spans:#?}");
    assert_eq!(tries[0].attribute("rulegate.outcome").as_deref(), Some("committed"));
    assert_eq!(tries[0].attribute("rulegate.try").as_deref(), Some("1"));
    let within = children(&spans, tries[0]);
    assert!(within.iter().any(|seen| seen.attribute("db.query.text").unwrap().contains("insert into ")));
    assert!(within.iter().all(|seen| seen.span.trace_id == own.span.trace_id));
}

#[tokio::test]
async fn what_fails_is_said_to_have_failed_and_what_is_refused_is_not() {
    let (collector, database, server) = traced(Dialect::Sqlite).await;
    assert_eq!(server.ask("GET /api/nothing/a-secret-id", &[]).await.status, 404);
    database.execute("drop table items").await;
    assert_eq!(server.ask("GET /api/items", &[]).await.status, 500);
    server.app.end_traces().await;
    let spans = collector.spans(3).await;
    let of = |status: &str| {
        let found =
            spans.iter().find(|s| s.attribute("http.response.status_code").as_deref() == Some(status));
        found.unwrap_or_else(|| panic!("{spans:#?}"))
    };
    assert!(of("404").span.status.is_none() && of("404").attribute("error.type").is_none());
    assert_eq!(of("500").span.status.as_ref().unwrap().code, 2);
    assert_eq!(of("500").attribute("error.type").as_deref(), Some("internal"));
    let statement = children(&spans, of("500"))[0];
    assert_eq!((statement.span.status.as_ref().unwrap().code, statement.span.kind), (2, 3));
    assert!(!format!("{spans:?}").contains("secret"), "{spans:#?}");
}

#[tokio::test]
async fn a_client_decides_whether_its_trace_is_recorded_else_the_ratio_does() {
    let collector = Collector::start().await;
    let endpoint = format!("http://{}/v1/traces", collector.address);
    let (_database, server) = shop(Dialect::Sqlite, &endpoint, 0.0, Settings::default()).await;
    for parent in ["", "nonsense", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
        assert_eq!(server.ask("GET /api/orders", &[("traceparent", parent)]).await.status, 200);
    }
    let unrecorded = PARENT.replace("-01", "-00");
    assert_eq!(server.ask("GET /api/orders", &[("traceparent", &unrecorded)]).await.status, 200);
    assert_eq!(server.ask("GET /api/customers", &[("traceparent", PARENT)]).await.status, 200);
    server.app.end_traces().await;
    let spans = collector.spans(2).await;
    assert_eq!(server_span(&spans).attribute("rulegate.resource").as_deref(), Some("customers"));
    assert_eq!(counted(&server, "exported"), spans.len() as u64);
}

#[tokio::test]
async fn the_application_behind_gets_the_trace_and_the_span_that_asks_it() {
    let application = Application::start().await;
    let collector = Collector::start().await;
    let upstream = proxy::server::upstream::UpstreamSettings {
        target: format!("http://{}", application.address).parse().unwrap(),
        header: "rulegate-actor".parse().unwrap(),
        secret: None,
        ttl_s: 60,
    };
    let settings = Settings { upstream: Some(upstream), ..Settings::default() };
    let endpoint = format!("http://{}/v1/traces", collector.address);
    let (_database, server) = shop(Dialect::Sqlite, &endpoint, 1.0, settings).await;
    let said = |reply: &serde_json::Value, name: &str| {
        let fields = reply["headers"].as_array().unwrap().iter();
        fields.filter(|field| field[0] == name).map(|field| field[1].clone()).collect::<Vec<_>>()
    };
    let asks = [
        ("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: a=1\r\n", true),
        ("traceparent: nonsense\r\ntracestate: a=1\r\n", false),
    ];
    let mut asked = Vec::new();
    for (headers, continued) in asks {
        let head = format!("GET /shop?q=secret HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
        let reply = tests::server::Reply::parse(&server.raw(head.as_bytes()).await, false).unwrap().json();
        let parents = said(&reply, "traceparent");
        assert_eq!((parents.len(), said(&reply, "tracestate").len()), (1, usize::from(continued)), "{reply}");
        let parent = parents[0].as_str().unwrap().to_owned();
        assert_eq!(parent.contains(TRACE), continued, "{parent}");
        assert!(!parent.contains(SPAN) && parent.ends_with("-01"), "{parent}");
        asked.push(parent);
    }
    server.app.end_traces().await;
    let spans = collector.spans(2).await;
    for (seen, parent) in spans.iter().zip(&asked) {
        assert_eq!(seen.attribute("rulegate.operation").as_deref(), Some("upstream"));
        assert_eq!(seen.attribute("http.route"), None);
        assert_eq!(seen.span.name, "GET");
        let own = format!("00-{}-{}-01", hex(&seen.span.trace_id), hex(&seen.span.span_id));
        assert_eq!(&own, parent);
    }
    assert!(!format!("{spans:?}").contains("secret"), "{spans:#?}");
}

#[tokio::test]
async fn without_a_collector_requests_are_served_and_what_has_no_room_is_counted() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_database, server) =
        shop(Dialect::Sqlite, &format!("http://{nobody}/v1/traces"), 1.0, Settings::default()).await;
    let (one, last) =
        ("GET /api/orders/1 HTTP/1.1\r\nHost: a\r\n\r\n", "Host: a\r\nConnection: close\r\n\r\n");
    let many = one.repeat(2999) + "GET /api/orders/1 HTTP/1.1\r\n" + last;
    let answers = String::from_utf8_lossy(&server.raw(many.as_bytes()).await).into_owned();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3000);
    let dropped = counted(&server, "dropped");
    assert!(dropped > 0, "6000 spans found room");
    server.app.end_traces().await;
    assert!(counted(&server, "dropped") > dropped && counted(&server, "exported") == 0);
}

#[tokio::test]
async fn a_collector_that_was_busy_gets_the_traces_later_and_one_that_refuses_them_does_not() {
    let (collector, _database, server) = traced(Dialect::Sqlite).await;
    collector.answers("503 Service Unavailable");
    assert_eq!(server.ask("GET /api/orders/1", &[]).await.status, 200);
    while collector.heads().is_empty() {
        tokio::task::yield_now().await;
    }
    collector.answers("200 OK");
    assert_eq!(collector.spans(2).await.len(), 2);
    collector.answers("400 Bad Request");
    assert_eq!(server.ask("GET /api/orders/1", &[]).await.status, 200);
    server.app.end_traces().await;
    assert_eq!((counted(&server, "exported"), counted(&server, "dropped")), (2, 2));
}
