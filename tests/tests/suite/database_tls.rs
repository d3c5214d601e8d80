//! TLS towards databases: a server that demands a certificate of its clients, and clients that demand one of it.

use std::path::PathBuf;

use dialects::{Dialect, Error, Kind, Options, Pool, TlsMode, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tests::private::Private;

const SERVERS: [Dialect; 2] = [Dialect::Postgres, Dialect::Mysql];

/// Who issues certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, format!("authority {:08x}", fastrand::u32(..)));
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), root }
    }

    /// A certificate and its key.
    fn issue(&self, host: &[&str], common: &str) -> (String, String) {
        let hosts: Vec<String> = host.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// A server that lets `app` in by certificate alone.
struct Guarded {
    server: Private,
    authority: Authority,
    ca_file: PathBuf,
    cert_file: PathBuf,
    key_file: PathBuf,
}

impl Guarded {
    async fn start(dialect: Dialect) -> Self {
        let mut server = Private::new(dialect);
        let authority = Authority::new();
        let (certificate, key) = authority.issue(&["localhost"], "localhost");
        let ca_file = server.keep("ca.pem", &authority.root);
        let (cert, own_key) = (server.keep("server.pem", &certificate), server.keep("server.key", &key));
        let (certificate, key) = authority.issue(&[], "app");
        let (cert_file, key_file) = (server.keep("app.pem", &certificate), server.keep("app.key", &key));
        match dialect {
            Dialect::Postgres => {
                server.set("ssl=on");
                for (name, path) in
                    [("ssl_ca_file", &ca_file), ("ssl_cert_file", &cert), ("ssl_key_file", &own_key)]
                {
                    server.set(&format!("{name}={}", path.display()));
                }
                let hba = "host all postgres 127.0.0.1/32 trust\nhostssl all app 127.0.0.1/32 cert\n";
                server.set(&format!("hba_file={}", server.keep("hba.conf", hba).display()));
            }
            _ => {
                for (name, path) in [("ssl-ca", &ca_file), ("ssl-cert", &cert), ("ssl-key", &own_key)] {
                    server.set(&format!("{name}={}", path.display()));
                }
            }
        }
        server.start().await;
        let grants = "create user app@localhost identified by 's3cret' require x509; grant all on shop.* to app@localhost";
        let scripts: &[&str] = match dialect {
            Dialect::Postgres => &["create user app", "create database shop"],
            _ => &["create database shop", grants],
        };
        for script in scripts {
            server.execute(script).await;
        }
        Self { server, authority, ca_file, cert_file, key_file }
    }

    fn tls(&self) -> TlsOptions {
        TlsOptions {
            mode: None,
            ca_file: Some(self.ca_file.clone()),
            cert_file: Some(self.cert_file.clone()),
            key_file: Some(self.key_file.clone()),
        }
    }

    fn open(&self, host: &str, tls: TlsOptions) -> dialects::Result<Pool> {
        let (scheme, user) = match self.server.dialect {
            Dialect::Postgres => ("postgres", "app"),
            _ => ("mysql", "app:s3cret"),
        };
        let url = format!("{scheme}://{user}@{host}:{}/shop", self.server.port);
        Pool::open(&url, Options { tls, ..Options::default() })
    }

    /// Why there is no connection.
    async fn refusal(&self, host: &str, tls: TlsOptions) -> Error {
        let error = self.open(host, tls).unwrap().ping().await.unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
        error
    }
}

#[tokio::test]
async fn a_server_that_demands_a_certificate_serves_whoever_has_one_and_trusts_it() {
    for dialect in SERVERS {
        let guarded = Guarded::start(dialect).await;
        for mode in [None, Some(TlsMode::VerifyFull), Some(TlsMode::VerifyCa)] {
            guarded.open("localhost", TlsOptions { mode, ..guarded.tls() }).unwrap().ping().await.unwrap();
        }
        let stranger = guarded.server.keep("stranger.pem", &Authority::new().root);
        let error =
            guarded.refusal("localhost", TlsOptions { ca_file: Some(stranger), ..guarded.tls() }).await;
        assert!(
            error.kind == Kind::Unavailable && error.detail.contains("UnknownIssuer"),
            "{dialect}: {error}"
        );
        let error = guarded.refusal("127.0.0.1", guarded.tls()).await;
        assert!(error.detail.contains("not valid for name"), "{dialect}: {error}");
        let without = TlsOptions { cert_file: None, key_file: None, ..guarded.tls() };
        let error = guarded.refusal("localhost", without).await;
        assert!(error.detail.contains("database.tls.cert_file"), "{dialect}: {error}");
    }
}

#[tokio::test]
async fn new_connections_use_the_files_as_they_are_then() {
    for dialect in SERVERS {
        let guarded = Guarded::start(dialect).await;
        let (other, key) = Authority::new().issue(&[], "app");
        let write = |name: &str, text: &str| drop(guarded.server.keep(name, text));
        let (good, good_key) = guarded.authority.issue(&[], "app");
        let pool = guarded.open("localhost", guarded.tls()).unwrap();
        let connects = async || pool.execute_script("select 1").await;
        connects().await.unwrap();
        write("app.pem", &other);
        // Half of them: a certificate and the key of another one.
        connects().await.unwrap();
        write("app.key", &key);
        connects().await.unwrap_err();
        write("app.pem", &good);
        write("app.key", &good_key);
        connects().await.unwrap();
        write("app.pem", "nothing");
        connects().await.unwrap();
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_refused_with_their_name() {
    let guarded = Guarded::start(Dialect::Postgres).await;
    let nothing = guarded.server.keep("nothing.pem", "nothing");
    for (tls, word) in [
        (TlsOptions { ca_file: Some("/nowhere.pem".into()), ..guarded.tls() }, "/nowhere.pem"),
        (TlsOptions { ca_file: Some(nothing.clone()), ..guarded.tls() }, "nothing.pem: no certificate in it"),
        (TlsOptions { key_file: Some(nothing.clone()), ..guarded.tls() }, "nothing.pem"),
        (TlsOptions { key_file: None, ..guarded.tls() }, "together"),
        (TlsOptions { mode: Some(TlsMode::Disable), ..guarded.tls() }, "turned off"),
    ] {
        let error = guarded.open("localhost", tls).err().unwrap();
        assert!(error.detail.contains(word), "{error}");
    }
    let tls = TlsOptions { mode: Some(TlsMode::VerifyFull), ..TlsOptions::default() };
    assert!(Pool::open("sqlite::memory:", Options { tls, ..Options::default() }).is_err());
}
