//! An issuer's public keys: a JSON Web Key Set (RFC 7517) or PEM.
//!
//! Every key is bound to the algorithms that it fits when it is read: by its type, its curve, its
//! size, and what it says about its own use. A token's header then only chooses among pairs that
//! were made here, so it cannot bring a key to an algorithm that it was not meant for.

use super::algorithm::{Algorithm, Kind};
use super::json::{Json, Object};
use aws_lc_rs::signature::{ParsedPublicKey, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo, X509Certificate};
use x509_parser::public_key::PublicKey;

/// Largest file of keys.
pub const KEYS_BYTES_MAX: usize = 1 << 20;
/// Most keys of one issuer.
const KEYS_MAX: usize = 64;
/// Smallest RSA modulus, in bits (NIST SP 800-131A).
const RSA_BITS_MIN: usize = 2048;

/// One key, for one algorithm.
struct Bound {
    id: Option<String>,
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

/// The public keys of one issuer.
pub struct KeySet {
    bound: Vec<Bound>,
}

/// Why a file of keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Larger than [`KEYS_BYTES_MAX`], or more than 64 keys.
    #[error("there are too many keys: at most 64 keys and 1 MiB are read")]
    TooLarge,
    /// Neither a key set nor PEM.
    #[error("it is neither a JSON Web Key Set nor PEM with a `PUBLIC KEY` or a `CERTIFICATE`")]
    Form,
    /// A private key, which has no business here.
    #[error("it holds a private key; put the public one there, and consider this one known")]
    Private,
    /// Two keys that one token could mean.
    #[error("two keys for {algorithm} are called `{}`", .id.escape_debug())]
    Twice {
        /// The key's id.
        id: String,
        /// The algorithm that both are for.
        algorithm: &'static str,
    },
    /// Nothing that could check a signature.
    #[error("it holds no key for the algorithms {0}")]
    Nothing(String),
}

impl KeySet {
    /// Reads keys and binds them to those of `algorithms` that they fit.
    ///
    /// Keys of a type that is not understood are passed over (RFC 7517, section 5).
    ///
    /// # Errors
    /// [`Error`] says why none of the file is used.
    pub fn parse(text: &[u8], algorithms: &[Algorithm]) -> Result<Self, Error> {
        if text.len() > KEYS_BYTES_MAX {
            return Err(Error::TooLarge);
        }
        let bound = if text.trim_ascii_start().starts_with(b"{") {
            from_set(text, algorithms)?
        } else {
            from_pem(text, algorithms)?
        };
        for (at, one) in bound.iter().enumerate() {
            let same = |other: &Bound| other.id == one.id && other.algorithm == one.algorithm;
            if let Some(id) = &one.id
                && bound.iter().skip(at + 1).any(same)
            {
                return Err(Error::Twice { id: id.clone(), algorithm: one.algorithm.name() });
            }
        }
        if bound.is_empty() {
            let names: Vec<_> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
            return Err(Error::Nothing(names.join(", ")));
        }
        Ok(Self { bound })
    }

    /// No keys: those of an issuer that could not be asked for them yet.
    #[must_use]
    pub const fn none() -> Self {
        Self { bound: Vec::new() }
    }

    /// Whether there is a key by which a token that names this one, or none, could be valid: one
    /// without a name can be any.
    pub(super) fn could_check(&self, id: Option<&str>) -> bool {
        self.bound.iter().any(|it| id.is_none() || it.id.is_none() || it.id.as_deref() == id)
    }

    /// How many pairs of a key and an algorithm there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bound.len()
    }

    /// Whether there is none, as never of a set that was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bound.is_empty()
    }

    /// Whether a key of this set made the signature. A token that names a key means that one, or
    /// one of those without a name; a token that names none means the only one that fits.
    pub(super) fn verify(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), &'static str> {
        let fitting = || self.bound.iter().filter(|bound| bound.algorithm == algorithm);
        let named = fitting().find(|bound| bound.id.is_some() && bound.id.as_deref() == id);
        let checked = |bound: &Bound| bound.key.verify_sig(message, signature).is_ok();
        let valid = match (named, id) {
            (Some(bound), _) => checked(bound),
            (None, Some(_)) => fitting().filter(|bound| bound.id.is_none()).any(checked),
            (None, None) => {
                let named = fitting().filter(|bound| bound.id.is_some()).count();
                let unnamed = fitting().filter(|bound| bound.id.is_none()).count();
                named <= usize::from(unnamed == 0) && fitting().any(checked)
            }
        };
        if valid { Ok(()) } else { Err("no key of the issuer made the signature") }
    }
}

fn from_set(text: &[u8], algorithms: &[Algorithm]) -> Result<Vec<Bound>, Error> {
    let set = Object::parse(text, 10_000).ok_or(Error::Form)?;
    let Some(Json::List(keys)) = set.get("keys") else { return Err(Error::Form) };
    if keys.len() > KEYS_MAX {
        return Err(Error::TooLarge);
    }
    let mut bound = Vec::new();
    for key in keys {
        let Json::Object(key) = key else { return Err(Error::Form) };
        if key.has("d") {
            return Err(Error::Private);
        }
        if !is_for_signatures(key) {
            continue;
        }
        let said = key.text("alg");
        let id = key.text("kid").map(str::to_owned);
        for algorithm in algorithms.iter().copied() {
            if said.is_none_or(|said| said == algorithm.name())
                && let Some(parsed) = from_jwk(key, algorithm)
            {
                bound.push(Bound { id: id.clone(), algorithm, key: parsed });
            }
        }
    }
    Ok(bound)
}

/// Whether a key is not meant for something else (RFC 7517, sections 4.2 and 4.3).
fn is_for_signatures(key: &Object) -> bool {
    let used = key.get("use").is_none_or(|it| *it == Json::Text("sig".to_owned()));
    let verify = Json::Text("verify".to_owned());
    let operations = match key.get("key_ops") {
        None => true,
        Some(Json::List(operations)) => operations.contains(&verify),
        Some(_) => false,
    };
    used && operations
}

/// The key, if it fits the algorithm (RFC 7518, section 6; RFC 8037, section 2).
fn from_jwk(key: &Object, algorithm: Algorithm) -> Option<ParsedPublicKey> {
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(key.text(name)?).ok();
    match (key.text("kty")?, algorithm.kind()) {
        ("RSA", Kind::Rsa(parameters)) => {
            let (n, e) = (bytes("n")?, bytes("e")?);
            let large = n.len() * 8 >= RSA_BITS_MIN && n.first().is_some_and(|top| *top >= 0x80);
            let components = RsaPublicKeyComponents { n, e };
            components.to_parsed_public_key(parameters).ok().filter(|_| large)
        }
        ("EC", Kind::Curve(name, size, algorithm)) => {
            let (x, y) = (bytes("x")?, bytes("y")?);
            let fits = key.text("crv")? == name && x.len() == size && y.len() == size;
            let point = [&[4][..], &x, &y].concat();
            ParsedPublicKey::new(algorithm, point).ok().filter(|_| fits)
        }
        ("OKP", Kind::Ed25519(algorithm)) => {
            let fits = key.text("crv")? == "Ed25519";
            let point = bytes("x").filter(|x| x.len() == 32 && fits)?;
            ParsedPublicKey::new(algorithm, point).ok()
        }
        _ => None,
    }
}

fn from_pem(text: &[u8], algorithms: &[Algorithm]) -> Result<Vec<Bound>, Error> {
    let text = std::str::from_utf8(text).map_err(|_| Error::Form)?;
    let mut bound = Vec::new();
    let mut blocks = text.split("-----BEGIN ").skip(1).peekable();
    if blocks.peek().is_none() {
        return Err(Error::Form);
    }
    for (count, block) in blocks.enumerate() {
        if count >= KEYS_MAX {
            return Err(Error::TooLarge);
        }
        let (label, rest) = block.split_once("-----").ok_or(Error::Form)?;
        if label.contains("PRIVATE") {
            return Err(Error::Private);
        }
        let (body, _) = rest.split_once(&format!("-----END {label}-----")).ok_or(Error::Form)?;
        let body: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(body).map_err(|_| Error::Form)?;
        let der = match label {
            "PUBLIC KEY" => der,
            "CERTIFICATE" => {
                let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| Error::Form)?;
                certificate.public_key().raw.to_vec()
            }
            _ => return Err(Error::Form),
        };
        if is_short_rsa(&der) {
            continue;
        }
        let fitting = algorithms.iter().filter_map(|algorithm| {
            let key = match algorithm.kind() {
                Kind::Rsa(parameters) => ParsedPublicKey::new(parameters, &der),
                Kind::Curve(_, _, kind) | Kind::Ed25519(kind) => ParsedPublicKey::new(kind, &der),
            };
            Some(Bound { id: None, algorithm: *algorithm, key: key.ok()? })
        });
        bound.extend(fitting);
    }
    Ok(bound)
}

fn is_short_rsa(der: &[u8]) -> bool {
    let parsed = SubjectPublicKeyInfo::from_der(der);
    let parsed = parsed.as_ref().ok().and_then(|(_, info)| info.parsed().ok());
    matches!(parsed, Some(PublicKey::RSA(key)) if key.key_size() < RSA_BITS_MIN)
}
