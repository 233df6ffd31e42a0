//! Files of keys: what is taken, what is passed over, what is refused.

use super::*;
use base64::engine::general_purpose::STANDARD;

fn parse(text: &str) -> Result<KeySet, KeyError> {
    KeySet::parse(text.as_bytes(), &config().algorithms)
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn spki(signer: &Signer) -> Vec<u8> {
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    let der = |key: &dyn Fn() -> Vec<u8>| key();
    match signer.algorithm {
        Algorithm::EdDsa => der(&|| {
            let pair = Ed25519KeyPair::from_pkcs8(&signer.pkcs8).unwrap();
            AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap().as_ref().to_vec()
        }),
        Algorithm::Es256 => der(&|| {
            let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let pair = EcdsaKeyPair::from_pkcs8(kind, &signer.pkcs8).unwrap();
            AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap().as_ref().to_vec()
        }),
        _ => der(&|| {
            let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(&signer.pkcs8).unwrap();
            AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap().as_ref().to_vec()
        }),
    }
}

#[test]
fn pem_keys_check_tokens_whatever_name_those_give() {
    let all = [&*P256, &*ED, &*RSA].map(|signer| pem("PUBLIC KEY", &spki(signer))).concat();
    let issuers = issuers_with(config(), &all);
    for (signer, name) in [(&*P256, "ES256"), (&*ED, "EdDSA"), (&*RSA, "RS256")] {
        for header in [json!({ "alg": name }), json!({ "alg": name, "kid": "any" })] {
            let said = issuers.verify(&signer.token(&header, &good()), now());
            assert!(said.is_ok(), "{header}: {said:?}");
        }
    }
    let stranger = ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", Algorithm::Es256);
    assert!(issuers.verify(&stranger.token(&json!({ "alg": "ES256" }), &good()), now()).is_err());
    assert_eq!(parse(&all).map(|set| set.len()).ok(), Some(3), "one algorithm each");
}

#[test]
fn a_certificate_lends_its_key() {
    let key = rcgen::KeyPair::try_from(P256.pkcs8.as_slice()).unwrap();
    let made = rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).unwrap();
    let issuers = issuers_with(config(), &made.self_signed(&key).unwrap().pem());
    assert!(issuers.verify(&P256.token(&json!({ "alg": "ES256" }), &good()), now()).is_ok());
}

#[test]
fn a_token_without_a_name_means_the_only_key_that_fits() {
    let stranger = ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", Algorithm::Es256);
    let one = P256.named(&json!({ "kid": "one" }));
    let two = stranger.named(&json!({ "kid": "two" }));
    let token = P256.token(&json!({ "alg": "ES256" }), &good());
    assert!(
        issuers_with(config(), &key_set(std::slice::from_ref(&one))).verify(&token, now()).is_ok()
    );
    assert!(issuers_with(config(), &key_set(&[one, two])).verify(&token, now()).is_err());
}

#[test]
fn a_key_that_is_for_something_else_is_passed_over() {
    for more in [
        json!({ "use": "enc" }),
        json!({ "use": 1 }),
        json!({ "alg": "ES384" }),
        json!({ "alg": "ECDH-ES" }),
        json!({ "key_ops": ["sign"] }),
        json!({ "key_ops": "verify" }),
        json!({ "kty": "oct", "k": "c2VjcmV0" }),
        json!({ "kty": "RSA" }),
        json!({ "crv": "P-384" }),
        json!({ "crv": "secp256k1" }),
        json!({ "x": "AA" }),
        json!({ "x": b64([0; 32]), "y": b64([0; 32]) }),
        json!({ "kty": "new" }),
    ] {
        let key = P256.named(&more);
        assert!(matches!(parse(&key_set(&[key])), Err(KeyError::Nothing(_))), "{more}");
    }
    let good = P256.named(&json!({ "kid": "a", "key_ops": ["verify"] }));
    let set = parse(&key_set(&[json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "b" }), good]));
    assert_eq!(set.map(|set| set.len()).ok(), Some(1));
}

#[test]
fn what_is_weak_private_or_ambiguous_is_refused() {
    let named = P256.named(&json!({ "kid": "a" }));
    let other = ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", Algorithm::Es256);
    let cases = [
        (key_set(&[P256.named(&json!({ "d": "AA" }))]), "private"),
        (pem("PRIVATE KEY", &P256.pkcs8), "private"),
        (pem("EC PRIVATE KEY", &P256.pkcs8), "private"),
        (key_set(&[named.clone(), other.named(&json!({ "kid": "a" }))]), "called `a`"),
        (key_set(&[]), "no key"),
        (key_set(&vec![named; 65]), "too many"),
        (r#"{"keys":[],"keys":[]}"#.to_owned(), "neither"),
        (r#"{"keys":{}}"#.to_owned(), "neither"),
        ("{}".to_owned(), "neither"),
        (String::new(), "neither"),
        ("hello".to_owned(), "neither"),
        (pem("PUBLIC KEY", b"nonsense"), "no key"),
        ("-----BEGIN PUBLIC KEY-----\n!!!\n-----END PUBLIC KEY-----\n".to_owned(), "neither"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n".to_owned(), "neither"),
        (pem("X509 CRL", b"nonsense"), "neither"),
    ];
    for (text, why) in cases {
        let said = parse(&text).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains(why), "{said:?} is not {why:?}: {text}");
    }
    let short = "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4";
    let weak = json!({ "kty": "RSA", "n": short, "e": "AQAB" });
    assert!(matches!(parse(&key_set(&[weak])), Err(KeyError::Nothing(_))), "1024 bits");
}

#[test]
fn new_keys_hold_at_once_and_bad_ones_change_nothing() {
    let name = IssuerName::parse("shop").unwrap();
    let stranger = ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", Algorithm::Es256);
    let issuers = issuers();
    let old = P256.token(&header(), &good());
    assert!(issuers.verify(&old, now()).is_ok());
    assert!(issuers.replace_keys(&name, b"garbage").is_err());
    assert!(issuers.verify(&old, now()).is_ok(), "the old keys stay");
    let new = key_set(&[stranger.named(&json!({ "kid": "p256" }))]);
    assert_eq!(issuers.replace_keys(&name, new.as_bytes()), Ok(1));
    // Also a token that was valid a moment ago, and is remembered.
    assert!(issuers.verify(&old, now()).is_err());
    assert!(issuers.verify(&stranger.token(&header(), &good()), now()).is_ok());
}

/// Says that it was asked.
struct Asked(std::sync::atomic::AtomicUsize);

impl KeySource for Asked {
    fn ask(&self, _: &IssuerName) -> Option<Asking> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Some(Box::pin(std::future::ready(())))
    }
}

#[test]
fn an_issuer_is_asked_for_a_key_that_a_token_needs_and_for_no_other() {
    let asked = Arc::new(Asked(Default::default()));
    let unnamed = IssuerConfig {
        name: IssuerName::parse("pem").unwrap(),
        issuer: "https://pem.example".to_owned(),
        ..config()
    };
    let one = KeySet::parse(
        key_set(&[P256.named(&json!({ "kid": "p256" }))]).as_bytes(),
        &config().algorithms,
    );
    let two = KeySet::parse(key_set(&[P256.named(&json!({}))]).as_bytes(), &config().algorithms);
    let issuers = Issuers::new([(config(), one.unwrap()), (unnamed, two.unwrap())]);
    let token = |kid: &str, iss: &str| {
        P256.token(&json!({ "alg": "ES256", "kid": kid }), &with("iss", iss.into()))
    };
    let shop = "https://idp.example";
    assert_eq!(issuers.lacks_key(&token("new", shop)), None, "nobody could be asked");
    let issuers = issuers.asking(Arc::clone(&asked) as _);
    let name = |text: &str| issuers.lacks_key(text).map(|name| name.as_str().to_owned());
    assert_eq!(name(&token("new", shop)).as_deref(), Some("shop"));
    assert_eq!(name(&token("p256", shop)), None);
    // A key without a name may be the one.
    assert_eq!(name(&token("new", "https://pem.example")), None);
    assert_eq!(name(&token("new", "https://stranger.example")), None);
    let other = P256.token(&json!({ "alg": "PS256", "kid": "new" }), &good());
    assert_eq!(name(&other), None, "an algorithm that is not allowed");
    assert_eq!(name(&P256.token(&json!({ "alg": "ES256" }), &good())), None);
    issuers.drop_keys(&IssuerName::parse("shop").unwrap());
    assert_eq!(name(&P256.token(&json!({ "alg": "ES256" }), &good())).as_deref(), Some("shop"));
    assert!(issuers.verify(&token("p256", shop), now()).is_err());
}
