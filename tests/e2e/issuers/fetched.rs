//! Keys that a node fetches: over HTTPS, from a server of the test's with an authority of its own.

use super::{Issuer, bearer, deploy, get};
use crate::certificates::client::Authority;
use crate::rig::{Node, PATIENCE};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// An HTTPS server that answers by path.
#[derive(Clone, Default)]
struct Source {
    pages: Arc<Mutex<Vec<(&'static str, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

fn page(status: &str, more: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n{body}"
    )
}

fn good(body: &str) -> String {
    page("200 OK", "cache-control: max-age=3600\r\n", body)
}

impl Source {
    fn serve(listener: TcpListener, authority: &Authority) -> Self {
        let (certificate, key) = authority.issue(&["127.0.0.1"]);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("pem")];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key);
        let config = Arc::new(config.expect("a certificate"));
        let source = Self::default();
        let own = source.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.expect("a connection");
                stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a session");
                own.answer(&mut StreamOwned::new(connection, stream));
            }
        });
        source
    }

    fn answer(&self, stream: &mut StreamOwned<ServerConnection, std::net::TcpStream>) {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let Some(path) = head.split(' ').nth(1) else { return };
        self.asked.lock().expect("whole").push(path.to_owned());
        let pages = self.pages.lock().expect("whole").clone();
        let found = pages.into_iter().find(|(known, _)| *known == path);
        let answer = found.map_or_else(|| page("404 Not Found", "", ""), |(_, answer)| answer);
        let _gone = stream.write_all(answer.as_bytes());
        stream.conn.send_close_notify();
        let _gone = stream.flush();
    }

    fn put(&self, path: &'static str, answer: String) {
        let mut pages = self.pages.lock().expect("whole");
        pages.retain(|(known, _)| *known != path);
        pages.push((path, answer));
    }

    fn asked(&self, path: &str) -> usize {
        self.asked.lock().expect("whole").iter().filter(|asked| *asked == path).count()
    }
}

fn port() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

fn section(name: &str, issuer: &str, keys: &str) -> String {
    format!(
        "[[issuer]]\nname = \"{name}\"\nissuer = \"{issuer}\"\naudience = [\"casemate\"]\n\
         algorithms = [\"ES256\"]\nclaims = [\"role\"]\n{keys}\n"
    )
}

/// A node that trusts the authority.
fn node(dir: &Path, authority: &Authority, sections: &str) -> Node {
    std::fs::write(dir.join("ca.pem"), &authority.pem).expect("written");
    let config = dir.join("node.toml");
    let outbound = "[outbound]\nauthorities = [\"ca.pem\"]\nsystem_authorities = false\n";
    std::fs::write(&config, format!("{outbound}{sections}")).expect("written");
    Node::start_on(&dir.join("home"), &["--config", config.to_str().expect("text")])
}

/// Opens this machine for keys, and for nothing else.
const LOCAL: &str = "keys_networks = [\"127.0.0.0/8\"]";

/// What the doctor says of an issuer.
fn finding(node: &Node, name: &str) -> (String, String) {
    let output = node.run(&["--format", "json", "doctor"]);
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let items = all["items"].as_array().or_else(|| all.as_array()).expect("a list").clone();
    let text = |one: &Value, key: &str| one[key].as_str().expect("text").to_owned();
    let mut ours = items.iter().filter(|one| one["check"] == "issuer");
    let found = ours.find(|one| text(one, "found").starts_with(&format!("{name}:")));
    let found = found.unwrap_or_else(|| panic!("{name} is not in {items:?}"));
    (text(found, "verdict"), text(found, "found"))
}

fn until(what: &str, mut look: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !look() {
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A token with this header.
fn token(issuer: &Issuer, iss: &str, header: &Header) -> String {
    let until = super::seconds() + 300;
    let claims = json!({ "iss": iss, "aud": "casemate", "sub": "alice", "exp": until });
    bearer(&encode(header, &claims, &EncodingKey::from_ec_der(&issuer.pkcs8)).expect("a token"))
}

fn named(id: &str) -> Header {
    Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::ES256) }
}

fn set(issuer: &Issuer, id: &str) -> String {
    let mut key = issuer.public.clone();
    key["kid"] = id.into();
    good(&json!({ "keys": [key] }).to_string())
}

#[test]
fn keys_are_discovered_over_https_and_a_new_one_is_found_when_a_token_needs_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let (authority, old, new) = (Authority::new(), Issuer::new(), Issuer::new());
    let (listener, address) = port();
    let source = Source::serve(listener, &authority);
    let iss = format!("https://{address}/realm");
    let uri = format!("https://{address}/keys");
    let document = json!({ "issuer": iss, "jwks_uri": uri }).to_string();
    source.put("/realm/.well-known/openid-configuration", good(&document));
    source.put("/keys", set(&old, "1"));
    source.put("/evil", set(&new, "evil"));
    let shop = section("shop", &iss, &format!("discover = true\n{LOCAL}"));
    let node = node(dir.path(), &authority, &shop);
    deploy(&node);
    node.ok(&["grant", "jwt:shop", "invoke", "orders"]);
    let status = |token: &str| get(&node, "/orders/list", &[token]).status;
    let known = token(&old, &iss, &named("1"));
    assert_eq!(status(&known), 200, "{}", node.said());
    assert_eq!((finding(&node, "shop").0.as_str(), source.asked("/keys")), ("ok", 1));
    // A token does not say where keys are.
    let evil = Header { jku: Some(format!("https://{address}/evil")), ..named("evil") };
    assert_eq!(status(&token(&new, &iss, &evil)), 401);
    assert_eq!(source.asked("/evil"), 0);
    source.put("/keys", set(&new, "2"));
    let fresh = token(&new, &iss, &named("2"));
    until("the new key is found", || status(&fresh) == 200);
    assert_eq!(status(&known), 401, "taken back");
    // What is known is asked for no more, and what is unknown seldom.
    let asked = source.asked("/keys");
    for _ in 0..20 {
        assert_eq!(status(&fresh), 200);
        assert_eq!(status(&known) / 100, 4);
    }
    assert!(source.asked("/keys") <= asked + 2, "{} after {asked}", source.asked("/keys"));
}

#[test]
fn a_node_starts_without_its_source_and_takes_tokens_when_it_answers() {
    let dir = tempfile::tempdir().expect("a directory");
    let (authority, issuer) = (Authority::new(), Issuer::new());
    let (listener, address) = port();
    drop(listener);
    let iss = "https://idp.example";
    let keys = format!("keys_url = \"https://{address}/keys?hidden\"\n{LOCAL}");
    let node = node(dir.path(), &authority, &section("shop", iss, &keys));
    deploy(&node);
    node.ok(&["grant", "jwt:shop", "invoke", "orders"]);
    let shown = token(&issuer, iss, &named("k"));
    assert_eq!(get(&node, "/orders/list", &[&shown]).status, 401);
    let (verdict, found) = finding(&node, "shop");
    assert_eq!(verdict, "problem");
    assert!(found.contains("refused") && !found.contains("hidden"), "{found}");
    assert!(node.said().contains("E0813"), "{}", node.said());
    // Others are not concerned.
    let ours = node.ok(&["token", "create", "ci", "--invoke", "orders"]);
    assert_eq!(get(&node, "/tokens/list", &[&bearer(ours.trim())]).status, 200);
    let source = Source::serve(TcpListener::bind(address).expect("still free"), &authority);
    source.put("/keys?hidden", set(&issuer, "k"));
    until("the keys are fetched", || get(&node, "/orders/list", &[&shown]).status == 200);
    until("the doctor is content", || finding(&node, "shop").0 == "ok");
}

#[test]
fn what_is_no_set_of_keys_from_where_it_should_be_is_refused_and_says_why() {
    let dir = tempfile::tempdir().expect("a directory");
    let (authority, issuer) = (Authority::new(), Issuer::new());
    let (listener, address) = port();
    let source = Source::serve(listener, &authority);
    let (stranger, elsewhere) = port();
    let _other = Source::serve(stranger, &Authority::new());
    let large = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(2 << 20));
    source.put("/large", good(&large));
    source.put("/html", good("<html>"));
    source.put("/moved", page("302 Found", "location: /keys\r\n", ""));
    source.put("/private", good("{\"keys\":[{\"kty\":\"EC\",\"d\":\"AQ\"}]}"));
    source.put("/keys", set(&issuer, "k"));
    let url = |path: &str| format!("keys_url = \"https://{address}/{path}\"\n");
    let all = [
        ("large", url("large") + LOCAL, "larger than it may be"),
        ("html", url("html") + LOCAL, "no JSON Web Key Set"),
        ("moved", url("moved") + LOCAL, "302"),
        ("none", url("none") + LOCAL, "404"),
        ("private", url("private") + LOCAL, "private key"),
        ("closed", url("keys"), "loopback"),
        ("stranger", format!("keys_url = \"https://{elsewhere}/keys\"\n{LOCAL}"), "certificate"),
    ];
    let sections: String =
        all.iter().map(|(name, keys, _)| section(name, &format!("https://{name}"), keys)).collect();
    let node = node(dir.path(), &authority, &sections);
    for (name, _, why) in &all {
        let (verdict, found) = finding(&node, name);
        assert_eq!(verdict, "problem", "{found}");
        assert!(found.contains(why), "{found:?} is not {why:?}");
    }
    assert_eq!(source.asked("/keys"), 0, "neither a redirect nor a closed network is followed");
}
