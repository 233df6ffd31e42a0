//! What people send instead of a token that their issuer gave them.

use super::*;
use proptest::prelude::*;

#[track_caller]
fn refused(token: &str, why: &str) {
    let said = issuers().verify(token, now()).map(|_| ()).expect_err("accepted");
    assert!(said.contains(why), "{said:?} is not {why:?}: {token}");
}

#[test]
fn no_algorithm_is_no_signature() {
    for none in ["none", "None", "NONE", "nOnE", "", "null"] {
        let message =
            format!("{}.{}", b64(json!({ "alg": none }).to_string()), b64(good().to_string()));
        refused(&format!("{message}."), "its algorithm");
        refused(&format!("{message}.{}", b64(P256.sign(&message))), "its algorithm");
    }
    for header in
        [json!({}), json!({ "alg": null }), json!({ "alg": ["ES256"] }), json!({ "alg": 1 })]
    {
        refused(&P256.token(&header, &good()), "its algorithm");
    }
}

/// RS/HS confusion: the public key, in every form that somebody could have it in, as a secret.
#[test]
fn a_public_key_is_no_shared_secret() {
    use aws_lc_rs::hmac;
    let jwk = RSA.jwk.to_string();
    let modulus = URL_SAFE_NO_PAD.decode(RSA.jwk["n"].as_str().unwrap()).unwrap();
    let set = key_set(&[RSA.named(&json!({ "kid": "rsa" }))]);
    for secret in [jwk.as_bytes(), &modulus, set.as_bytes(), b""] {
        for (name, algorithm) in [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
        ] {
            let header = json!({ "alg": name, "kid": "rsa" }).to_string();
            let message = format!("{}.{}", b64(header), b64(good().to_string()));
            let tag = hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes());
            refused(&format!("{message}.{}", b64(tag)), "its algorithm");
        }
    }
}

#[test]
fn a_key_is_for_its_own_algorithm_only() {
    // Named right, signed by the other curve, and the reverse.
    refused(&P384.token(&json!({ "alg": "ES256", "kid": "p256" }), &good()), "no key");
    refused(&P384.token(&json!({ "alg": "ES256", "kid": "p384" }), &good()), "no key");
    refused(&P256.token(&json!({ "alg": "ES384", "kid": "p256" }), &good()), "no key");
    refused(&RSA.token(&json!({ "alg": "EdDSA", "kid": "rsa" }), &good()), "no key");
    refused(&ED.token(&json!({ "alg": "RS256", "kid": "ed" }), &good()), "no key");
    // Known, and not allowed for this issuer.
    refused(&RSA.token(&json!({ "alg": "PS256", "kid": "rsa" }), &good()), "not allowed");
    refused(&RSA.token(&json!({ "alg": "RS512", "kid": "rsa" }), &good()), "not allowed");
}

/// A header can neither bring a key nor say where one is.
#[test]
fn a_key_of_the_senders_own_is_not_used() {
    let own = ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", Algorithm::Es256);
    let set = "https://evil.example/jwks.json";
    for more in [
        json!({ "jwk": own.jwk }),
        json!({ "jku": set }),
        json!({ "x5u": set }),
        json!({ "x5c": [b64(&own.pkcs8)] }),
        json!({ "jwk": own.jwk, "kid": null }),
        json!({ "jwk": own.jwk, "kid": "own" }),
    ] {
        let mut header = header();
        for (name, value) in more.as_object().unwrap() {
            header[name] = value.clone();
        }
        let said = issuers().verify(&own.token(&header, &good()), now());
        assert!(said.is_err(), "{header}");
    }
}

#[test]
fn the_name_of_a_key_is_a_name_and_nothing_else() {
    for kid in [
        "../../../../dev/null",
        "/dev/null",
        "p256'; DROP TABLE keys; --",
        "' UNION SELECT 'secret",
        "p256\0",
        "P256",
        "",
        "|/bin/sh",
        "https://evil.example/key",
    ] {
        refused(&P256.token(&json!({ "alg": "ES256", "kid": kid }), &good()), "no key");
    }
    // The set has several keys, so one of them has to be named, if there are two that fit.
    for kid in [json!(1), json!(["p256"]), json!({}), json!("x".repeat(256))] {
        refused(
            &P256.token(&json!({ "alg": "ES256", "kid": kid }), &good()),
            "the name of its key",
        );
    }
}

/// CVE-2022-21449 and its like.
#[test]
fn a_signature_of_zeros_is_none() {
    for (name, kid, size) in
        [("ES256", "p256", 64), ("ES384", "p384", 96), ("EdDSA", "ed", 64), ("RS256", "rsa", 256)]
    {
        let header = json!({ "alg": name, "kid": kid }).to_string();
        let message = format!("{}.{}", b64(header), b64(good().to_string()));
        for signature in [vec![0; size], vec![0; size + 1], vec![], vec![1; size], vec![0xff; size]]
        {
            refused(&format!("{message}.{}", b64(signature)), "no key");
        }
    }
    // ECDSA in DER, as other protocols write it, is another signature.
    let message = format!("{}.{}", b64(header().to_string()), b64(good().to_string()));
    let fixed = P256.sign(&message);
    let integer = |half: &[u8]| [&[2, 33, 0][..], half].concat();
    let der = [&[0x30, 70][..], &integer(&fixed[..32]), &integer(&fixed[32..])].concat();
    refused(&format!("{message}.{}", b64(der)), "no key");
}

#[test]
fn another_form_is_refused() {
    let token = P256.token(&header(), &good());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (head, claims) = message.split_once('.').unwrap();
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{token}.."),
        format!("{head}..{signature}"),
        message.to_owned(),
        format!("{token}="),
        format!("{head}=.{claims}.{signature}"),
        format!("{head} .{claims}.{signature}"),
        format!(" {token}"),
        format!("{token}\n"),
        token.replace('.', ". "),
        format!("Bearer {token}"),
        head.to_owned(),
        "cmt_100000000000_x".to_owned(),
    ] {
        assert!(issuers().verify(&bad, now()).is_err(), "{bad}");
    }
    for end in 0..token.len() {
        assert!(issuers().verify(&token[..end], now()).is_err(), "{end}");
    }
    // The standard alphabet instead of the one for URLs.
    let standard = token.replace('-', "+").replace('_', "/");
    if standard != token {
        assert!(issuers().verify(&standard, now()).is_err());
    }
}

#[test]
fn what_a_header_insists_on_is_refused() {
    for (more, why) in [
        (json!({ "crit": ["exp"] }), "insists"),
        (json!({ "crit": [] }), "insists"),
        (json!({ "b64": false, "crit": ["b64"] }), "insists"),
        (json!({ "b64": true }), "insists"),
        (json!({ "cty": "JWT" }), "nested"),
        (json!({ "enc": "A256GCM" }), "nested"),
        (json!({ "zip": "DEF" }), "nested"),
        (json!({ "typ": "dpop+jwt" }), "another type"),
        (json!({ "typ": "logout+jwt" }), "another type"),
        (json!({ "typ": "JOSE" }), "another type"),
        (json!({ "typ": 1 }), "another type"),
        (json!({ "x": "y".repeat(3000) }), "its header"),
    ] {
        let mut header = header();
        for (name, value) in more.as_object().unwrap() {
            header[name] = value.clone();
        }
        refused(&P256.token(&header, &good()), why);
    }
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        let token = P256.token(&json!({ "alg": "ES256", "kid": "p256", "typ": typ }), &good());
        assert!(issuers().verify(&token, now()).is_ok(), "{typ}");
    }
}

#[test]
fn a_name_that_comes_twice_is_refused() {
    let claims = good().to_string();
    let twice = |member: &str| format!("{{{member},{}", &claims[1..]);
    for text in [
        twice(r#""sub":"root""#),
        twice(r#""s\u0075b":"root""#),
        twice(r#""exp":9999999999"#),
        twice(r#""x":{"a":1,"a":2}"#),
    ] {
        refused(&P256.token_of(&header().to_string(), &text), "its claims");
    }
    // Two spellings of one dotted name.
    refused(&P256.token(&header(), &with("realm_access.roles", json!(["admin"]))), "share a name");
    let twice = r#"{"alg":"none","alg":"ES256","kid":"p256"}"#;
    refused(&P256.token_of(twice, &claims), "its header");
}

#[test]
fn what_is_huge_or_deep_is_not_read() {
    refused(&P256.token(&header(), &with("x", json!("y".repeat(8000)))), "too long");
    refused(&P256.token(&header(), &with("x", json!(vec![1; 600]))), "its claims");
    let mut deep = json!(1);
    for _ in 0..9 {
        deep = json!([deep]);
    }
    refused(&P256.token(&header(), &with("x", deep)), "its claims");
    for text in ["", "[]", "null", "\"x\"", "{", "{}{}"] {
        let said = issuers().verify(&P256.token_of(&header().to_string(), text), now());
        assert!(said.is_err(), "{text}");
    }
}

#[test]
fn a_token_is_for_us_or_refused() {
    for audience in [
        json!(null),
        json!("Casemate"),
        json!("casemate "),
        json!(""),
        json!([]),
        json!(["elsewhere"]),
        json!(["casemate", 1]),
        json!({ "casemate": true }),
        json!(true),
    ] {
        refused(&P256.token(&header(), &with("aud", audience)), "audience");
    }
    for audience in [json!("other"), json!(["elsewhere", "casemate"])] {
        assert!(issuers().verify(&P256.token(&header(), &with("aud", audience)), now()).is_ok());
    }
    for issuer in
        [json!("https://idp.example/"), json!("https://IDP.example"), json!(""), json!("shop")]
    {
        refused(&P256.token(&header(), &with("iss", issuer)), "its issuer");
    }
    for issuer in [json!(null), json!(1), json!(["https://idp.example"])] {
        refused(&P256.token(&header(), &with("iss", issuer)), "no issuer");
    }
    for subject in [json!(null), json!(1), json!(["alice"])] {
        refused(&P256.token(&header(), &with("sub", subject)), "no subject");
    }
    for subject in [json!(""), json!("a\u{0}b"), json!("a\nb"), json!("x".repeat(256))] {
        refused(&P256.token(&header(), &with("sub", subject)), "its subject");
    }
}

/// Two issuers on one node: neither's key makes tokens of the other.
#[test]
fn one_issuers_key_does_not_speak_for_another() {
    let other = IssuerConfig {
        name: IssuerName::parse("corp").unwrap(),
        issuer: "https://corp.example".to_owned(),
        ..config()
    };
    let set = |signer: &Signer| {
        let text = key_set(&[signer.named(&json!({ "kid": "one" }))]);
        KeySet::parse(text.as_bytes(), &config().algorithms).unwrap()
    };
    let issuers = Issuers::new([(config(), set(&P256)), (other, set(&ED))]);
    let header = |name: &str| json!({ "alg": name, "kid": "one" });
    let corp = with("iss", json!("https://corp.example"));
    assert!(issuers.verify(&P256.token(&header("ES256"), &good()), now()).is_ok());
    let named = issuers.verify(&ED.token(&header("EdDSA"), &corp), now()).unwrap();
    assert_eq!(named.issuer.as_str(), "corp");
    assert!(issuers.verify(&P256.token(&header("ES256"), &corp), now()).is_err());
    assert!(issuers.verify(&ED.token(&header("EdDSA"), &good()), now()).is_err());
}

static TOKENS: LazyLock<(Issuers, Vec<String>)> = LazyLock::new(|| {
    let of = |signer: &Signer, name: &str, kid: &str| {
        signer.token(&json!({ "alg": name, "kid": kid }), &good())
    };
    let tokens = vec![
        of(&P256, "ES256", "p256"),
        of(&P384, "ES384", "p384"),
        of(&ED, "EdDSA", "ed"),
        of(&RSA, "RS256", "rsa"),
    ];
    (issuers(), tokens)
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_character_is_refused(which in 0..4usize, at: prop::sample::Index, to in proptest::char::range('!', '~')) {
        let (issuers, tokens) = &*TOKENS;
        let mut token = tokens[which].clone();
        let at = at.index(token.len());
        prop_assert!(issuers.verify(&token, now()).is_ok());
        prop_assume!(!token[at..].starts_with(to));
        token.replace_range(at..=at, &to.to_string());
        prop_assert!(issuers.verify(&token, now()).is_err());
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,300}", parts in prop::collection::vec("[A-Za-z0-9_=-]{0,80}", 0..5)) {
        let (issuers, _) = &*TOKENS;
        prop_assert!(issuers.verify(&text, now()).is_err());
        prop_assert!(issuers.verify(&parts.join("."), now()).is_err());
    }

    #[test]
    fn no_claims_break_the_reader(text in "\\PC{0,300}") {
        let (issuers, _) = &*TOKENS;
        prop_assert!(issuers.verify(&P256.token_of(&header().to_string(), &text), now()).is_err());
    }
}
