//! Secrets that sign requests, fill bodies and fetch tokens, through the real binary and towards
//! real servers on this machine.

use crate::keeper::{Keeper, placeholder};
use crate::outside::{answer, field, requests};
use crate::rig::PATIENCE;
use aws_lc_rs::hmac;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

const VALUE: &str = "whk_51H8xQ2eZvKYlo2C";

/// A receiver of webhooks as GitHub's documentation describes it: the signature is verified over
/// the body as it came.
fn receiver(head: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, VALUE.as_bytes());
    let said = field(head, "x-hub-signature-256").and_then(|it| it.strip_prefix("sha256="));
    let said = said.map(|digits| {
        let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        (0..digits.len()).step_by(2).filter_map(byte).collect::<Vec<u8>>()
    });
    match said {
        // An upstream that echoes the signature: it must not get back to the function.
        Some(tag) if hmac::verify(&key, body, &tag).is_ok() => answer(200, head),
        _ => answer(401, "the signature is not valid"),
    }
}

#[test]
fn a_webhook_is_signed_and_its_receiver_verifies_it() {
    let (address, seen) = requests(receiver);
    let keeper = Keeper::open("");
    let hook = format!("http://{address}/hook");
    let allow = format!(
        "http = [\"POST {hook}\"]\nsecret.hook = {{ to = \"{hook}\", hmac = {{ \
         sign = \"{{body}}\", header = \"x-hub-signature-256\", value = \"sha256={{signature}}\" }} }}"
    );
    // A deployment whose secret is missing is refused, and nothing is deployed.
    let file = keeper.manifest(&allow);
    let (_, said) = keeper.node.fails(&["deploy", &file, "--grant"]);
    assert!(said.contains("E0523") && said.contains("casemate secret set hook"), "{said}");
    assert!(keeper.put("set", "hook", VALUE).status.success());
    keeper.deploy(&allow);
    let said = keeper.send("POST", &hook, "content-type:application/json", r#"{"event":"push"}"#);
    assert!(said.contains("status 200"), "{said}");
    let (head, body) = seen.recv_timeout(PATIENCE).expect("a request");
    assert_eq!(body, br#"{"event":"push"}"#);
    let signature = field(&head, "x-hub-signature-256").expect("signed");
    let signature = signature.strip_prefix("sha256=").expect("in its form");
    assert!(!said.contains(signature) && said.contains(&"*".repeat(64)), "{said}");
    // With another key the receiver refuses: so it does verify.
    assert!(keeper.put("rotate", "hook", "another_key_0123456789").status.success());
    let refused = keeper.send("POST", &hook, "", "{}");
    assert!(refused.contains("status 401"), "{refused}");
    let everything = keeper.everything();
    assert!(everything.contains("secret.use"));
    assert!(!everything.contains(VALUE) && !everything.contains(signature), "{everything}");
}

#[test]
fn a_secret_is_put_into_a_body_and_nowhere_else() {
    let (address, seen) = requests(|_, body| answer(200, &String::from_utf8_lossy(body)));
    let keeper = Keeper::open("");
    let login = format!("http://{address}/login");
    let form = format!("http://{address}/form");
    assert!(keeper.put("set", "json", VALUE).status.success());
    assert!(keeper.put("set", "form", "p&ss w=rd 0123456789").status.success());
    keeper.deploy(&format!(
        "http = [\"POST http://{address}/*\"]\n\
         secret.json = {{ to = \"{login}\", body = {{ json = \"/password\" }} }}\n\
         secret.form = {{ to = \"{form}\", body = {{ form = \"password\" }} }}"
    ));
    let held = placeholder("m", "json");
    let json = "content-type:application/json";
    let body = format!(r#"{{"user":"shop","password":"{held}"}}"#);
    let said = keeper.send("POST", &login, json, &body);
    assert!(said.contains("status 200") && !said.contains(VALUE), "{said}");
    let (head, body) = seen.recv_timeout(PATIENCE).expect("a request");
    assert_eq!(
        String::from_utf8_lossy(&body),
        format!(r#"{{"user":"shop","password":"{VALUE}"}}"#)
    );
    assert_eq!(field(&head, "content-length"), Some(body.len().to_string().as_str()));

    let kind = "content-type:application/x-www-form-urlencoded";
    let body = format!("user=shop&password={}", placeholder("m", "form"));
    let said = keeper.send("POST", &form, kind, &body);
    assert!(said.contains("status 200") && !said.contains("p%26ss"), "{said}");
    let (_, body) = seen.recv_timeout(PATIENCE).expect("a request");
    assert_eq!(body, b"user=shop&password=p%26ss%20w%3Drd%200123456789");

    // A field that the server shows to everybody is another field.
    let body = format!(r#"{{"comment":"{held}"}}"#);
    let said = keeper.send("POST", &login, json, &body);
    assert!(said.contains("refused"), "{said}");
    assert!(seen.try_recv().is_err(), "it was sent");
    let everything = keeper.everything();
    assert!(everything.contains("E1417"), "{everything}");
    assert!(!everything.contains(VALUE) && !everything.contains("p&ss w=rd"), "{everything}");
}

#[test]
fn a_token_is_fetched_used_and_fetched_anew_when_it_is_not_taken() {
    let (issued, revoked) = <(Arc<AtomicU32>, Arc<AtomicU32>)>::default();
    let token = |number: u32| format!("tok_{number}_aV3ryL0ngRandomText");
    let count = issued.clone();
    let (login, asked) = requests(move |head, _| {
        // The client and its secret, in the form of RFC 6749.
        if field(head, "authorization") != Some("Basic c2hvcDp3aGtfNTFIOHhRMmVadktZbG8yQw==") {
            return answer(401, r#"{"error":"invalid_client"}"#);
        }
        let number = count.fetch_add(1, SeqCst) + 1;
        let token = token(number);
        answer(
            200,
            &format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3600}}"#),
        )
    });
    let (count, least) = (issued.clone(), revoked.clone());
    let (crm, seen) = requests(move |head, body| {
        let said = field(head, "authorization").unwrap_or_default();
        let taken = (least.load(SeqCst) + 1..=count.load(SeqCst))
            .any(|number| said == format!("Bearer {}", token(number)));
        answer(if taken { 200 } else { 401 }, &format!("{said} {}", String::from_utf8_lossy(body)))
    });
    let keeper = Keeper::open("");
    assert!(keeper.put("set", "crm", VALUE).status.success());
    keeper.deploy(&format!(
        "http = [\"POST http://{crm}/*\"]\nsecret.crm = {{ to = \"http://{crm}\", oauth2 = {{ \
         token_url = \"http://{login}/token\", client_id = \"shop\", scope = \"read write\" }} }}"
    ));
    for _ in 0..2 {
        let said = keeper.send("POST", &format!("http://{crm}/a"), "", "hello");
        assert!(said.contains("status 200") && said.contains("hello"), "{said}");
        assert!(!said.contains("aV3ryL0ng"), "a token comes back: {said}");
    }
    assert_eq!(issued.load(SeqCst), 1);
    let (_, body) = asked.recv_timeout(PATIENCE).expect("asked");
    assert_eq!(body, b"grant_type=client_credentials&scope=read%20write");
    revoked.store(1, SeqCst);
    let said = keeper.send("POST", &format!("http://{crm}/a"), "", "again");
    assert!(said.contains("status 200") && said.contains("again"), "{said}");
    assert_eq!(issued.load(SeqCst), 2);
    let bodies: Vec<Vec<u8>> =
        (0..4).map(|_| seen.recv_timeout(PATIENCE).expect("sent").1).collect();
    assert_eq!(bodies, [b"hello", b"hello", b"again", b"again"], "the body was sent once more");
    // A secret that is not valid any more.
    assert!(keeper.put("rotate", "crm", "another_secret_0123456789").status.success());
    let said = keeper.send("POST", &format!("http://{crm}/a"), "", "x");
    assert!(said.contains("refused"), "{said}");
    let everything = keeper.everything();
    assert!(everything.contains("E1419") && everything.contains("invalid_client"));
    assert!(everything.contains("secret.token"));
    for text in [VALUE, "aV3ryL0ng", "another_secret", "c2hvcDp3aGtf"] {
        assert!(!everything.contains(text), "{text} in {everything}");
    }
}
