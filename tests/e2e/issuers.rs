//! Tokens of an issuer: what they open, what guests learn of them, and what their keys do.

mod fetched;

use crate::rig::{Node, PATIENCE, Reply, guest, parse};
use crate::websockets::client::Wish;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Instant, SystemTime};

/// Somebody who gives out tokens.
pub(crate) struct Issuer {
    pkcs8: Vec<u8>,
    public: Value,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new()).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref()).expect("a key");
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": b64(x), "y": b64(y) });
        Self { pkcs8: pkcs8.as_ref().to_vec(), public }
    }

    fn key_set(&self) -> String {
        json!({ "keys": [self.public] }).to_string()
    }

    /// A token for `subject` that makes these claims beside the usual ones.
    pub(crate) fn token(&self, subject: &str, claims: &Value) -> String {
        let mut all = json!({
            "iss": "https://idp.example", "aud": ["casemate"], "sub": subject,
            "iat": seconds(), "exp": seconds() + 300,
        });
        for (name, value) in claims.as_object().expect("claims") {
            all[name] = value.clone();
        }
        let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, &all, &EncodingKey::from_ec_der(&self.pkcs8)).expect("a token")
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}

/// A node that knows the issuer `shop`, with more lines in its configuration.
pub(crate) fn node(dir: &Path, issuer: &Issuer, more: &str) -> Node {
    std::fs::write(dir.join("jwks.json"), issuer.key_set()).expect("written");
    let config = dir.join("node.toml");
    let text = format!(
        "{more}\n[[issuer]]\nname = \"shop\"\nissuer = \"https://idp.example\"\n\
         audience = [\"casemate\"]\nalgorithms = [\"ES256\"]\nkeys = \"jwks.json\"\n\
         claims = [\"role\"]\n"
    );
    std::fs::write(&config, text).expect("written");
    Node::start_on(&dir.join("home"), &["--config", config.to_str().expect("text")])
}

const MANIFEST: &str = r#"
manifest = 1
application = "shop"

[[function]]
name = "orders"
source = "f.wasm"

[[function.http]]
route = "GET /orders/{way}"
auth = "jwt:shop"

[[function.http]]
route = "GET /admin/{way}"
auth = "jwt:shop"
require = { claims = { role = "admin", scope = ["orders:write"] } }

[[function.http]]
route = "GET /elsewhere/{way}"
auth = "jwt:shop"
require = { network = ["10.0.0.0/8"] }

[[function.http]]
route = "GET /few/{way}"
auth = "jwt:shop"
limit = { rate = "2/1h" }

[[function.http]]
route = "GET /open/{way}"
auth = "public"

[[function.http]]
route = "GET /tokens/{way}"
"#;

fn deploy(node: &Node) {
    let output = node.deploy_manifest(MANIFEST, &[("f.wasm", &guest("misbehave"))]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn get(node: &Node, path: &str, authorization: &[&str]) -> Reply {
    let fields: String =
        authorization.iter().map(|value| format!("authorization: {value}\r\n")).collect();
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
         casemate-claims: e30\r\ncasemate-caller: operator\r\n{fields}\r\n"
    );
    parse(&crate::rig::exchange(node.gateway, head.as_bytes()))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[test]
fn a_token_of_an_issuer_opens_what_was_granted_and_is_recorded_by_its_subject() {
    let (dir, issuer) = (tempfile::tempdir().expect("a directory"), Issuer::new());
    let node = node(dir.path(), &issuer, "");
    deploy(&node);
    let token = bearer(&issuer.token("alice", &json!({ "role": "user", "email": "a@b" })));
    let shown = |path: &str| get(&node, path, &[&token]);
    // Nothing is granted: as if there were nothing.
    assert_eq!(shown("/orders/request").code(), "E0706");
    node.ok(&["grant", "jwt:shop/alice", "invoke", "orders"]);
    let reply = shown("/orders/request");
    assert_eq!(reply.status, 200, "{reply:?}");
    let text = reply.text();
    assert!(text.contains("casemate-caller: jwt:shop/alice\n"), "{text}");
    let claims = URL_SAFE_NO_PAD.encode(r#"{"role":"user"}"#);
    assert!(text.contains(&format!("casemate-claims: {claims}\n")), "{text}");
    assert_eq!(text.matches("casemate-claims").count(), 1, "a client's own is removed: {text}");
    assert!(!text.contains("authorization"), "the token stays with the platform: {text}");
    let record = node.ended(&reply);
    assert_eq!(record["caller"], "jwt:shop/alice");
    // Another subject was granted nothing, until everybody was.
    let bob = bearer(&issuer.token("bob", &json!({})));
    assert_eq!(get(&node, "/orders/list", &[&bob]).status, 404);
    node.ok(&["grant", "jwt:shop", "invoke", "orders"]);
    assert_eq!(get(&node, "/orders/list", &[&bob]).status, 200);
    node.records(3);
    let mine = node.json(&["records", "--caller", "jwt:shop/alice"]);
    let mine = mine["items"].as_array().expect("a list");
    assert!(!mine.is_empty() && mine.iter().all(|it| it["caller"] == "jwt:shop/alice"), "{mine:?}");
    let grants = node.ok(&["grants"]);
    assert!(grants.contains("jwt:shop/alice") && grants.contains("jwt:shop "), "{grants}");
    node.ok(&["revoke", "jwt:shop", "invoke", "orders"]);
    assert_eq!(get(&node, "/orders/list", &[&bob]).status, 404);
    assert_eq!(shown("/orders/list").status, 200);
}

#[test]
fn who_shows_no_valid_token_learns_nothing() {
    let (dir, issuer) = (tempfile::tempdir().expect("a directory"), Issuer::new());
    let node = node(dir.path(), &issuer, "log = \"debug\"");
    deploy(&node);
    node.ok(&["grant", "jwt:shop", "invoke", "orders"]);
    let good = issuer.token("alice", &json!({}));
    let expired = issuer.token("alice", &json!({ "exp": seconds() - 31 }));
    let other = Issuer::new().token("alice", &json!({}));
    let audience = issuer.token("alice", &json!({ "aud": "elsewhere" }));
    let basic = "Basic dTpw".to_owned();
    let shape = |reply: &Reply| {
        let lines = reply.head.lines().filter(|line| !line.starts_with("date:"));
        (lines.collect::<Vec<_>>().join("\n"), reply.text())
    };
    let stranger = shape(&get(&node, "/nowhere", &[]));
    assert!(stranger.0.starts_with("HTTP/1.1 401"), "{stranger:?}");
    assert!(stranger.0.contains("www-authenticate: Bearer realm=\"casemate\""), "{stranger:?}");
    for shown in [bearer(&expired), bearer(&other), bearer(&audience), bearer("x"), basic] {
        for path in ["/orders/list", "/admin/list", "/few/list", "/tokens/list", "/nowhere"] {
            assert_eq!(shape(&get(&node, path, &[&shown])), stranger, "{path} {shown}");
        }
    }
    assert_eq!(shape(&get(&node, "/orders/list", &[&bearer(&good), &bearer(&good)])), stranger);
    // A valid one sees the same wherever it may not go, also where it is not asked for.
    let missing = shape(&get(&node, "/nowhere", &[&bearer(&good)]));
    assert!(missing.0.starts_with("HTTP/1.1 404"), "{missing:?}");
    for path in ["/admin/list", "/elsewhere/list", "/tokens/list"] {
        assert_eq!(shape(&get(&node, path, &[&bearer(&good)])), missing, "{path}");
    }
    // And an API token is none for these routes.
    let ours = node.ok(&["token", "create", "ci", "--invoke", "orders"]);
    let ours = bearer(ours.trim());
    assert_eq!(shape(&get(&node, "/orders/list", &[&ours])), missing);
    assert_eq!(get(&node, "/tokens/list", &[&ours]).status, 200);
    // The reasons are the operator's, and tokens are nobody's.
    let log = node.said();
    for why in ["it has expired", "another audience", "no key of the issuer"] {
        assert!(log.contains(why), "{why} is not in {log}");
    }
    for token in [&good, &expired, &other, &audience] {
        let (message, signature) = token.rsplit_once('.').expect("three parts");
        assert!(!log.contains(message) && !log.contains(signature), "{log}");
    }
}

#[test]
fn a_route_requires_claims_networks_and_a_pace() {
    let (dir, issuer) = (tempfile::tempdir().expect("a directory"), Issuer::new());
    let node = node(dir.path(), &issuer, "");
    deploy(&node);
    node.ok(&["grant", "jwt:shop", "invoke", "orders"]);
    let status = |path: &str, claims: &Value| {
        get(&node, path, &[&bearer(&issuer.token("alice", claims))]).status
    };
    let good = json!({ "role": ["user", "admin"], "scope": "orders:read orders:write" });
    assert_eq!(status("/admin/list", &good), 200);
    for bad in [
        json!({}),
        json!({ "role": "admin" }),
        json!({ "role": "admin", "scope": "orders:writes" }),
        json!({ "role": { "admin": true }, "scope": "orders:write" }),
    ] {
        assert_eq!(status("/admin/list", &bad), 404, "{bad}");
    }
    let denied = node.records(5).into_iter().find(|record| record["outcome"] == "denied");
    let reason = denied.expect("a denial")["reason"].as_str().expect("text").to_owned();
    assert!(reason.contains("the route requires the claim"), "{reason}");
    assert_eq!(status("/elsewhere/list", &good), 404, "we come from 127.0.0.1");
    assert_eq!((status("/few/list", &good), status("/few/list", &good)), (200, 200));
    let token = bearer(&issuer.token("alice", &good));
    let limited = get(&node, "/few/list", &[&token]);
    assert_eq!((limited.status, limited.code().as_str()), (429, "E1002"));
    let wait: u32 = limited.header("retry-after").expect("a time").parse().expect("seconds");
    assert!((1000..=1800).contains(&wait), "{wait}");
    let bob = bearer(&issuer.token("bob", &good));
    assert_eq!(
        get(&node, "/few/list", &[&bob]).status,
        200,
        "another caller has a pace of its own"
    );
}

#[test]
fn a_token_is_the_guests_where_the_route_does_not_ask_for_one() {
    let (dir, issuer) = (tempfile::tempdir().expect("a directory"), Issuer::new());
    let node = node(dir.path(), &issuer, "");
    deploy(&node);
    node.ok(&["grant", "public", "invoke", "orders"]);
    let token = bearer(&issuer.token("alice", &json!({ "role": "user" })));
    let text = get(&node, "/open/request", &[&token]).text();
    assert!(text.contains(&token) && text.contains("casemate-caller: anonymous\n"), "{text}");
    assert!(!text.contains("casemate-claims"), "{text}");
    // What is public opens no route that asks for a credential.
    assert_eq!(get(&node, "/orders/list", &[]).status, 401);
    assert_eq!(get(&node, "/tokens/list", &[]).status, 401);
    assert_eq!(get(&node, "/orders/list", &[&token]).status, 200);
}

#[test]
fn new_keys_are_taken_while_the_node_runs_and_bad_ones_are_not() {
    let (dir, issuer) = (tempfile::tempdir().expect("a directory"), Issuer::new());
    let node = node(dir.path(), &issuer, "");
    deploy(&node);
    node.ok(&["grant", "jwt:shop", "invoke", "orders"]);
    let (next, file) = (Issuer::new(), dir.path().join("jwks.json"));
    let old_token = bearer(&issuer.token("alice", &json!({})));
    let new_token = bearer(&next.token("alice", &json!({})));
    let until = |what: &str, done: &dyn Fn() -> bool| {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            assert!(Instant::now() < deadline, "{what}");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    };
    std::fs::write(&file, "{ not a key set").expect("written");
    until("nobody hears of it", &|| node.said().contains("E0812"));
    assert_eq!(get(&node, "/orders/list", &[&old_token]).status, 200, "the old keys stay");
    // As a careful program does it: beside, and then into its place.
    std::fs::write(dir.path().join("next"), next.key_set()).expect("written");
    std::fs::rename(dir.path().join("next"), &file).expect("renamed");
    until("the old token is still taken", &|| {
        get(&node, "/orders/list", &[&old_token]).status == 401
    });
    assert_eq!(get(&node, "/orders/list", &[&new_token]).status, 200);
    let said = node.said();
    assert!(!said.contains(&issuer.token("alice", &json!({}))[..40]), "a token in the log");
}

#[test]
fn an_issuer_that_the_node_does_not_know_is_refused_with_those_that_it_knows() {
    let (dir, issuer) = (tempfile::tempdir().expect("a directory"), Issuer::new());
    let node = node(dir.path(), &issuer, "");
    let manifest = MANIFEST.replace("jwt:shop", "jwt:shpo");
    let output = node.deploy_manifest(&manifest, &[("f.wasm", &guest("misbehave"))]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    for part in ["E0810", "`orders`", "`jwt:shpo`", "`jwt:shop`"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    deploy(&node);
    let (_, said) = node.fails(&["grant", "jwt:corp/alice", "invoke", "orders"]);
    assert!(said.contains("E0810") && said.contains("`jwt:shop`"), "{said}");
}

#[test]
fn wrong_credentials_make_the_next_one_wait_and_those_that_work_go_on() {
    let (dir, issuer) = (tempfile::tempdir().expect("a directory"), Issuer::new());
    let node = node(dir.path(), &issuer, "[limit]\nfailures = \"5/1h\"\n");
    deploy(&node);
    node.ok(&["grant", "jwt:shop", "invoke", "orders"]);
    let warm = bearer(&issuer.token("alice", &json!({})));
    let ours = node.ok(&["token", "create", "ci", "--invoke", "orders"]);
    let ours = bearer(ours.trim());
    assert_eq!(get(&node, "/orders/list", &[&warm]).status, 200);
    assert_eq!(get(&node, "/tokens/list", &[&ours]).status, 200);
    let wrong = bearer(&Issuer::new().token("alice", &json!({})));
    for path in ["/orders/list", "/nowhere", "/tokens/list", "/orders/list", "/nowhere"] {
        assert_eq!(get(&node, path, &[&wrong]).status, 401, "{path}");
    }
    let mut last = 0;
    for path in ["/orders/list", "/nowhere", "/tokens/list"] {
        let refused = get(&node, path, &[&wrong]);
        assert_eq!((refused.status, refused.code().as_str()), (429, "E1003"), "{path}");
        let wait: u64 = refused.header("retry-after").expect("a time").parse().expect("seconds");
        assert!(wait >= last, "{wait} after {last}");
        last = wait;
    }
    // A good one that nobody has seen waits as well; those that worked from here go on.
    let fresh = bearer(&issuer.token("bob", &json!({})));
    assert_eq!(get(&node, "/orders/list", &[&fresh]).status, 429);
    assert_eq!(get(&node, "/orders/list", &[&warm]).status, 200);
    assert_eq!(get(&node, "/tokens/list", &[&ours]).status, 200);
    assert_eq!(get(&node, "/nowhere", &[]).status, 401, "without a credential nothing changes");
}

#[test]
fn a_configuration_that_would_be_weak_does_not_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let issuer = Issuer::new();
    std::fs::write(dir.path().join("jwks.json"), issuer.key_set()).expect("written");
    let section = "[[issuer]]\nname = \"shop\"\nissuer = \"https://idp.example\"\n\
                   audience = [\"casemate\"]\nalgorithms = [\"ES256\"]\nkeys = \"jwks.json\"\n";
    for (from, to, code, part) in [
        ("ES256", "HS256", "E0811", "makes tokens as well"),
        ("[\"casemate\"]", "[]", "E0811", "audience"),
        ("jwks.json", "https://idp.example/keys", "E0811", "keys_url"),
        ("jwks.json", "missing.json", "E0812", "missing.json"),
        ("ES256", "RS256", "E0812", "no key for the algorithms RS256"),
    ] {
        let config = dir.path().join("node.toml");
        std::fs::write(&config, section.replace(from, to)).expect("written");
        let home = dir.path().join("home");
        let said = Node::try_start_on(&home, &["--config", config.to_str().expect("text")]);
        let said = said.err().unwrap_or_else(|| panic!("it started with {to}"));
        assert!(said.contains(code) && said.contains(part), "{said}");
    }
}

#[test]
fn a_websocket_ends_with_its_token() {
    let (dir, issuer) = (tempfile::tempdir().expect("a directory"), Issuer::new());
    let node = node(dir.path(), &issuer, "");
    let manifest = "manifest = 1\napplication = \"chat\"\n[[function]]\nname = \"chat\"\n\
                    source = \"echo.wasm\"\n[[function.http]]\nroute = \"GET /chat\"\n\
                    auth = \"jwt:shop\"\nwebsocket = true\n";
    let component = crate::rig::example("echo");
    let output = node.deploy_manifest(manifest, &[("echo.wasm", &component)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    node.ok(&["grant", "jwt:shop", "invoke", "chat"]);
    // Clocks may differ by half a minute: it is valid for some seconds yet.
    let token = issuer.token("alice", &json!({ "iat": seconds() - 60, "exp": seconds() - 24 }));
    let wish = Wish::new("/chat").with("authorization", &bearer(&token));
    let mut client = wish.open(node.gateway);
    client.send_text("before");
    assert_eq!(client.text(), "before");
    let deadline = Instant::now() + PATIENCE;
    while get(&node, "/chat", &[&bearer(&token)]).status != 401 {
        assert!(Instant::now() < deadline, "the token does not expire");
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    client.send_text("after");
    assert_eq!(client.goodbye(), Some(1008));
}
