//! Webhooks through the real binary: each sender's message, and what is forged, replayed, stale, cut
//! or of another length.

use crate::rig::{Node, PATIENCE, Reply, example, raw};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const SECRET: &str = "c2VjcmV0IHNlY3JldCBzZWNyZXQ=";

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the year 292277026596")
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let key = EncodingKey::from_secret(key);
    let made = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).expect("signed");
    URL_SAFE_NO_PAD.decode(made).expect("base64")
}

/// A key of Discord's, and its public half in hexadecimal digits.
fn pair() -> (EncodingKey, String) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
    let private = EncodingKey::from_ed_der(&pair.serialize_der());
    (private, hex::encode(pair.public_key_raw()))
}

/// The header fields of a sender's message at a time.
type Signs = Box<dyn Fn(i64, &str) -> Vec<String>>;

/// A kind: its name, what its manifest says, what its sender signs, a body, and whether the time is
/// signed.
type Kind = (&'static str, String, Signs, &'static str, bool);

fn of_secret(kind: &str) -> String {
    format!("kind = \"{kind}\"\nsecret = \"hook\"")
}

fn digits(text: &str) -> String {
    hex::encode(hmac(SECRET.as_bytes(), text))
}

fn standard() -> Kind {
    let signs: Signs = Box::new(|time, body| {
        let key = STANDARD.decode(SECRET).expect("base64");
        let signature = STANDARD.encode(hmac(&key, &format!("msg_1.{time}.{body}")));
        vec![
            "webhook-id: msg_1".to_owned(),
            format!("webhook-timestamp: {time}"),
            format!("webhook-signature: v1,{signature}"),
        ]
    });
    ("standard", of_secret("standard"), signs, r#"{"type":"user.created"}"#, true)
}

fn github() -> Kind {
    let signs: Signs = Box::new(|_, body| {
        vec![
            format!("x-hub-signature-256: sha256={}", digits(body)),
            "x-github-event: push".to_owned(),
            "x-github-delivery: 1".to_owned(),
        ]
    });
    ("github", of_secret("github"), signs, r#"{"ref":"main"}"#, false)
}

fn stripe() -> Kind {
    let signs: Signs = Box::new(|time, body| {
        let signature = digits(&format!("{time}.{body}"));
        vec![format!("stripe-signature: t={time},v1={signature}")]
    });
    ("stripe", of_secret("stripe"), signs, r#"{"id":"evt_1","type":"invoice.paid"}"#, true)
}

fn slack() -> Kind {
    let signs: Signs = Box::new(|time, body| {
        let signature = digits(&format!("v0:{time}:{body}"));
        vec![
            format!("x-slack-request-timestamp: {time}"),
            format!("x-slack-signature: v0={signature}"),
        ]
    });
    let body = r#"{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}"#;
    ("slack", of_secret("slack"), signs, body, true)
}

fn discord() -> Kind {
    let (private, public) = pair();
    let signs: Signs = Box::new(move |time, body| {
        let text = format!("{time}{body}");
        let made = jsonwebtoken::crypto::sign(text.as_bytes(), &private, Algorithm::EdDSA);
        let made = URL_SAFE_NO_PAD.decode(made.expect("signed")).expect("base64");
        vec![
            format!("x-signature-timestamp: {time}"),
            format!("x-signature-ed25519: {}", hex::encode(made)),
        ]
    });
    let lines = format!("kind = \"discord\"\npublic_key = \"{public}\"");
    ("discord", lines, signs, r#"{"type":2,"id":"9"}"#, true)
}

fn telegram() -> Kind {
    let signs: Signs = Box::new(|_, _| vec![format!("x-telegram-bot-api-secret-token: {SECRET}")]);
    ("telegram", of_secret("telegram"), signs, r#"{"update_id":7,"message":{}}"#, false)
}

fn partner() -> Kind {
    let signs: Signs = Box::new(|time, body| {
        let signature = digits(&format!("{time}.{body}"));
        vec![format!("x-sig: v={signature}"), format!("x-time: {time}")]
    });
    let own = "hmac = { sign = \"{timestamp}.{body}\", header = \"x-sig\", value = \"v={signature}\", timestamp_header = \"x-time\" }";
    ("partner", format!("{}\n{own}", of_secret("hmac")), signs, "a=1", true)
}

fn kinds() -> Vec<Kind> {
    vec![standard(), github(), stripe(), slack(), discord(), telegram(), partner()]
}

fn post(node: &Node, name: &str, fields: &[String], body: &str) -> Reply {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let head = format!(
        "POST /.casemate/webhooks/{name} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{fields}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    raw(node.gateway, head.as_bytes())
}

/// A node with all webhooks, of one function.
fn node(grant: bool) -> (Node, tempfile::TempDir) {
    start(grant, &kinds())
}

fn start(grant: bool, kinds: &[Kind]) -> (Node, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    // What is wrong on purpose here would slow its address down.
    let config = dir.path().join("node.toml");
    std::fs::write(&config, "[limit]\nfailures = \"1000/1s\"\n").expect("written");
    let node = Node::start_with(&["--config", config.to_str().expect("text")]);
    let file = dir.path().join("secret");
    std::fs::write(&file, SECRET).expect("written");
    node.ok(&["secret", "set", "hook", "--file", file.to_str().expect("text")]);
    let webhooks: String = kinds
        .iter()
        .map(|(name, lines, ..)| format!("[[function.webhook]]\nname = \"{name}\"\n{lines}\n"))
        .collect();
    let manifest = format!(
        "manifest = 1\napplication = \"shop\"\n[[function]]\nname = \"f\"\nsource = \"a.wasm\"\n{webhooks}"
    );
    let output = node.deploy_manifest(&manifest, &[("a.wasm", &example("echo"))]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (name, ..) in kinds {
        assert!(said.contains(&format!("casemate grant trigger:{name} invoke f")), "{said}");
        if grant {
            node.ok(&["grant", &format!("trigger:{name}"), "invoke", "f"]);
        }
    }
    (node, dir)
}

/// How many calls ended well that this webhook caused, once nothing waits any more.
fn calls(node: &Node, name: &str) -> usize {
    let deadline = Instant::now() + PATIENCE;
    while node.json(&["queue", "list"])["items"].as_array().is_none_or(|it| !it.is_empty()) {
        assert!(Instant::now() < deadline, "the queue is not worked off");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let page = node.json(&["records", "-n", "1000"]);
    let items = page["items"].as_array().or_else(|| page.as_array()).expect("a list");
    let caller = format!("trigger:{name}");
    items.iter().filter(|it| it["caller"] == caller.as_str() && it["outcome"] == "ok").count()
}

#[test]
fn every_senders_message_calls_once_and_nothing_else_does() {
    let kinds = kinds();
    let (node, _dir) = start(true, &kinds);
    for (name, _, sign, body, timed) in &kinds {
        let refused = |fields: &[String], body: &str, what: &str| {
            let reply = post(&node, name, fields, body);
            assert_eq!((reply.status, reply.code().as_str()), (401, "E1450"), "{name}: {what}");
        };
        let fields = sign(now(), body);
        refused(&[], body, "nothing is signed");
        if *name != "telegram" {
            refused(&fields, &format!("{body} "), "a longer body");
            refused(&fields, &body[1..], "a shorter body");
        }
        let mut forged = fields.clone();
        for field in &mut forged {
            let last = field.pop().expect("a value");
            field.push(if last == '0' { '1' } else { '0' });
        }
        refused(&forged, body, "forged");
        if *timed {
            refused(&sign(now() - 3600, body), body, "stale");
            refused(&sign(now() + 3600, body), body, "from the future");
        }
        assert_eq!(calls(&node, name), 0, "{name}");
        for again in [fields, sign(now(), body)] {
            let reply = post(&node, name, &again, body);
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        }
        assert_eq!(calls(&node, name), 1, "{name}: a replay calls nobody");
    }
    // Another delivery's number makes no other message of it.
    let (name, _, sign, body, _) = &kinds[1];
    let mut fields = sign(now(), body);
    fields[2] = "x-github-delivery: 2".to_owned();
    assert_eq!(post(&node, name, &fields, body).status, 200);
    assert_eq!(calls(&node, name), 1);
    let unknown = post(&node, "nothing", &fields, body);
    assert_eq!((unknown.status, unknown.code().as_str()), (401, "E1450"));
    let large = "x".repeat((1 << 20) + 1);
    let reply = post(&node, name, &sign(now(), &large), &large);
    assert_eq!((reply.status, reply.code().as_str()), (413, "E1442"));
}

#[test]
fn senders_hear_what_they_ask_for() {
    let kinds = kinds();
    let (node, _dir) = start(true, &kinds);
    let said = |name: &str, body: &str| {
        let (_, _, sign, ..) = kinds.iter().find(|it| it.0 == name).expect(name);
        let reply = post(&node, name, &sign(now(), body), body);
        (reply.status, reply.text())
    };
    let challenge = said("slack", r#"{"type":"url_verification","challenge":"abc"}"#);
    assert_eq!(challenge, (200, r#"{"challenge":"abc"}"#.to_owned()));
    assert_eq!(said("discord", r#"{"type":1}"#), (200, r#"{"type":1}"#.to_owned()));
    assert_eq!(said("discord", r#"{"type":0}"#), (204, String::new()));
    assert_eq!(said("discord", r#"{"type":2,"id":"1"}"#), (200, r#"{"type":5}"#.to_owned()));
    assert_eq!(calls(&node, "discord"), 1, "questions are no events");
    assert_eq!(calls(&node, "slack"), 0);
}

#[test]
fn a_webhook_needs_its_grant_and_its_secret() {
    let (node, _dir) = node(false);
    let kinds = kinds();
    let (name, _, sign, body, _) = &kinds[1];
    let reply = post(&node, name, &sign(now(), body), body);
    assert_eq!((reply.status, reply.code().as_str()), (403, "E1451"), "{}", reply.text());
    assert!(!reply.text().contains("casemate grant"), "that is not the sender's affair");
    node.ok(&["grant", "trigger:github", "invoke", "f"]);
    assert_eq!(post(&node, name, &sign(now(), body), body).status, 200);
    assert_eq!(calls(&node, name), 1);
    let used = node.json(&["secret", "list"]).to_string();
    assert!(used.contains("\"used_by\":[\"f\"]"), "{used}");
    node.ok(&["secret", "remove", "hook"]);
    let reply = post(&node, name, &sign(now(), "x"), "x");
    assert_eq!((reply.status, reply.code().as_str()), (401, "E1450"));
    let manifest = "manifest = 1\napplication = \"b\"\n[[function]]\nname = \"g\"\nsource = \"a.wasm\"\n[[function.webhook]]\nname = \"g\"\nkind = \"github\"\nsecret = \"none\"\n";
    let output = node.deploy_manifest(manifest, &[("a.wasm", &example("echo"))]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("casemate secret set none"), "{said}");
}

#[test]
fn what_a_webhook_brings_goes_through_the_contract_of_its_function() {
    let (name, lines, sign, ..) = github();
    let field = "[[function.data.in]]\nat = \"body:/sender/email\"\nclass = \"email\"\n\
        transform = \"token\"\ntrigger = \"event:github\"\n";
    let body = r#"{"ref":"main","sender":{"email":"ada@example.com"}}"#;
    let kinds = [(name, format!("{lines}\n{field}"), sign, body, false)];
    let (node, _dir) = start(true, &kinds);
    let sign = &kinds[0].2;
    assert_eq!(post(&node, name, &sign(now(), body), body).status, 200);
    assert_eq!(calls(&node, name), 1);
    let record = node.records(1).into_iter().find(|it| it["caller"] == "trigger:github");
    let record = node.ok(&["record", record.expect("one")["id"].as_str().expect("an id")]);
    assert!(record.contains("email at body:/sender/email: token (1)"), "{record}");
    assert!(!record.contains("ada@example.com"), "{record}");
}
