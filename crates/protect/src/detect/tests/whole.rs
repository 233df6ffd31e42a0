//! Whole texts: what is found, as what, and what is not.

use super::*;
use Confidence::{Checksum, Confirmed, Context, Pattern};

fn one(text: &str) -> Option<(String, String, Confidence)> {
    let mut all = found(&usual(), text);
    assert!(all.len() <= 1, "{text}: {all:?}");
    all.pop()
}

fn check(text: &str, rule: &str, part: &str, confidence: Confidence) {
    let expect = (rule.to_owned(), part.to_owned(), confidence);
    assert_eq!(one(text), Some(expect), "{text}");
}

#[test]
fn cards_are_found_as_people_and_machines_write_them() {
    check("{\"card\": \"4111111111111111\"}", "pan", "4111111111111111", Confirmed);
    check("x 4111111111111111 y", "pan", "4111111111111111", Checksum);
    check("x 4111 1111 1111 1111, y", "pan", "4111 1111 1111 1111", Confirmed);
    check("x 3782-822463-10005.", "pan", "3782-822463-10005", Confirmed);
    check("a\\n5555555555554444\\n", "pan", "5555555555554444", Checksum);
    check("12 4242 4242 4242 4242", "pan", "4242 4242 4242 4242", Confirmed);
    check("4242 4242 4242 4242 12/27 123", "pan", "4242 4242 4242 4242", Confirmed);
}

#[test]
fn numbers_that_only_look_like_cards_are_none() {
    for text in [
        "x 4111111111111112 y",
        "x 94111111111111111 y",
        "x 41111111111111111111 y",
        "0.4111111111111111",
        "4111111111111111.5",
        "trace-4111111111111111",
        "f4111111111111111",
        "4111111111111111f",
        "9d5e4111-1111-1111-1111-111111111111",
        "4111-1111-1111-1111-11",
        "1700000000000000000 1700000000000000",
        "{\"trace_id\": 4111111111111111}",
        "order 4111111111111111",
    ] {
        assert_eq!(one(text), None, "{text}");
    }
}

#[test]
fn national_ids_are_found_by_their_checks_and_the_words_before_them() {
    check("{\"ssn\":\"536-90-4399\"}", "us-ssn", "536-90-4399", Confirmed);
    check("ssn=536904399&x=1", "us-ssn", "536904399", Context);
    check("NI number AB123456C", "gb-nino", "AB123456C", Confirmed);
    check("see AB 12 34 56 C.", "gb-nino", "AB 12 34 56 C", Confirmed);
    check("Steuer-ID: 86095742719", "de-steuer-id", "86095742719", Confirmed);
    check("255081416802538", "fr-nir", "255081416802538", Checksum);
    check("2 55 08 14 168 025 38", "fr-nir", "2 55 08 14 168 025 38", Confirmed);
    check("dni 12345678Z", "es-dni-nie", "12345678Z", Confirmed);
    check("X1234567L", "es-dni-nie", "X1234567L", Checksum);
    check("<cf>RSSMRA85T10A562S</cf>", "it-codice-fiscale", "RSSMRA85T10A562S", Checksum);
    check("bsn: 111222333", "nl-bsn", "111222333", Confirmed);
    check("85.07.30-033.28", "be-rrn", "85.07.30-033.28", Confirmed);
    check("pesel=44051401359", "pl-pesel", "44051401359", Confirmed);
    check("811228-9874", "se-personnummer", "811228-9874", Checksum);
    check("131052-308T", "fi-hetu", "131052-308T", Checksum);
    check("111.444.777-35", "br-cpf", "111.444.777-35", Confirmed);
    check("Aadhaar 2341 2341 2346", "in-aadhaar", "2341 2341 2346", Confirmed);
    check("SIN 193-456-787", "ca-sin", "193-456-787", Confirmed);
    check("tfn: 123 456 782", "au-tfn", "123 456 782", Confirmed);
    check("11010519491231002X", "cn-resident-id", "11010519491231002X", Checksum);
}

#[test]
fn numbers_without_words_are_not_called_somebodys_id() {
    for text in ["86095742719", "111222333", "44051401359", "234123412346", "536-90-4399"] {
        assert_eq!(one(text), None, "{text}");
        assert!(!found(&all(), text).is_empty(), "{text}: but they can be asked for");
    }
}

#[test]
fn addresses_and_numbers_of_people_are_found() {
    check("mail ann@example.com.", "email", "ann@example.com", Context);
    check("<ann@example.com>", "email", "ann@example.com", Pattern);
    check("call +49 171 1234567", "phone", "+49 171 1234567", Context);
    check("(212) 555-0123", "phone", "(212) 555-0123", Pattern);
    check("Tel: 030/1234567", "phone", "030/1234567", Context);
    check("{\"phone\":\"555-123-4567\"}", "phone", "555-123-4567", Context);
    check("peer 203.0.113.9:443", "ip", "203.0.113.9", Context);
    check("[2001:db8::17]", "ip", "2001:db8::17", Pattern);
    check("GB29 NWBK 6016 1331 9268 19", "iban", "GB29 NWBK 6016 1331 9268 19", Checksum);
    check("iban=DE89370400440532013000&", "iban", "DE89370400440532013000", Checksum);
}

#[test]
fn ordinary_text_holds_nothing() {
    for text in [
        "2026-11-22T19:30:54.123456Z INFO a::b::c request 0198c3f2-9d5e-7c21-8a4b-2f6d1e0c9b7a",
        "{\"ts\":1700000000123,\"dur\":0.4111111111111111,\"v\":\"1.2.3\"}",
        "12:30:45 sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "00:1b:44:11:3a:b7 f32::EPSILON u8::MAX std::fmt deadbeef",
        "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.6099.109 Safari/537.36",
        "password: required, token expired, secret not found",
        "127.0.0.1:8080 0.0.0.0 ::1",
        "@@ -1,7 +12345678 @@",
        "tokens: 12345678 of 20000000",
    ] {
        assert_eq!(found(&usual(), text), [], "{text}");
    }
}

#[test]
fn secrets_are_found_by_their_form_or_by_their_name() {
    let key = "AKIAQ3EGRTU7ZLXN2PYW";
    check(&format!("id {key} x"), "aws-access-key", key, Checksum);
    let token = "ghp_1B4xw9Qm2ZrT7yLkP0sVdHc6NfJ8uGa3eXb5";
    check(&format!("{{\"t\":\"{token}\"}}"), "github-token", token, Checksum);
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    check(&format!("Authorization: Bearer {jwt}"), "jwt", jwt, Checksum);
    check("password = \"hunter2!Zq81\"", "assigned-secret", "hunter2!Zq81", Context);
    check("postgres://app:s3cr3t@db/x", "url-password", "s3cr3t", Context);
    let body = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2";
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----");
    check(&format!("k:\n{pem}\n"), "private-key", &pem, Checksum);
    let joined = pem.replace('\n', "\\n");
    check(&format!("\"k\":\"{joined}\""), "private-key", &joined, Checksum);
    for text in [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "password=${PASSWORD1}",
    ] {
        assert_eq!(one(text), None, "{text}");
    }
}

#[test]
fn our_own_tokens_are_secrets() {
    let token =
        format!("cmt_100000000000_{}324a2748", "q8Zr2TnW5yXc9LkP0sVdHc6NfJ8uGa3eXb5mQ1Bw4Rt");
    assert_eq!(
        found(&usual(), &token).first().map(|it| it.0.clone()).as_deref(),
        Some("casemate-token")
    );
}

#[test]
fn what_is_said_elsewhere_is_context() {
    let detector = usual();
    let mut count = 0;
    detector.scan(b"536904399", b"ssn", |_| count += 1);
    detector.scan(b"536904399", b"order", |_| count += 1);
    assert_eq!(count, 1);
}

#[test]
fn classes_can_be_chosen() {
    use model::data::BuiltIn;
    let text = "ann@example.com 4111111111111111 811228-9874";
    let rules = |classes: &[BuiltIn]| {
        let classes: Vec<_> = classes.iter().map(|class| (*class).into()).collect();
        let all = found(&usual().only(&classes), text);
        all.into_iter().map(|found| found.0).collect::<Vec<_>>()
    };
    assert_eq!(rules(&[BuiltIn::Pan]), ["pan"]);
    assert_eq!(rules(&[BuiltIn::NationalId, BuiltIn::Email]), ["email", "se-personnummer"]);
    assert!(rules(&[]).is_empty());
}

#[test]
fn rules_are_numbered_and_named_once() {
    let detector = usual();
    let names: std::collections::BTreeSet<_> =
        detector.rules().map(|(_, r)| r.name.clone()).collect();
    assert_eq!(names.len(), detector.rules().count());
    assert_eq!(detector.rule(rule::Known::Cn.id()).expect("there").name, "cn-resident-id");
    for (_, rule) in detector.rules() {
        assert!(rule.enforce.is_none_or(|enforce| enforce >= rule.report), "{}", rule.name);
    }
}
