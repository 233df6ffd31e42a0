//! The signature algorithms of JOSE (RFC 7518, section 3; RFC 8037) that are understood.
//!
//! All are asymmetric: a key that checks signatures cannot make them. There is no `none` and no
//! HMAC here, so a token that names one is refused like one that names nonsense.

use aws_lc_rs::signature::{self, RsaParameters, VerificationAlgorithm};

/// A signature algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519.
    EdDsa,
}

/// What kind of key an algorithm takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Rsa(&'static RsaParameters),
    /// A curve by its name in a key, and the bytes of one coordinate.
    Curve(&'static str, usize, &'static dyn VerificationAlgorithm),
    Ed25519(&'static dyn VerificationAlgorithm),
}

impl Algorithm {
    const ALL: [(&'static str, Self); 10] = [
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
        ("ES512", Self::Es512),
        ("EdDSA", Self::EdDsa),
    ];

    /// Finds an algorithm by its name, in exactly this spelling.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    /// Its name in a token's header.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, algorithm)| *algorithm == self);
        found.map_or("", |(name, _)| name)
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Rs256 => Kind::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Kind::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Kind::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Kind::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Kind::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Kind::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            Self::Es256 => Kind::Curve("P-256", 32, &signature::ECDSA_P256_SHA256_FIXED),
            Self::Es384 => Kind::Curve("P-384", 48, &signature::ECDSA_P384_SHA384_FIXED),
            Self::Es512 => Kind::Curve("P-521", 66, &signature::ECDSA_P521_SHA512_FIXED),
            Self::EdDsa => Kind::Ed25519(&signature::ED25519),
        }
    }
}
