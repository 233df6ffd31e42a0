//! Tokens that are valid, and every way to make one that is not.

mod attacks;
mod keys;
mod times;

use super::*;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// When every test plays, in seconds.
const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp(NOW * 1_000_000)
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key of the issuer's, made in the test.
struct Signer {
    pkcs8: Vec<u8>,
    jwk: Value,
    algorithm: Algorithm,
}

static P256: LazyLock<Signer> =
    LazyLock::new(|| ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", Algorithm::Es256));
static P384: LazyLock<Signer> =
    LazyLock::new(|| ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384", Algorithm::Es384));
static ED: LazyLock<Signer> = LazyLock::new(|| {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref().to_vec();
    let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).unwrap();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key().as_ref()) });
    Signer { pkcs8, jwk, algorithm: Algorithm::EdDsa }
});
static RSA: LazyLock<Signer> = LazyLock::new(|| rsa(aws_lc_rs::rsa::KeySize::Rsa2048));

fn ec(kind: &'static EcdsaSigningAlgorithm, curve: &str, algorithm: Algorithm) -> Signer {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new()).unwrap().as_ref().to_vec();
    let pair = EcdsaKeyPair::from_pkcs8(kind, &pkcs8).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
    let jwk = json!({ "kty": "EC", "crv": curve, "x": b64(x), "y": b64(y) });
    Signer { pkcs8, jwk, algorithm }
}

fn rsa(size: aws_lc_rs::rsa::KeySize) -> Signer {
    use aws_lc_rs::encoding::AsDer;
    let pair = aws_lc_rs::rsa::KeyPair::generate(size).unwrap();
    let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
    let exponent = pair.public_key().exponent().big_endian_without_leading_zero().to_vec();
    let jwk = json!({ "kty": "RSA", "n": b64(modulus), "e": b64(exponent) });
    Signer { pkcs8: pkcs8.as_ref().to_vec(), jwk, algorithm: Algorithm::Rs256 }
}

impl Signer {
    fn sign(&self, message: &str) -> Vec<u8> {
        let (random, message) = (SystemRandom::new(), message.as_bytes());
        let ec = |kind| EcdsaKeyPair::from_pkcs8(kind, &self.pkcs8).unwrap();
        match self.algorithm {
            Algorithm::Es256 => {
                ec(&ECDSA_P256_SHA256_FIXED_SIGNING).sign(&random, message).unwrap().as_ref().into()
            }
            Algorithm::Es384 => {
                ec(&ECDSA_P384_SHA384_FIXED_SIGNING).sign(&random, message).unwrap().as_ref().into()
            }
            Algorithm::EdDsa => {
                Ed25519KeyPair::from_pkcs8(&self.pkcs8).unwrap().sign(message).as_ref().into()
            }
            _ => {
                let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(&self.pkcs8).unwrap();
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// The public key with members of a key set added.
    fn named(&self, more: &Value) -> Value {
        let mut jwk = self.jwk.clone();
        for (name, value) in more.as_object().unwrap() {
            jwk[name] = value.clone();
        }
        jwk
    }

    /// A token of these texts, whatever they are.
    fn token_of(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", b64(header), b64(claims));
        let signature = b64(self.sign(&message));
        format!("{message}.{signature}")
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        self.token_of(&header.to_string(), &claims.to_string())
    }
}

fn config() -> IssuerConfig {
    IssuerConfig {
        name: IssuerName::parse("shop").unwrap(),
        issuer: "https://idp.example".to_owned(),
        audience: vec!["casemate".to_owned(), "other".to_owned()],
        algorithms: ["ES256", "ES384", "RS256", "EdDSA"]
            .map(|it| Algorithm::parse(it).unwrap())
            .into(),
        leeway: Duration::from_secs(30),
        header: "authorization".to_owned(),
        subject_claim: "sub".to_owned(),
        pass: vec!["role".to_owned(), "email".to_owned()],
    }
}

fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn issuers_with(config: IssuerConfig, keys: &str) -> Issuers {
    let set = KeySet::parse(keys.as_bytes(), &config.algorithms).unwrap();
    Issuers::new([(config, set)])
}

/// The issuer `shop` with a key of every kind.
fn issuers() -> Issuers {
    let keys = [
        P256.named(&json!({ "kid": "p256", "use": "sig", "alg": "ES256" })),
        P384.named(&json!({ "kid": "p384" })),
        ED.named(&json!({ "kid": "ed" })),
        RSA.named(&json!({ "kid": "rsa" })),
    ];
    issuers_with(config(), &key_set(&keys))
}

fn good() -> Value {
    json!({
        "iss": "https://idp.example", "aud": "casemate", "sub": "alice",
        "exp": NOW + 60, "nbf": NOW - 60, "iat": NOW - 60,
        "role": ["admin", "user"], "scope": "orders:read orders:write",
        "realm_access": { "roles": ["x"] }, "level": 3, "ok": true,
    })
}

/// The good claims with one changed; removed if it is null.
fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

fn header() -> Value {
    json!({ "alg": "ES256", "typ": "JWT", "kid": "p256" })
}

#[test]
fn a_token_of_each_algorithm_says_whom_it_names() {
    let issuers = issuers();
    for (signer, name, kid) in [
        (&*P256, "ES256", "p256"),
        (&*P384, "ES384", "p384"),
        (&*ED, "EdDSA", "ed"),
        (&*RSA, "RS256", "rsa"),
    ] {
        let token = signer.token(&json!({ "alg": name, "kid": kid }), &good());
        let vouched = issuers.verify(&token, now()).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!((vouched.issuer.as_str(), vouched.subject.as_str()), ("shop", "alice"));
        // The second time it is remembered.
        assert!(Arc::ptr_eq(&vouched, &issuers.verify(&token, now()).unwrap()));
    }
}

#[test]
fn claims_are_texts_by_name_and_guests_are_told_those_that_were_chosen() {
    let vouched = issuers().verify(&P256.token(&header(), &good()), now()).unwrap();
    for (name, text) in [
        ("role", "admin"),
        ("role", "user"),
        ("scope", "orders:write"),
        ("realm_access.roles", "x"),
        ("level", "3"),
        ("ok", "true"),
        ("sub", "alice"),
    ] {
        assert!(vouched.claims.has(name, text), "{name} {text}");
    }
    let passed = URL_SAFE_NO_PAD.decode(vouched.passed.as_ref().unwrap()).unwrap();
    assert_eq!(passed, br#"{"role":["admin","user"]}"#);
}

#[test]
fn tokens_of_another_implementation_are_read() {
    use jsonwebtoken::{Algorithm as Theirs, EncodingKey, Header, encode};
    let pss = IssuerConfig { algorithms: vec![Algorithm::Ps256, Algorithm::Rs512], ..config() };
    let set =
        KeySet::parse(key_set(&[RSA.named(&json!({ "kid": "rsa" }))]).as_bytes(), &pss.algorithms);
    let pss = Issuers::new([(pss, set.unwrap())]);
    let issuers = issuers();
    let rsa_der = EncodingKey::from_rsa_der(rsa_inner(&RSA.pkcs8));
    for (issuers, algorithm, kid, key) in [
        (&issuers, Theirs::ES256, "p256", EncodingKey::from_ec_der(&P256.pkcs8)),
        (&issuers, Theirs::ES384, "p384", EncodingKey::from_ec_der(&P384.pkcs8)),
        (&issuers, Theirs::EdDSA, "ed", EncodingKey::from_ed_der(&ED.pkcs8)),
        (&issuers, Theirs::RS256, "rsa", rsa_der.clone()),
        (&pss, Theirs::PS256, "rsa", rsa_der.clone()),
        (&pss, Theirs::RS512, "rsa", rsa_der.clone()),
    ] {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
        let token = encode(&header, &good(), &key).unwrap();
        issuers.verify(&token, now()).unwrap_or_else(|why| panic!("{algorithm:?}: {why}"));
    }
}

/// The PKCS #1 form inside PKCS #8: the last octet string.
fn rsa_inner(pkcs8: &[u8]) -> &[u8] {
    let at = pkcs8.windows(4).position(|four| four[0] == 0x04 && four[1] == 0x82).unwrap();
    &pkcs8[at + 4..]
}

use std::sync::Arc;
