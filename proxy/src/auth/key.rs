//! A key that signatures are checked with. Its type decides which algorithms it can be used for: a public key is never a secret.

use std::fmt;

use ring::{hmac, signature};

use super::algorithm::Algorithm;

/// A key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Its name, where its source names it.
    pub(super) id: Option<String>,
    /// The one algorithm that its source allows, where it says so.
    pub(super) algorithm: Option<Algorithm>,
    pub(super) material: Material,
}

/// What it is made of.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Material {
    /// A secret.
    Secret(Vec<u8>),
    /// A public key of RSA: modulus and exponent, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// A point on P-256, uncompressed.
    P256(Vec<u8>),
    /// A point on P-384, uncompressed.
    P384(Vec<u8>),
    /// A public key of Ed25519.
    Ed25519(Vec<u8>),
}

/// The least and the most bits of an RSA modulus.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

impl Key {
    /// A key that nobody has named.
    pub(super) fn nameless(material: Material) -> Self {
        Self { id: None, algorithm: None, material }
    }

    /// Whether it may be tried for a token that names this algorithm and perhaps a key.
    pub(super) fn is_for(&self, algorithm: Algorithm, id: Option<&str>) -> bool {
        let named = match (self.id.as_deref(), id) {
            (Some(own), Some(id)) => own == id,
            _ => true,
        };
        named && self.algorithm.is_none_or(|own| own == algorithm) && self.material.is_for(algorithm)
    }

    /// Whether this is its signature of a message.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], sent: &[u8]) -> bool {
        if !self.material.is_for(algorithm) {
            return false;
        }
        let by = |kind: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            signature::UnparsedPublicKey::new(kind, key).verify(message, sent).is_ok()
        };
        match &self.material {
            Material::Secret(secret) => algorithm.hmac().is_some_and(|hash| {
                let key = hmac::Key::new(hash, secret);
                hmac::verify(&key, message, sent).is_ok()
            }),
            Material::Rsa { n, e } => algorithm.rsa().is_some_and(|parameters| {
                signature::RsaPublicKeyComponents { n, e }.verify(parameters, message, sent).is_ok()
            }),
            Material::P256(point) => by(&signature::ECDSA_P256_SHA256_FIXED, point),
            Material::P384(point) => by(&signature::ECDSA_P384_SHA384_FIXED, point),
            Material::Ed25519(key) => by(&signature::ED25519, key),
        }
    }
}

impl Material {
    /// A public key of RSA, where its size is one that is used.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Option<Self> {
        let (n, e) = (without_zeros(n), without_zeros(e));
        let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
        (RSA_BITS.contains(&bits) && !e.is_empty()).then(|| Self::Rsa { n: n.to_vec(), e: e.to_vec() })
    }

    /// INVARIANT: no material is for algorithms of two kinds.
    fn is_for(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Secret(_) => algorithm.hmac().is_some(),
            Self::Rsa { .. } => algorithm.rsa().is_some(),
            Self::P256(_) => algorithm == Algorithm::Es256,
            Self::P384(_) => algorithm == Algorithm::Es384,
            Self::Ed25519(_) => algorithm == Algorithm::EdDsa,
        }
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

impl fmt::Debug for Key {
    /// Its name and its kind, never what it is made of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.material {
            Material::Secret(_) => "secret",
            Material::Rsa { .. } => "RSA",
            Material::P256(_) => "P-256",
            Material::P384(_) => "P-384",
            Material::Ed25519(_) => "Ed25519",
        };
        write!(f, "{kind} {:?}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_for_the_algorithms_of_its_kind_alone() {
        let point = |length| vec![4; length];
        for (material, algorithms) in [
            (Material::Secret(vec![1; 64]), &["HS256", "HS384", "HS512"][..]),
            (
                Material::rsa(&[255; 256], &[1, 0, 1]).unwrap(),
                &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
            ),
            (Material::P256(point(65)), &["ES256"]),
            (Material::P384(point(97)), &["ES384"]),
            (Material::Ed25519(point(32)), &["EdDSA"]),
        ] {
            let key = Key::nameless(material);
            let fit = |name: &&&str| key.is_for(Algorithm::named(name).unwrap(), None);
            let fitting: Vec<&str> = Algorithm::NAMES.iter().filter(fit).copied().collect();
            assert_eq!(fitting, algorithms, "{key:?}");
        }
    }

    #[test]
    fn a_named_key_is_for_tokens_that_name_it_or_none() {
        let key =
            |id: Option<&str>| Key { id: id.map(str::to_owned), ..Key::nameless(Material::P256(vec![])) };
        for (own, asked, expect) in [
            (Some("a"), Some("a"), true),
            (Some("a"), Some("b"), false),
            (Some("a"), None, true),
            (None, Some("b"), true),
        ] {
            assert_eq!(key(own).is_for(Algorithm::Es256, asked), expect, "{own:?} {asked:?}");
        }
    }

    #[test]
    fn short_keys_of_rsa_are_none_and_nothing_prints_a_secret() {
        assert!(Material::rsa(&[255; 128], &[1, 0, 1]).is_none());
        assert!(Material::rsa(&[&[0][..], &[255; 128]].concat(), &[3]).is_none());
        assert!(Material::rsa(&[], &[]).is_none());
        let secret = Key::nameless(Material::Secret(b"s3cret".to_vec()));
        assert_eq!(format!("{secret:?}"), "secret None");
    }
}
