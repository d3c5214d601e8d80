//! What configuration files mean, and what is wrong with those that mean nothing.

use serde_json::{Value as Json, json};

#[path = "../../tests/schema/validate.rs"]
mod validate;

use super::*;
use crate::auth::{self, Algorithm, Pace};
use crate::state::{Numbers, OptimisticLocking};

fn problems(text: &str) -> String {
    match file::parse("rulegate.yaml", text) {
        Ok(_) => String::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[track_caller]
fn refused(text: &str, parts: &[&str]) {
    let found = problems(text);
    for part in parts {
        assert!(found.contains(part), "{part:?} is not in {found:?}");
    }
}

#[test]
fn an_unknown_key_is_a_problem_with_its_place_and_a_hint() {
    refused("api:\n  page_sise: 10\n", &["rulegate.yaml:2:3", "no key `api.page_sise`", "`api.page_size`"]);
    refused("databse: {url: x}\n", &["rulegate.yaml:1:1", "did you mean `database`?"]);
    refused("api: {nonsense: 1}\n", &["rulegate.yaml:1:7", "no key `api.nonsense`"]);
}

#[test]
fn every_unknown_key_is_found_at_once() {
    refused("a: 1\napi: {b: 2}\n", &["1:1", "`a`", "2:7", "`api.b`"]);
}

#[test]
fn a_value_of_a_wrong_type_is_a_problem_with_its_place() {
    refused("api:\n  page_size: many\n", &["rulegate.yaml:2:14", "must be a whole number", "without a unit"]);
    refused("api: {page_size: -1}\n", &["1:18", "must be a whole number"]);
    refused("limits: {filter_terms: 99999999999999999999}\n", &["1:24", "must be a whole number up to"]);
    refused(
        "optimistic_locking: sometimes\n",
        &["rulegate.yaml:1:21", "sometimes", "off, optional, required"],
    );
    refused("api: {numbers: saef}\n", &["1:16", "did you mean `safe`?"]);
    refused("trace: {roles: admin}\n", &["1:16", "must be a list of texts", "write it in brackets"]);
    refused("writes: {strict_derived: sure}\n", &["1:26", "must be true or false"]);
    refused("api: 5\n", &["1:6", "`api` must hold keys of its own", "page_size_max"]);
    refused("- api\n", &["1:1", "keys with values", "optimistic_locking"]);
    refused("api: [\n", &["rulegate.yaml:"]);
}

#[test]
fn values_that_make_no_sense_are_problems() {
    refused("api: {page_size: 0}\n", &["1:7", "`api.page_size` must be greater than 0"]);
    refused("api: {page_size: 50, page_size_max: 10}\n", &["greater than `api.page_size_max`"]);
    refused("api: {prefix: api/}\n", &["`api.prefix` must look like"]);
    refused("server: {cors: {origins: ['*']}}\n", &["1:17", "must be exact"]);
    refused("server: {tls: {cert_file: a}}\n", &["1:16", "needs `server.tls.key_file`"]);
    refused("database: {url: a, url_file: b}\n", &["exclude each other"]);
    refused("server: {listen: 8080}\n", &["1:10", "an address and a port"]);
    refused("server: {admin_listen: localhost}\n", &["1:10", "an address and a port"]);
    refused("server: {public_url: shop.example}\n", &["1:10", "must begin with `https://`"]);
    assert_eq!(problems("server: {listen: 'localhost:8080', admin_listen: '[::1]:0', public_url: ''}\n"), "");
}

/// The `jwt` part of `auth` alone.
fn jwt(keys: &str) -> String {
    problems(&format!("auth: {{jwt: {{{keys}}}}}\n"))
}

#[test]
fn keys_and_algorithms_of_tokens_fit_together() {
    for (keys, part) in [
        ("", "1:8: `auth.jwt` needs a key"),
        ("issuer: i", "needs a key"),
        ("secret_file: ''", "needs a key"),
        ("jwks_url: 'https://a.example'", "`auth.jwt` needs `algorithms`"),
        ("algorithms: [], secret_env: S", "1:14: `auth.jwt.algorithms` must name one"),
        ("algorithms: [HS256], public_key_file: p", "has HS…, which needs `auth.jwt.secret_file`"),
        ("algorithms: [RS256], secret_file: s", "which need `auth.jwt.public_key_file`"),
        ("algorithms: [RS256], secret_file: s, public_key_file: p", "has no HS…"),
        ("secret_file: s, public_key_file: p", "1:8: `auth.jwt` needs `algorithms`"),
        (
            "algorithms: [HS256], secret_file: s, public_key_file: p",
            "1:14: `auth.jwt.algorithms` has HS… alone",
        ),
        ("algorithms: [none], secret_file: s", "1:26: `auth.jwt.algorithms` cannot have `none`"),
        ("algorithms: [HS265], secret_file: s", "did you mean `HS256`?"),
        ("algorithms: HS256, secret_file: s", "1:26: `auth.jwt.algorithms` must be a list"),
        (
            "algorithms: [RS256], jwks_url: 'http://id.example/keys'",
            "1:35: `auth.jwt.jwks_url` must begin with `https://`",
        ),
        ("secret_file: s, leeway_s: 601", "`auth.jwt.leeway_s` must be 600 at most"),
        ("secret_file: s, audience: ['']", "`auth.jwt.audience` must not name nobody"),
        ("secret_file: s, audiance: [a]", "did you mean `auth.jwt.audience`?"),
    ] {
        let found = jwt(keys);
        assert!(found.contains(part), "{keys}: {part:?} is not in {found:?}");
    }
    for keys in [
        "secret_file: s",
        "secret_file: s, secret_env: S, leeway_s: 600",
        "algorithms: [HS512, ES256], secret_env: S, public_key_file: p, jwks_url: 'http://127.0.0.1:1/keys'",
    ] {
        assert_eq!(jwt(keys), "", "{keys}");
    }
    refused("auth: {anonymous_role: visitor}\n", &["1:1: `auth` needs `auth.jwt`"]);
    assert_eq!(problems("auth:\n"), "");
}

#[test]
fn where_it_is_known_who_asks_it_listens_everywhere() {
    let project = Project::new("database: {url: 'sqlite::memory:'}\nauth: {jwt: {secret_file: s}}\n");
    let given = || Given { project: Some(project.0.clone()), ..Given::default() };
    let config = Config::load(given()).unwrap();
    assert_eq!(config.listen, LISTEN_GUARDED);
    assert!(config.blueprint.auth);
    let problem = config.authenticator().map(|_| ()).unwrap_err().to_string();
    assert!(problem.starts_with("auth.jwt.secret_file: ") && problem.contains("No such file"), "{problem}");
    std::fs::write(project.0.join("s"), "short\n").unwrap();
    let problem = config.authenticator().map(|_| ()).unwrap_err().to_string();
    assert!(problem.contains("is a secret of 5 bytes") && !problem.contains("short"), "{problem}");
    let given = Given { listen: Some("127.0.0.1:7".into()), ..given() };
    assert_eq!(Config::load(given).unwrap().listen, "127.0.0.1:7");
}

#[test]
fn every_key_reaches_those_who_use_it() {
    let text = "
database: {url: 'postgres://app@db/shop', pool: {max: 4, acquire_timeout_ms: 5, statements: unnamed}}
server: {listen: '0.0.0.0:1', public_url: 'https://shop.example/', reload_token_file: t, cors: {origins: ['https://a.example']}}
api: {prefix: /v1, page_size: 5, page_size_max: 50, totals: exact, numbers: string, foreign_key_attributes: true}
optimistic_locking: required
writes: {tries: 2, strict_derived: true}
limits: {body_bytes: 10, json_depth: 3, request_timeout_ms: 1500, concurrent_requests: 7, concurrent_exports: 2, requests_per_second: 9}
trace: {roles: [auditor]}
auth: {jwt: {algorithms: [HS256, RS256], secret_file: s, secret_env: S, public_key_file: p, jwks_url: 'https://id.example/keys',
    issuer: 'https://id.example', audience: [shop], leeway_s: 5, roles_claim: realm_access.roles}, anonymous_role: visitor}
";
    let file = file::parse("rulegate.yaml", text).unwrap();
    let (options, api, limits, settings) =
        (file.options(Path::new("shop")), file.api(), file.limits(), file.settings(Path::new("shop")));
    assert_eq!((options.connections_max, options.streams_max), (4, 2));
    assert_eq!(options.acquire_timeout, Duration::from_millis(5));
    assert!(!options.cached_statements);
    assert_eq!((api.prefix.as_str(), api.public_url.as_str()), ("/v1", "https://shop.example"));
    assert_eq!((api.page_size, api.page_size_max), (5, 50));
    assert!(api.totals_exact && api.foreign_key_attributes);
    assert_eq!((api.numbers, api.optimistic_locking), (Numbers::String, OptimisticLocking::Required));
    assert_eq!((limits.tries, limits.strict_derived, limits.json_depth), (2, true, 3));
    assert_eq!(api.trace_roles, ["auditor"]);
    assert_eq!(settings.cors_origins, ["https://a.example"]);
    let auth = auth::Settings {
        algorithms: vec![Algorithm::Hs256, Algorithm::Rs256],
        secret_file: Some("shop/s".into()),
        secret_env: Some("S".into()),
        public_key_file: Some("shop/p".into()),
        jwks_url: Some("https://id.example/keys".into()),
        issuer: Some("https://id.example".into()),
        audience: vec!["shop".into()],
        leeway_s: 5,
        roles_claim: "realm_access.roles".into(),
        anonymous_role: Some("visitor".into()),
        pace: Pace::default(),
    };
    assert_eq!(file.auth(Path::new("shop")), Some(auth));
    assert_eq!(settings.reload_token.as_deref(), Some(Path::new("shop/t")));
    assert_eq!((settings.body_bytes, settings.concurrent_requests), (10, 7));
    assert_eq!(settings.request_timeout, Duration::from_millis(1500));
    assert_eq!(settings.requests_per_second, 9);
}

#[test]
fn the_application_behind_is_told_with_a_secret_from_a_file() {
    let text = "database: {url: 'sqlite::memory:'}\nupstream: {url: 'http://[::1]:3000', header: X-Who, secret_file: secret, ttl_s: 5}\n";
    let project = Project::new(text);
    let given = || Given { project: Some(project.0.clone()), ..Given::default() };
    assert!(Config::load(given()).unwrap_err().to_string().contains("secret: "));
    std::fs::write(project.0.join("secret"), "too short\n").unwrap();
    assert!(Config::load(given()).unwrap_err().to_string().contains("at least 32 bytes"));
    std::fs::write(project.0.join("secret"), "a secret that has thirty-two bytes\n").unwrap();
    let config = Config::load(given()).unwrap();
    let upstream = config.server.upstream.as_ref().unwrap();
    assert_eq!((upstream.target.clone(), upstream.ttl_s), ("http://[::1]:3000".parse().unwrap(), 5));
    assert_eq!(upstream.header, "x-who");
    assert!(upstream.secret.is_some() && !format!("{config:?}").contains("thirty"));
    refused("upstream: {url: app}\n", &["1:12", "`upstream.url` must"]);
    refused("upstream: {url: 'http://u:p@app'}\n", &["neither a user nor a password"]);
    refused("upstream: {secret_file: x}\n", &["`upstream.secret_file` needs `upstream.url`"]);
    for header in ["Host", "'a b'", "Content-Length", "TE", "X-Forwarded-For"] {
        refused(
            &format!("upstream: {{url: 'http://app', header: {header}}}\n"),
            &["`upstream.header` must be"],
        );
    }
    refused("upstream: {url: 'http://app', ttl_s: 0}\n", &["greater than 0"]);
    refused("upstream: {url: 'http://app', ttl_s: 3601}\n", &["3600 at most"]);
    assert_eq!(problems("upstream: {url: '', header: Tester}\n"), "");
}

#[test]
fn flags_beat_the_file_and_the_file_beats_the_defaults() {
    let project = Project::new("database: {url: 'sqlite://a.db'}\nserver: {listen: '127.0.0.1:1'}\n");
    let given = Given {
        project: Some(project.0.clone()),
        database_url: Some(DatabaseUrl::from("sqlite://b.db".to_owned())),
        ..Given::default()
    };
    let config = Config::load(given).unwrap();
    assert_eq!(config.database_url.reveal(), "sqlite://b.db");
    assert_eq!(config.listen, "127.0.0.1:1");
    assert_eq!(config.admin_listen, ADMIN_LISTEN);
}

#[test]
fn the_url_can_stand_in_a_mounted_file() {
    let project = Project::new("database: {url_file: secret}\n");
    std::fs::write(project.0.join("secret"), "postgres://app:pw@db/shop\n").unwrap();
    let config = project.load().unwrap();
    assert_eq!(config.database_url.reveal(), "postgres://app:pw@db/shop");
    assert!(!format!("{config:?}").contains("pw"));
}

#[test]
fn rule_files_and_access_files_are_read_in_the_order_of_their_names() {
    let project = Project::new("database: {url: 'sqlite::memory:'}\n");
    std::fs::create_dir(project.0.join("rules")).unwrap();
    for name in ["b.yaml", "a.yml", "notes.txt"] {
        std::fs::write(project.0.join("rules").join(name), name).unwrap();
    }
    let config = project.load().unwrap();
    let names: Vec<&str> = config.blueprint.rule_files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["rules/a.yml", "rules/b.yaml"]);
    assert!(config.blueprint.access_files.is_empty());
    std::fs::rename(project.0.join("rules"), project.0.join("access")).unwrap();
    let config = project.load().unwrap();
    let names: Vec<&str> = config.blueprint.access_files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, config.blueprint.rule_files.len()), (vec!["access/a.yml", "access/b.yaml"], 0));
}

#[test]
fn what_looks_like_a_part_of_the_project_and_is_none_is_named() {
    let project = Project::new("database: {url: 'sqlite::memory:'}\n");
    for folder in ["rules/old", "rules/..data", "rule", "access/old"] {
        std::fs::create_dir_all(project.0.join(folder)).unwrap();
    }
    for file in [
        "access/a.json",
        "rules/a.yaml",
        "rules/b.YAML",
        "rules/c.json",
        "rules/notes.txt",
        "model.yml",
        "rules.yaml",
    ] {
        std::fs::write(project.0.join(file), "").unwrap();
    }
    let config = project.load().unwrap();
    let expected = [
        "`model.yml` is not read: call it `model.yaml`",
        "`rule` is not read: call it `rules`",
        "`rules.yaml` is not read: call it `rules/rules.yaml`",
        "rules/b.YAML is not read: rule files end in .yaml or .yml",
        "rules/c.json is not read: rule files end in .yaml or .yml",
        "rules/old/ is not looked into: rule files stand in rules/ itself",
        "access/a.json is not read: access files end in .yaml or .yml",
        "access/old/ is not looked into: access files stand in access/ itself",
    ];
    assert_eq!(config.strays, expected);
}

#[test]
fn traces_are_sent_with_headers_that_never_print() {
    let project = Project::new(
        "database: {url: 'sqlite::memory:'}\ntracing: {endpoint: 'http://127.0.0.1:4318', headers_file: h, ratio: 0.25}\n",
    );
    std::fs::write(project.0.join("h"), "api-key: s3cret\n\n x-tenant : shop\n").unwrap();
    let tracing = project.load().unwrap().tracing.unwrap();
    assert_eq!(
        (tracing.endpoint.path(), tracing.ratio, tracing.service.as_str()),
        ("/v1/traces", 0.25, "rulegate")
    );
    assert_eq!(
        (&tracing.headers["api-key"], &tracing.headers["x-tenant"]),
        (&"s3cret".parse().unwrap(), &"shop".parse().unwrap())
    );
    assert!(!format!("{tracing:?}").contains("s3cret"));
    std::fs::write(project.0.join("h"), "api-key: a\ns3cret\n").unwrap();
    let error = project.load().unwrap_err().to_string();
    assert!(error.contains("line 2 must be a header") && !error.contains("s3cret"), "{error}");
}

#[test]
fn traces_that_cannot_be_sent_are_problems() {
    refused("tracing: {endpoint: collector}\n", &["1:11", "`tracing.endpoint` must be an address"]);
    refused("tracing: {endpoint: 'https://me:pw@a.example'}\n", &["without user, password"]);
    refused("tracing: {headers_file: h}\n", &["1:11", "needs `tracing.endpoint`"]);
    refused(
        "tracing: {endpoint: 'http://a.example:4318', headers_file: h}\n",
        &["must begin with `https://`"],
    );
    refused("tracing: {ratio: 1.5}\n", &["1:11", "must be from 0 to 1"]);
    refused("tracing: {ratio: often}\n", &["1:18", "must be a number"]);
    for fine in [
        "endpoint: 'http://a.example:4318'",
        "endpoint: 'http://[::1]:4318/x', headers_file: h",
        "endpoint: ''",
    ] {
        assert_eq!(problems(&format!("tracing: {{{fine}}}\n")), "");
    }
}

#[test]
fn tls_towards_the_database_has_files_of_the_project() {
    refused("database: {tls: {cert_file: a}}\n", &["1:18", "needs `database.tls.key_file`"]);
    refused("database: {tls: {mode: verify}}\n", &["1:24", "verify-ca"]);
    let project = Project::new("database: {url: 'postgres://db/x', tls: {mode: require, ca_file: ca.pem}}\n");
    let config = project.load().unwrap();
    let tls = config.database.tls;
    assert_eq!(
        (tls.mode, tls.ca_file),
        (Some(dialects::TlsMode::VerifyFull), Some(project.0.join("ca.pem")))
    );
}

#[test]
fn replicas_stand_in_the_file_or_in_one_that_it_names() {
    let project = Project::new(
        "database: {url: 'postgres://db/x', replicas: ['postgres://me:s3cret@a/x'], replicas_file: r}\n",
    );
    std::fs::write(project.0.join("r"), "postgres://me:s3cret@b/x\n\n").unwrap();
    let config = project.load().unwrap();
    assert_eq!(format!("{:?}", config.replicas), "[postgres://me@a/x, postgres://me@b/x]");
    std::fs::remove_file(project.0.join("r")).unwrap();
    assert!(project.load().unwrap_err().to_string().contains("/r: "));
}

#[test]
fn no_problem_of_the_file_shows_a_password() {
    for text in [
        "database: {url: 'postgres://me:s3cret@a/x', urll: 1}\n",
        "database:\n  url: 'host=a password=s3cret'\n  urll: 1\n",
        "database:\n  url: me:s3cret@a\n  url_file: a\n",
        "database: {replicas: 'postgres://me:s3cret@a/x'}\n",
        "database: {replicas: [{'postgres://me:s3cret@a/x': 1}]}\n",
        "database: {url: ['postgres://me:s3cret@a/x']}\n",
        "database: {url: 'postgres://me:s3cret@a/x\n",
        "database: {url: a, url: 'postgres://me:s3cret@a/x'}\n",
        "upstream: {url: 'http://me:s3cret@a'}\n",
        "tracing: {endpoint: 'https://me:s3cret@a'}\n",
        "auth: {jwt: {jwks_url: 'https://me:s3cret@a/x', algorithms: [RS256]}}\n",
        "server: {public_url: 'ftp://me:s3cret@a'}\n",
        "server: {cors: {origins: ['https://me:s3cret@a']}}\n",
        "server: {listen: 'me:s3cret@a'}\n",
    ] {
        let error = Project::new(text).load().unwrap_err();
        assert!(matches!(error, ConfigError::Problems { .. }), "{text}: {error}");
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains("s3cret"), "{text}: {shown}");
        }
    }
}

#[test]
fn a_configuration_prints_no_secret() {
    let project = Project::new(
        "database: {url_file: u, replicas: ['postgres://me:s3cret@a/x'], replicas_file: r}\n\
         tracing: {endpoint: 'https://a', headers_file: h}\n\
         upstream: {url: 'http://127.0.0.1:3000', secret_file: s}\n",
    );
    let files = [
        ("u", "host=a password=s3cret"),
        ("r", "postgres://a/x?password=s3cret\n"),
        ("h", "authorization: s3cret"),
        ("s", "s3cret-s3cret-s3cret-s3cret-s3cret-s3cret"),
    ];
    for (name, text) in files {
        std::fs::write(project.0.join(name), text).unwrap();
    }
    let shown = format!("{:?}", project.load().unwrap());
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn without_a_database_or_a_folder_it_says_what_to_do() {
    let project = Project::new("");
    let error = project.load().unwrap_err();
    assert!(error.to_string().contains("RULEGATE_DATABASE_URL"), "{error}");
    let gone = Given { project: Some("/nowhere/at/all".into()), ..Given::default() };
    assert!(Config::load(gone).unwrap_err().to_string().contains("/nowhere/at/all"));
}

/// A project folder that goes with the test.
struct Project(PathBuf);

impl Project {
    fn new(text: &str) -> Self {
        let name = format!("rulegate-config-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(FILE), text).unwrap();
        Self(folder)
    }

    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(Given { project: Some(self.0.clone()), ..Given::default() })
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The keys under `properties`, by their path, with the schemas of their values.
fn properties<'a>(schema: &'a Json, parent: &str, found: &mut Vec<(String, &'a Json)>) {
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        found.push((path.clone(), inner));
        properties(inner, &path, found);
    }
}

#[test]
fn the_schema_has_the_keys_that_this_version_reads_and_no_others() {
    let schema: Json = serde_json::from_str(JSON_SCHEMA).unwrap();
    let mut found = Vec::new();
    properties(&schema, "", &mut found);
    let mut found: Vec<String> = found.into_iter().map(|(path, _)| path).collect();
    found.sort();
    assert_eq!(found, keys::known());
}

/// A file with this one value.
fn with(path: &str, value: &str) -> String {
    let keys: Vec<&str> = path.split('.').collect();
    let open: String = keys.iter().take(keys.len() - 1).map(|key| format!("{key}: {{")).collect();
    format!("{open}{}: {value}{}", keys[keys.len() - 1], "}".repeat(keys.len() - 1))
}

#[test]
fn values_are_taken_exactly_where_the_schema_allows_them() {
    let schema: Json = serde_json::from_str(JSON_SCHEMA).unwrap();
    let mut found = Vec::new();
    properties(&schema, "", &mut found);
    // Those of `auth` make sense together alone.
    let leaves =
        found.into_iter().filter(|(path, inner)| inner["properties"].is_null() && !path.starts_with("auth."));
    let values =
        [json!(0), json!(20), json!(-1), json!(1.5), json!("word"), json!(true), json!([]), json!({"a": 1})];
    for (path, inner) in leaves {
        let words = inner["enum"].as_array().into_iter().flatten();
        for value in values.iter().chain(words) {
            // One of these needs the other, and addresses, URLs and prefixes have a form.
            let formed = [
                "server.listen",
                "server.admin_listen",
                "server.public_url",
                "api.prefix",
                "tracing.endpoint",
                "tracing.headers_file",
                "upstream.url",
                "upstream.secret_file",
            ];
            let judged = path.starts_with("server.tls.")
                || path.starts_with("database.tls.")
                || formed.contains(&path.as_str());
            if judged && !value.is_array() && !value.is_object() {
                continue;
            }
            let problems = problems(&with(&path, &value.to_string()));
            let wrong = validate::wrong(&schema, inner, value, &path);
            assert_eq!(problems.is_empty(), wrong.is_empty(), "{path}: {value}\n{problems}\n{wrong:?}");
        }
    }
}
