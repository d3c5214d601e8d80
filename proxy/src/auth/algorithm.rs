//! The algorithms by which tokens are signed (RFC 7518, section 3; RFC 8037), those that need no secret and those that do.

use ring::{hmac, signature};

/// An algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of RFC 7518")]
pub enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}
use Algorithm::*;

/// All of them, under the names that tokens and settings have for them.
const NAMED: [(&str, Algorithm); 12] = [
    ("HS256", Hs256),
    ("HS384", Hs384),
    ("HS512", Hs512),
    ("RS256", Rs256),
    ("RS384", Rs384),
    ("RS512", Rs512),
    ("PS256", Ps256),
    ("PS384", Ps384),
    ("PS512", Ps512),
    ("ES256", Es256),
    ("ES384", Es384),
    ("EdDSA", EdDsa),
];

impl Algorithm {
    /// Their names.
    pub const NAMES: &'static [&'static str] = &[
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384",
        "EdDSA",
    ];

    /// The one of this name, in exactly this spelling.
    pub fn named(name: &str) -> Option<Self> {
        NAMED.iter().find(|(own, _)| *own == name).map(|(_, algorithm)| *algorithm)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMED.iter().find(|(_, own)| *own == self).map_or("", |(name, _)| *name)
    }

    /// Whether who checks a signature could make one, too.
    pub fn needs_secret(self) -> bool {
        self.hmac().is_some()
    }

    /// The least length of a secret: that of the hash (RFC 7518, 3.2).
    pub fn secret_bytes_min(self) -> usize {
        match self {
            Hs256 => 32,
            Hs384 => 48,
            Hs512 => 64,
            _ => 0,
        }
    }

    pub(super) fn hmac(self) -> Option<hmac::Algorithm> {
        match self {
            Hs256 => Some(hmac::HMAC_SHA256),
            Hs384 => Some(hmac::HMAC_SHA384),
            Hs512 => Some(hmac::HMAC_SHA512),
            _ => None,
        }
    }

    pub(super) fn rsa(self) -> Option<&'static signature::RsaParameters> {
        match self {
            Rs256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
            Rs384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
            Rs512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
            Ps256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
            Ps384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
            Ps512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        for (place, name) in Algorithm::NAMES.iter().enumerate() {
            assert_eq!(Algorithm::named(name), Some(NAMED[place].1));
            assert_eq!(NAMED[place].1.name(), *name);
        }
        for name in ["none", "None", "hs256", "HS256 ", "", "ES512", "EDDSA"] {
            assert_eq!(Algorithm::named(name), None, "{name}");
        }
    }
}
