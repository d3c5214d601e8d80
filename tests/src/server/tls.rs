//! Certificates for tests, in files that go with them, and a client that trusts their issuer alone.

use std::path::PathBuf;
use std::sync::Arc;

use proxy::server::tls::TlsFiles;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Server;

/// Who issues certificates for `localhost`, and a folder that they are in.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: rcgen::Certificate,
    folder: PathBuf,
}

impl Authority {
    /// A new one, with a first certificate.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        let folder = std::env::temp_dir().join(format!("rg-tls-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&folder).unwrap();
        let authority = Self { issuer: Issuer::new(params, key), root, folder };
        authority.issue();
        authority
    }

    /// The files that certificates are written to.
    pub fn files(&self) -> TlsFiles {
        TlsFiles { certificates: self.folder.join("tls.crt"), key: self.folder.join("tls.key") }
    }

    /// Writes a new certificate; gives its bytes.
    pub fn issue(&self) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.files().certificates, certificate.pem()).unwrap();
        std::fs::write(self.files().key, key.serialize_pem()).unwrap();
        certificate.der().to_vec()
    }

    /// A connection to a server that offers these protocols.
    pub async fn connect(
        &self,
        server: &Server,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.speak(server.connect().await, protocols).await
    }

    /// Likewise, over a connection that is there.
    pub async fn speak(
        &self,
        stream: TcpStream,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
