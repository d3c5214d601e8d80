//! `rulegate serve` with an issuer's keys behind TLS, as people run it: trusted by the certificate that `SSL_CERT_FILE` names, and not without.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "shared/folder.rs"]
mod folder;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proxy::auth::{Algorithm, Signer};
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::PrivateKeyDer;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use folder::Folder;

/// A server in a process of its own, stopped when it is dropped.
struct Process {
    child: Child,
    address: SocketAddr,
    announced: String,
    /// Kept, so that what is still to be said finds an open pipe.
    _out: BufReader<ChildStdout>,
}

impl Process {
    fn serve(project: &Path, certificates: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rulegate"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        command.env("RULEGATE_PROJECT", project).env("RULEGATE_DATABASE_URL", "sqlite::memory:");
        command.env("SSL_CERT_FILE", certificates).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut announced = String::new();
        while !announced.contains("roles from") {
            assert!(out.read_line(&mut announced).unwrap() > 0, "{announced}");
        }
        let api = announced.split("http://").nth(1).unwrap().split('/').next().unwrap();
        Self { address: api.parse().unwrap(), child, announced, _out: out }
    }

    fn ask(&self, token: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(
            stream,
            "GET /api/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Shows a document over TLS; gives the address and the certificate.
async fn show(document: Json) -> (SocketAddr, String) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], private).unwrap();
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap();
    let body = document.to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Who does not trust the certificate ends here.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, certificate.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_behind_tls_come_from_whom_the_certificates_of_the_system_vouch_for() {
    let pair = KeyPair::generate().unwrap();
    let point = pair.public_key_raw();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk =
        json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": text(&point[1..33]), "y": text(&point[33..])});
    let (address, certificate) = show(json!({"keys": [jwk]})).await;
    let (folder, other) = (Folder::new(), show(json!({})).await.1);
    let (trusted, untrusted) = (folder.0.join("trusted.pem"), folder.0.join("untrusted.pem"));
    std::fs::write(&trusted, certificate).unwrap();
    std::fs::write(&untrusted, other).unwrap();
    let url = format!("https://localhost:{}/keys", address.port());
    let settings = format!("auth: {{jwt: {{algorithms: [ES256], jwks_url: '{url}'}}}}\n");
    std::fs::write(folder.0.join("rulegate.yaml"), settings).unwrap();
    let signer = Signer::private_key(pair.serialize_pem().as_bytes()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"sub": "ann", "exp": now + 300});
    let token = signer.token(Algorithm::Es256, Some("k"), claims.as_object().unwrap()).unwrap();
    for (certificates, expect) in [(&trusted, "HTTP/1.1 200"), (&untrusted, "HTTP/1.1 503")] {
        let process = Process::serve(&folder.0, certificates);
        let asked = Instant::now();
        assert!(process.announced.contains("bearer tokens by ES256"), "{}", process.announced);
        let answer = process.ask(&token);
        assert!(answer.starts_with(expect), "{answer}");
        // Those that can be had are fetched at the start, and no request waits for the next time.
        assert!(certificates == &untrusted || asked.elapsed() < Duration::from_secs(4));
        assert!(process.ask("a.b.c").starts_with("HTTP/1.1 401"));
    }
}
