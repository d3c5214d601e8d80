//! TLS on the API's listener: a certificate and its key from PEM files, exchanged while connections are served.
//!
//! HTTP/2 and HTTP/1.1 are offered (ALPN), TLS 1.2 and 1.3 are spoken. What is on disk and does not fit together changes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use pingora_core::listeners::tls::TlsSettings;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Where the certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those between it and a trusted one, in PEM.
    pub certificates: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

/// The certificate that is shown now.
#[derive(Debug)]
pub struct Certificates {
    files: TlsFiles,
    current: ArcSwap<CertifiedKey>,
}

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM of this kind.
    #[error("{}: {error}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: rustls_pki_types::pem::Error,
    },
    /// The file of certificates has none.
    #[error("{}: there is no certificate in it", .0.display())]
    Empty(PathBuf),
    /// Certificate and key do not fit together, or are of a kind that is not spoken.
    #[error("{}: {error}", .path.display())]
    Unfit {
        /// The key's file.
        path: PathBuf,
        /// Why not.
        error: rustls::Error,
    },
}

impl Certificates {
    /// From their files.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = ArcSwap::from_pointee(read(&files)?);
        Ok(Self { files, current })
    }

    /// Reads the files again: connections that come from now on see what is in them, unless that does not fit together. Tells
    /// whether it is another certificate.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let next = read(&self.files)?;
        let before = self.current.swap(Arc::new(next));
        Ok(before.cert != self.current.load().cert)
    }

    /// How a listener presents them.
    pub(super) fn settings(self: &Arc<Self>) -> pingora_core::Result<TlsSettings> {
        let mut settings = TlsSettings::intermediate("", "")?;
        settings.set_cert_resolver(self.clone());
        settings.enable_h2();
        Ok(settings)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        |error| TlsError::Unreadable { path, error }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(&files.certificates))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(files.certificates.clone()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable(&files.key))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map_err(|error| TlsError::Unfit { path: files.key.clone(), error })
}
