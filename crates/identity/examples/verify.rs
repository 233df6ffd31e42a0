//! Prints what checking a token costs: nanoseconds for one that was never seen, and for one that
//! was.
//!
//! `cargo run -p casemate-identity --example verify --profile quick`
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measuring tool for people"
)]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casemate_identity::jwt::{Algorithm, IssuerConfig, Issuers, KeySet};
use casemate_identity::{Tokens, token};
use model::{Timestamp, TokenName, token::TokenRow};
use std::hint::black_box;
use std::time::{Duration, Instant};

const NOW_S: i64 = 1_800_000_000;
const NOW: Timestamp = Timestamp(NOW_S * 1_000_000);

fn main() {
    let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref()).unwrap();
    let issuers = issuers(pair.public_key().as_ref());
    let token = |number: u32| {
        let header = r#"{"alg":"ES256","kid":"k","typ":"JWT"}"#;
        let claims = format!(
            r#"{{"iss":"https://idp.example","aud":["casemate"],"sub":"user-{number}","exp":{},"iat":{NOW_S},"jti":"b0a1c2d3-{number}","email":"user-{number}@example.org","roles":["reader","writer"],"scope":"openid profile orders:read"}}"#,
            NOW_S + 300
        );
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = pair.sign(&random, message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let tokens: Vec<String> = (0..20_000).map(token).collect();
    let cold = per_call(20_000, |at| {
        black_box(issuers.verify(&tokens[at], NOW)).unwrap();
    });
    let warm = per_call(1_000_000, |_| {
        black_box(issuers.verify(&tokens[19_999], NOW)).unwrap();
    });
    let api = api();
    println!("ES256, {} bytes: cold {cold} ns, warm {warm} ns", tokens[0].len());
    println!("API token, 68 bytes: {api} ns");
}

fn issuers(point: &[u8]) -> Issuers {
    let (x, y) = point[1..].split_at(32);
    let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let keys = format!(
        r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"k","x":"{}","y":"{}"}}]}}"#,
        b64(x),
        b64(y)
    );
    let config = IssuerConfig {
        name: "shop".parse().unwrap(),
        issuer: "https://idp.example".to_owned(),
        audience: vec!["casemate".to_owned()],
        algorithms: vec![Algorithm::Es256],
        leeway: Duration::from_secs(30),
        header: "authorization".to_owned(),
        subject_claim: "sub".to_owned(),
        pass: vec!["email".to_owned(), "roles".to_owned()],
    };
    let set = KeySet::parse(keys.as_bytes(), &config.algorithms).unwrap();
    Issuers::new([(config, set)])
}

fn api() -> u128 {
    let minted = token::mint().unwrap();
    let name = TokenName::parse("ci").unwrap();
    let row = TokenRow {
        id: minted.id,
        name,
        hash: minted.hash,
        created: Timestamp(0),
        expires: None,
        key: None,
    };
    let table = Tokens::new([row]);
    per_call(1_000_000, |_| {
        black_box(table.verify(minted.token.expose(), NOW)).unwrap();
    })
}

fn per_call(times: usize, mut call: impl FnMut(usize)) -> u128 {
    let start = Instant::now();
    for at in 0..times {
        call(at);
    }
    start.elapsed().as_nanos() / u128::try_from(times).unwrap()
}
