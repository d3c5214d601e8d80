//! Whoever issues tokens: key pairs, and the URL that shows the public halves, on this machine.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proxy::auth::{Algorithm, Signer};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SignatureAlgorithm};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A pair of keys.
pub struct Pair {
    /// Its name.
    pub kid: String,
    /// The private half.
    pub signer: Signer,
    /// The public half as a JWK, without `use` and `alg`.
    pub jwk: Json,
    /// The same in PEM.
    pub pem: String,
}

impl Pair {
    /// A new one of P-256.
    pub fn p256(kid: &str) -> Self {
        Self::generate(kid, &PKCS_ECDSA_P256_SHA256)
    }

    /// A new one of P-384.
    pub fn p384(kid: &str) -> Self {
        Self::generate(kid, &PKCS_ECDSA_P384_SHA384)
    }

    /// A new one of Ed25519.
    pub fn ed25519(kid: &str) -> Self {
        Self::generate(kid, &PKCS_ED25519)
    }

    /// One of RSA, from `tests/fixtures/keys`: `rsa` or `rsa_other`.
    pub fn rsa(kid: &str, name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/keys");
        let read = |ending: &str| std::fs::read_to_string(folder.join(format!("{name}.{ending}"))).unwrap();
        let mut jwk: Json = serde_json::from_str(&read("jwk.json")).unwrap();
        jwk["kid"] = kid.into();
        let signer = Signer::private_key(read("pem").as_bytes()).unwrap();
        Self { kid: kid.into(), signer, jwk, pem: read("pub.pem") }
    }

    fn generate(kid: &str, algorithm: &'static SignatureAlgorithm) -> Self {
        let pair = KeyPair::generate_for(algorithm).unwrap();
        let point = pair.public_key_raw();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let half = point.len() / 2;
        let mut jwk = match point.len() {
            32 => json!({"kty": "OKP", "crv": "Ed25519", "x": text(point)}),
            length => {
                let crv = if length == 65 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": crv, "x": text(&point[1..=half]), "y": text(&point[half + 1..])})
            }
        };
        jwk["kid"] = kid.into();
        let signer = Signer::private_key(pair.serialize_pem().as_bytes()).unwrap();
        Self { kid: kid.into(), signer, jwk, pem: pair.public_key_pem() }
    }

    /// A token by the key's usual algorithm, which names the key; valid for five minutes.
    pub fn token(&self, claims: Json) -> String {
        self.token_by(self.signer.algorithms()[0], claims)
    }

    /// Likewise, by another algorithm.
    pub fn token_by(&self, algorithm: Algorithm, claims: Json) -> String {
        let mut all = json!({"exp": now() + 300});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        self.signer.token(algorithm, Some(&self.kid), all.as_object().unwrap()).unwrap()
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A JWKS URL.
pub struct Jwks {
    /// What it shows.
    pub document: Arc<Mutex<Document>>,
    /// How often it was asked.
    pub asked: Arc<AtomicUsize>,
    address: SocketAddr,
}

/// An answer.
pub struct Document {
    /// The status and what follows it: `200 OK`.
    pub status: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl Jwks {
    /// Shows these keys, until the test's runtime ends.
    pub async fn start(pairs: &[&Pair]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let document = Document { status: "200 OK", body: Vec::new() };
        let jwks = Self { document: Arc::new(Mutex::new(document)), asked: Arc::default(), address };
        jwks.show(pairs);
        let (document, asked) = (jwks.document.clone(), jwks.asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(answer(stream, document.clone()));
            }
        });
        jwks
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/keys?of=shop", self.address)
    }

    /// Shows these keys from now on.
    pub fn show(&self, pairs: &[&Pair]) {
        let keys: Vec<&Json> = pairs.iter().map(|pair| &pair.jwk).collect();
        self.answer_with("200 OK", json!({"keys": keys}).to_string().into_bytes());
    }

    /// Answers with something else from now on.
    pub fn answer_with(&self, status: &'static str, body: Vec<u8>) {
        *self.document.lock().unwrap() = Document { status, body };
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, document: Arc<Mutex<Document>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let answer = {
        let document = document.lock().unwrap();
        let (status, length) = (document.status, document.body.len());
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        [head.as_bytes(), &document.body].concat()
    };
    // Whoever does not wait for the end has gone.
    let _ = stream.write_all(&answer).await;
}
