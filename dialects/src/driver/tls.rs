//! TLS towards databases: rustls with the system's certificates, or a file's, and with a certificate of our own where the server wants one.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::address::invalid;
use crate::Result;

/// How far a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Never encrypted.
    Disable,
    /// Encrypted when the server can, without looking at its certificate: no protection against an active attacker.
    Prefer,
    /// Encrypted, and the certificate must be trusted whatever name it bears.
    VerifyCa,
    /// Encrypted, and the certificate must be trusted and bear the host's name.
    VerifyFull,
}

/// How connections are protected, where the URL does not say. Files are PEM, and read again when they have changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// How far; nothing: all of it where a file is named, else not at all towards this machine, else as far as the server can.
    pub mode: Option<TlsMode>,
    /// The certificates that are trusted, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate, and those between it and one that the server trusts.
    pub cert_file: Option<PathBuf>,
    /// The key of our own certificate.
    pub key_file: Option<PathBuf>,
}

/// What URL and options come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: TlsMode,
    files: TlsOptions,
}

/// What is made of the files, made again when they are other ones.
pub(super) struct Current<T> {
    tls: Tls,
    made: Mutex<(Stamp, T)>,
}

/// The same as long as the files are.
type Stamp = Vec<Option<(u64, u64, i64, i64)>>;

impl TlsMode {
    /// PostgreSQL's and MySQL's words. `require` verifies: who asks for TLS gets all of it.
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => Some(Self::Disable),
            "prefer" | "preferred" | "allow" => Some(Self::Prefer),
            "verify-ca" => Some(Self::VerifyCa),
            "require" | "required" | "verify-full" | "verify-identity" => Some(Self::VerifyFull),
            _ => None,
        }
    }
}

impl Tls {
    /// `default`: of a URL that says nothing. Errors: files that would not be looked at.
    pub(super) fn new(files: TlsOptions, default: TlsMode) -> Result<Self> {
        let named = files.ca_file.is_some() || files.cert_file.is_some();
        let mode = files.mode.unwrap_or(if named { TlsMode::VerifyFull } else { default });
        match (mode, &files) {
            _ if files.cert_file.is_some() != files.key_file.is_some() => {
                Err(invalid("a client certificate and its key are named together, or neither"))
            }
            (TlsMode::Disable, _) if named => {
                Err(invalid("certificates are named, but TLS towards the database is turned off"))
            }
            (TlsMode::Prefer, TlsOptions { ca_file: Some(_), .. }) => Err(invalid(
                "trusted certificates are named, but `prefer` does not look at the server's: use verify-full",
            )),
            _ => Ok(Self { mode, files }),
        }
    }

    /// Whether there is a certificate of our own.
    pub(super) fn has_identity(&self) -> bool {
        self.files.cert_file.is_some()
    }

    /// The client's side of TLS.
    pub(super) fn client_config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder =
            builder.with_safe_default_protocol_versions().map_err(|error| invalid(error.to_string()))?;
        let verifier: Arc<dyn ServerCertVerifier> = match self.mode {
            TlsMode::Disable | TlsMode::Prefer => Arc::new(Lenient { provider, chain: None }),
            TlsMode::VerifyCa => Arc::new(Lenient { chain: Some(self.verifier(&provider)?), provider }),
            TlsMode::VerifyFull => self.verifier(&provider)?,
        };
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        match (&self.files.cert_file, &self.files.key_file) {
            (Some(certificate), Some(key)) => builder
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(|error| invalid(format!("{}: {error}", certificate.display()))),
            _ => Ok(builder.with_no_client_auth()),
        }
    }

    /// The certificates that are trusted.
    pub(super) fn trusted(&self) -> Result<Vec<CertificateDer<'static>>> {
        match &self.files.ca_file {
            Some(path) => certificates(path),
            None => system_certificates(),
        }
    }

    /// The bytes of our own certificate and its key.
    pub(super) fn identity(&self) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        let read = |path: &Path| std::fs::read(path).map_err(|error| unreadable(path, &error));
        match (&self.files.cert_file, &self.files.key_file) {
            (Some(certificate), Some(key)) => Ok(Some((read(certificate)?, read(key)?))),
            _ => Ok(None),
        }
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>> {
        let mut roots = RootCertStore::empty();
        for certificate in self.trusted()? {
            roots.add(certificate).map_err(|error| invalid(format!("a trusted certificate: {error}")))?;
        }
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        builder.build().map_err(|error| invalid(format!("no usable root certificates: {error}")))
    }

    fn stamp(&self) -> Stamp {
        let files = [&self.files.ca_file, &self.files.cert_file, &self.files.key_file];
        let of = |file: Metadata| (file.ino(), file.len(), file.mtime(), file.mtime_nsec());
        files.into_iter().flatten().map(|path| path.metadata().ok().map(of)).collect()
    }
}

impl<T: Clone> Current<T> {
    /// Makes it a first time: what is wrong with the files is said now.
    pub(super) fn new(tls: Tls, make: impl FnOnce(&Tls) -> Result<T>) -> Result<Self> {
        let made = Mutex::new((tls.stamp(), make(&tls)?));
        Ok(Self { tls, made })
    }

    /// As the files are now. Where they make no sense, half written perhaps, what was made before goes on.
    pub(super) fn get(&self, make: impl FnOnce(&Tls) -> Result<T>) -> T {
        let stamp = self.tls.stamp();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.0 != stamp {
            match make(&self.tls) {
                Ok(fresh) => *made = (stamp, fresh),
                Err(error) => {
                    tracing::warn!(%error, "the files for TLS towards the database: those before go on");
                }
            }
        }
        made.1.clone()
    }
}

/// The system's certificates, those that can be read.
fn system_certificates() -> Result<Vec<CertificateDer<'static>>> {
    let mut roots = RootCertStore::empty();
    let loaded = rustls_native_certs::load_native_certs().certs;
    let usable: Vec<_> =
        loaded.into_iter().filter(|certificate| roots.add(certificate.clone()).is_ok()).collect();
    if usable.is_empty() {
        return Err(invalid(
            "the system has no root certificates: install them, or name a file of them (database.tls.ca_file, sslrootcert=)",
        ));
    }
    Ok(usable)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(path, &error))?;
    let read: Vec<_> =
        read.collect::<std::result::Result<_, _>>().map_err(|error| unreadable(path, &error))?;
    if read.is_empty() { Err(unreadable(path, &"no certificate in it")) } else { Ok(read) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> crate::Error {
    invalid(format!("{}: {error}", path.display()))
}

/// Asks for less than rustls does: no trust at all, or trust in whatever name.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        use rustls::CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is looked at after the chain has been found good.
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
