//! Tokens of our own, for tests and operators: claims and a key → the text of a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RsaEncoding, RsaKeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Map, Value as Json, json};

use super::algorithm::Algorithm;
use super::keys::without_line_end;

/// A key that tokens are signed with.
pub enum Signer {
    /// A secret.
    Secret(Vec<u8>),
    /// A private key of RSA.
    Rsa(Box<RsaKeyPair>),
    /// One of P-256.
    P256(EcdsaKeyPair),
    /// One of P-384.
    P384(EcdsaKeyPair),
    /// One of Ed25519.
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// A secret, as it stands in its file or variable.
    pub fn secret(bytes: &[u8]) -> Self {
        Self::Secret(without_line_end(bytes).to_vec())
    }

    /// A private key in PEM. Errors: words about what is wrong with it.
    pub fn private_key(pem: &[u8]) -> Result<Self, String> {
        match PrivateKeyDer::from_pem_slice(pem).map_err(|_| "holds no private key in PEM".to_owned())? {
            PrivateKeyDer::Pkcs8(der) => Self::pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der())
                .map(|pair| Self::Rsa(Box::new(pair)))
                .map_err(|error| format!("holds a key of RSA that cannot be used: {error}")),
            _ => {
                Err("holds a key in an old form: `openssl pkcs8 -topk8 -nocrypt` makes the new one of it"
                    .into())
            }
        }
    }

    fn pkcs8(der: &[u8]) -> Result<Self, String> {
        let random = SystemRandom::new();
        if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
            return Ok(Self::Rsa(Box::new(pair)));
        }
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &random) {
            return Ok(Self::P256(pair));
        }
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der, &random) {
            return Ok(Self::P384(pair));
        }
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
        pair.map(Self::Ed25519).map_err(|_| {
            "holds a key of another kind than RSA of 2048 to 4096 bits, P-256, P-384 and Ed25519".into()
        })
    }

    /// The algorithms that it is for, the usual one first.
    pub fn algorithms(&self) -> &'static [Algorithm] {
        use Algorithm::*;
        match self {
            Self::Secret(_) => &[Hs256, Hs384, Hs512],
            Self::Rsa(_) => &[Rs256, Rs384, Rs512, Ps256, Ps384, Ps512],
            Self::P256(_) => &[Es256],
            Self::P384(_) => &[Es384],
            Self::Ed25519(_) => &[EdDsa],
        }
    }

    /// A token. `None`: the key is not for this algorithm.
    pub fn token(
        &self,
        algorithm: Algorithm,
        key_id: Option<&str>,
        claims: &Map<String, Json>,
    ) -> Option<String> {
        let mut header = json!({"alg": algorithm.name(), "typ": "JWT"});
        if let (Some(id), Some(header)) = (key_id, header.as_object_mut()) {
            header.insert("kid".into(), id.into());
        }
        let part = |json: String| URL_SAFE_NO_PAD.encode(json);
        let claims = serde_json::to_string(claims).ok()?;
        let signed = format!("{}.{}", part(header.to_string()), part(claims));
        let signature = self.sign(algorithm, signed.as_bytes())?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The signature of a message. `None`: the key is not for this algorithm.
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        if !self.algorithms().contains(&algorithm) {
            return None;
        }
        let random = SystemRandom::new();
        match self {
            Self::Secret(secret) => {
                Some(hmac::sign(&hmac::Key::new(algorithm.hmac()?, secret), message).as_ref().to_vec())
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(rsa(algorithm)?, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::P256(pair) | Self::P384(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Self::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    match algorithm {
        Algorithm::Rs256 => Some(&signature::RSA_PKCS1_SHA256),
        Algorithm::Rs384 => Some(&signature::RSA_PKCS1_SHA384),
        Algorithm::Rs512 => Some(&signature::RSA_PKCS1_SHA512),
        Algorithm::Ps256 => Some(&signature::RSA_PSS_SHA256),
        Algorithm::Ps384 => Some(&signature::RSA_PSS_SHA384),
        Algorithm::Ps512 => Some(&signature::RSA_PSS_SHA512),
        _ => None,
    }
}
