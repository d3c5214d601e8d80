//! The keys of files and of the environment: a secret, and public keys in PEM.

use std::path::{Path, PathBuf};

use rustls_pki_types::pem::{PemObject as _, SectionKind};
use spki::der::asn1::UintRef;
use spki::der::{Decode as _, Reader as _, SliceReader};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::Settings;
use super::algorithm::Algorithm;
use super::key::{Key, Material};

/// Kinds of public keys (RFC 3279, RFC 5480, RFC 8410).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Most bytes of a file of keys.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why there are no keys to check tokens with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read.
    #[error("auth.jwt.{key}: {}: {error}", .path.display())]
    Unreadable {
        /// The setting that names it.
        key: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// What is there is no key that can be used.
    #[error("auth.jwt.{key}: {place} {problem}")]
    Unfit {
        /// The setting that names it.
        key: &'static str,
        /// The file, or the variable.
        place: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// An issuer's keys cannot be asked for.
    #[error("auth.jwt.jwks_url: {0}")]
    Url(String),
}

/// All keys that the settings name, but for those behind a URL.
pub(super) fn read(settings: &Settings) -> Result<Vec<Key>, KeyError> {
    let mut keys = Vec::new();
    if let Some(path) = &settings.secret_file {
        let found = secret(&bytes("secret_file", path)?, &settings.algorithms);
        keys.push(found.map_err(unfit("secret_file", path.display().to_string()))?);
    }
    if let Some(name) = &settings.secret_env {
        let value = std::env::var_os(name).unwrap_or_default();
        let found = match value.as_encoded_bytes() {
            [] => Err("is not set".to_owned()),
            value => secret(value, &settings.algorithms),
        };
        keys.push(found.map_err(unfit("secret_env", name.clone()))?);
    }
    if let Some(path) = &settings.public_key_file {
        let found = public_keys(&bytes("public_key_file", path)?);
        keys.extend(found.map_err(unfit("public_key_file", path.display().to_string()))?);
    }
    Ok(keys)
}

fn unfit(key: &'static str, place: String) -> impl FnOnce(String) -> KeyError {
    move |problem| KeyError::Unfit { key, place, problem }
}

pub(super) fn bytes(key: &'static str, path: &Path) -> Result<Vec<u8>, KeyError> {
    let unreadable = |error| KeyError::Unreadable { key, path: path.to_owned(), error };
    if path.metadata().map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(unreadable(std::io::Error::other("it is too large to be a key")));
    }
    std::fs::read(path).map_err(unreadable)
}

/// A secret, without the end of its line. It is as long as the algorithms need it (RFC 7518, 3.2), and nothing that others know.
fn secret(bytes: &[u8], algorithms: &[Algorithm]) -> Result<Key, String> {
    let bytes = without_line_end(bytes);
    let least = algorithms.iter().map(|algorithm| algorithm.secret_bytes_min()).max().unwrap_or(0);
    if bytes.starts_with(b"-----BEGIN ") {
        return Err(
            "holds a key in PEM, and no secret: public keys belong into auth.jwt.public_key_file".into()
        );
    }
    if bytes.len() < least {
        let name = algorithms.iter().find(|it| it.secret_bytes_min() == least).map_or("", |it| it.name());
        let length = bytes.len();
        return Err(format!(
            "is a secret of {length} bytes, and {name} needs {least} at least: `openssl rand -base64 {}` makes one",
            least.div_ceil(24) * 24
        ));
    }
    Ok(Key::nameless(Material::Secret(bytes.to_vec())))
}

pub(super) fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// The public keys of a file, one or more. Whatever else is in it is a mistake.
fn public_keys(pem: &[u8]) -> Result<Vec<Key>, String> {
    let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let sections = sections.map_err(|_| "is no PEM".to_owned())?;
    let begun = pem.windows(11).filter(|window| window == b"-----BEGIN ").count();
    if sections.is_empty() || sections.len() != begun {
        return Err(
            "must hold public keys in PEM, each between `-----BEGIN PUBLIC KEY-----` and its end".into()
        );
    }
    sections.iter().map(|(kind, der)| public_key(*kind, der)).collect()
}

fn public_key(kind: SectionKind, der: &[u8]) -> Result<Key, String> {
    match kind {
        SectionKind::PublicKey => material(der).map(Key::nameless).ok_or_else(|| {
            "holds a key of another kind than RSA of 2048 to 8192 bits, P-256, P-384 and Ed25519".into()
        }),
        SectionKind::RsaPrivateKey | SectionKind::PrivateKey | SectionKind::EcPrivateKey => Err(
            "holds a private key, which does not belong here: `openssl pkey -pubout` makes the public one"
                .into(),
        ),
        SectionKind::Certificate => {
            Err("holds a certificate: `openssl x509 -pubkey -noout` makes the public key of it".into())
        }
        _ => Err("holds something else than public keys".into()),
    }
}

/// Of a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).
fn material(der: &[u8]) -> Option<Material> {
    let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    let key = info.subject_public_key.as_bytes()?;
    match info.algorithm.oid {
        RSA => rsa(key),
        EC => match info.algorithm.parameters_oid().ok()? {
            P256 => is_point(key, 65).then(|| Material::P256(key.to_vec())),
            P384 => is_point(key, 97).then(|| Material::P384(key.to_vec())),
            _ => None,
        },
        ED25519 => (key.len() == 32).then(|| Material::Ed25519(key.to_vec())),
        _ => None,
    }
}

/// Of an RSAPublicKey (RFC 8017, A.1.1).
fn rsa(der: &[u8]) -> Option<Material> {
    let mut reader = SliceReader::new(der).ok()?;
    let numbers = reader.sequence(|inner| Ok((UintRef::decode(inner)?, UintRef::decode(inner)?)));
    let (n, e) = numbers.ok()?;
    Material::rsa(n.as_bytes(), e.as_bytes())
}

fn is_point(bytes: &[u8], length: usize) -> bool {
    bytes.len() == length && bytes.first() == Some(&4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HS256: &[Algorithm] = &[Algorithm::Hs256];

    #[test]
    fn a_secret_is_long_enough_and_without_the_end_of_its_line() {
        let secret = |bytes: &[u8]| secret(bytes, HS256).map(|key| key.material);
        assert!(secret(&[b'x'; 32]).unwrap() == Material::Secret(vec![b'x'; 32]));
        assert!(secret(&[&[b'x'; 32][..], b"\r\n"].concat()).unwrap() == Material::Secret(vec![b'x'; 32]));
        let problem = secret(&[&[b'x'; 31][..], b"\n"].concat()).map(|_| ()).unwrap_err();
        assert!(problem.starts_with("is a secret of 31 bytes, and HS256 needs 32"), "{problem}");
        assert!(secret(b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE").is_err());
    }

    #[test]
    fn the_strictest_algorithm_decides_how_long_a_secret_is() {
        let problem = secret(&[b'x'; 63], &[Algorithm::Hs512, Algorithm::Hs256]).unwrap_err();
        assert!(problem.contains("HS512 needs 64") && problem.contains("-base64 72"), "{problem}");
    }

    #[test]
    fn what_is_no_public_key_is_told_with_what_to_do() {
        for (pem, part) in [
            ("", "must hold public keys"),
            ("nonsense", "must hold public keys"),
            ("-----BEGIN PUBLIC KEY-----\n????\n-----END PUBLIC KEY-----\n", "is no PEM"),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "another kind"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a private key"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "a certificate"),
            ("-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n", "must hold public keys"),
        ] {
            let problem = public_keys(pem.as_bytes()).unwrap_err();
            assert!(problem.contains(part), "{pem}: {problem}");
        }
    }
}
