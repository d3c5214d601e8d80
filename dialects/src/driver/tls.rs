//! TLS towards databases: rustls with the system's certificates, or a file's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::address::invalid;
use crate::Result;

/// How far a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Never encrypted.
    Disable,
    /// Encrypted when the server can, without looking at its certificate: no protection against an active attacker.
    Prefer,
    /// Encrypted, and the certificate must be trusted whatever name it bears.
    VerifyCa,
    /// Encrypted, and the certificate must be trusted and bear the host's name.
    VerifyFull,
}

/// What a database URL says about TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: Mode,
    /// A PEM file of trusted certificates, instead of the system's.
    pub(super) root_certificates: Option<PathBuf>,
}

impl Mode {
    /// PostgreSQL's and MySQL's words. `require` verifies: who asks for TLS gets all of it.
    pub(super) fn parse(word: &str) -> Result<Self> {
        match word.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => Ok(Self::Disable),
            "prefer" | "preferred" | "allow" => Ok(Self::Prefer),
            "verify-ca" => Ok(Self::VerifyCa),
            "require" | "required" | "verify-full" | "verify-identity" => Ok(Self::VerifyFull),
            _ => Err(invalid(
                "unknown sslmode in the database URL: disable, prefer, require, verify-ca or verify-full",
            )),
        }
    }
}

impl Tls {
    /// The client's side of TLS.
    pub(super) fn client_config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder =
            builder.with_safe_default_protocol_versions().map_err(|error| invalid(error.to_string()))?;
        let verifier: Arc<dyn ServerCertVerifier> = match self.mode {
            Mode::Disable | Mode::Prefer => Arc::new(Lenient { provider, chain: None }),
            Mode::VerifyCa => Arc::new(Lenient { chain: Some(self.verifier(&provider)?), provider }),
            Mode::VerifyFull => self.verifier(&provider)?,
        };
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }

    /// The system's certificates, those that can be read.
    pub(super) fn system_certificates() -> Result<Vec<CertificateDer<'static>>> {
        let mut roots = RootCertStore::empty();
        let loaded = rustls_native_certs::load_native_certs().certs;
        let usable: Vec<_> =
            loaded.into_iter().filter(|certificate| roots.add(certificate.clone()).is_ok()).collect();
        if usable.is_empty() {
            return Err(invalid(
                "the system has no root certificates: install them or name a file with sslrootcert=",
            ));
        }
        Ok(usable)
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>> {
        let roots = match &self.root_certificates {
            Some(path) => from_file(path)?,
            None => from_system()?,
        };
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        builder.build().map_err(|error| invalid(format!("no usable root certificates: {error}")))
    }
}

fn from_file(path: &Path) -> Result<RootCertStore> {
    let unreadable =
        |error: &dyn std::fmt::Display| invalid(format!("sslrootcert {}: {error}", path.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() { Err(unreadable(&"no certificate in it")) } else { Ok(roots) }
}

fn from_system() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(Tls::system_certificates()?);
    Ok(roots)
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
