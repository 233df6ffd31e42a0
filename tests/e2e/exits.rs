//! Data that nobody labelled, on its way into a function and out of it; and values that come back
//! for those who may see them.

use crate::issuers::{self, Issuer};
use crate::rig::{Node, Reply, example, raw};
use serde_json::{Value, json};
use std::path::Path;

const MAIL: &str = "ada.lovelace@example.com";
const IBAN: &str = "DE89370400440532013000";
const CARD: &str = "4111 1111 1111 1111";

fn deploy(node: &Node, auth: &str, data: &str) {
    let manifest = format!(
        "manifest = 1\napplication = \"desk\"\n\n[[function]]\nname = \"desk\"\nsource = \"f.wasm\"\n\n\
         [[function.http]]\nroute = \"POST /desk\"\nauth = \"{auth}\"\n\n{data}"
    );
    let output = node.deploy_manifest(&manifest, &[("f.wasm", &example("echo"))]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn post(node: &Node, fields: &str, body: &str) -> Reply {
    let text = format!(
        "POST /desk HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n{fields}connection: close\r\n\r\n{body}",
        body.len()
    );
    raw(node.gateway, text.as_bytes())
}

fn home_holds(node: &Node, text: &str) -> bool {
    fn walk(directory: &Path, text: &[u8]) -> bool {
        std::fs::read_dir(directory).expect("a directory").any(|entry| {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => walk(&path, text),
                false => std::fs::read(&path)
                    .is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text)),
            }
        })
    }
    walk(node.home(), text.as_bytes())
}

#[test]
fn what_nobody_labelled_is_counted_covered_or_kept_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("node.toml");
    std::fs::write(&config, "[data]\nobserve = true\n\n[data.out]\niban = \"block\"\n")
        .expect("written");
    let node = Node::start_with(&["--config", config.to_str().expect("text")]);
    deploy(
        &node,
        "public",
        "[function.data.out]\npan = \"mask\"\niban = \"mask\"\n\n[function.data.unnamed]\nphone = \"refuse\"\nemail = \"token\"\n",
    );
    node.ok(&["grant", "public", "invoke", "desk"]);
    let text = "content-type: text/plain\r\n";

    let reply = post(&node, text, &format!("mail {MAIL} and pay card={CARD} now"));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let said = reply.text();
    assert!(said.starts_with("mail tok_email_1_"), "{said}");
    assert!(said.ends_with(" and pay card=******************* now"), "{said}");
    let id = reply.header("casemate-invocation").expect("an id").to_owned();
    assert_eq!(reply.header("casemate-masked"), Some(id.as_str()));
    let record = node.record_of(&id, "ok", true).to_string();
    for part in
        ["email in intake: token (1)", "pan in intake: observed (1)", "pan in reply: masked (1)"]
    {
        assert!(record.contains(part), "{part}: {record}");
    }

    // The operator's word is stricter than the manifest's.
    let reply = post(&node, text, &format!("iban {IBAN}"));
    assert_eq!((reply.status, reply.code().as_str()), (502, "E0315"), "{}", reply.text());
    let reply = post(&node, text, "Phone: +44 20 7946 0958");
    assert_eq!((reply.status, reply.code().as_str()), (422, "E0318"), "{}", reply.text());
    // What cannot be looked through comes neither in nor out.
    let reply = post(&node, "content-type: image/png\r\n", "x");
    assert_eq!((reply.status, reply.code().as_str()), (415, "E0311"), "{}", reply.text());
    deploy(&node, "public", "[function.data.out]\npan = \"mask\"\n");
    let reply = post(&node, "content-type: image/png\r\n", "x");
    assert_eq!((reply.status, reply.code().as_str()), (502, "E0317"), "{}", reply.text());

    let map = node.json(&["data", "map"]);
    let found = map["found"].as_array().expect("a list");
    let of = |class: &str, at: &str| {
        let one = found.iter().find(|it| it["class"] == class && it["at"] == at);
        one.unwrap_or_else(|| panic!("{class} in {at}: {map}")).clone()
    };
    assert_eq!(of("pan", "reply")["became"], "masked");
    assert_eq!(of("iban", "reply")["became"], "blocked");
    assert!(node.ok(&["data", "map"]).contains("BECAME"));
    let told = [node.ok(&["records", "-n", "100", "--format", "json"]), node.said()].concat();
    for value in [MAIL, IBAN, CARD] {
        assert!(!told.contains(value), "`{value}` stands in a record or the node's log");
        assert!(!home_holds(&node, value), "`{value}` lies in the node's home");
    }
}

const DESK: &str = r#"
[[function.data.in]]
at = "body:/email"
class = "email"
transform = "token"

[[function.data.reveal]]
class = "email"
to = "reply"
purpose = "support"
at = ["body:/email"]
claims = { role = "support" }
"#;

#[test]
fn values_come_back_for_callers_whose_claims_allow_it_and_for_operators_with_a_purpose() {
    let dir = tempfile::tempdir().expect("a directory");
    let issuer = Issuer::new();
    let node = issuers::node(dir.path(), &issuer, "");
    deploy(&node, "jwt:shop", DESK);
    node.ok(&["grant", "jwt:shop", "invoke", "desk"]);
    let ask = |role: &str, body: &str| {
        let token = issuer.token("ada", &json!({ "role": role }));
        let fields = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
        let reply = post(&node, &fields, body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let said: Value = serde_json::from_slice(&reply.body).expect("JSON");
        let email = said["email"].as_str().expect("text").to_owned();
        (email, reply.header("casemate-invocation").expect("an id").to_owned())
    };
    let body = format!(r#"{{"email":"{MAIL}","n":1.50}}"#);
    let (made, _) = ask("user", &body);
    assert!(made.starts_with("tok_email_1_"), "{made}");
    let stored = format!(r#"{{"email":"{made}"}}"#);

    // Asked for in the manifest and claimed by the caller, and not granted yet.
    let (seen, id) = ask("support", &stored);
    assert_eq!(seen, made);
    assert!(node.lines_of(&id).iter().any(|line| line.to_string().contains("E0312")));
    node.ok(&["grant", "function:desk", "data-reveal", "email for reply as support"]);
    assert_eq!(ask("user", &stored).0, made, "the claim is missing");
    let (seen, id) = ask("support", &stored);
    assert_eq!(seen, MAIL);
    let record = node.record_of(&id, "ok", true).to_string();
    assert!(record.contains("email for reply as support (1)"), "{record}");
    let map = node.json(&["data", "map"]);
    let reveal = map["reveals"].as_array().expect("a list").iter().find(|it| it["to"] == "reply");
    assert_eq!(reveal.expect("one")["values"], 1, "{map}");

    let back = node.ok(&["data", "reveal", "--class", "email", "--purpose", "complaint 12", &made]);
    assert_eq!(back.trim(), MAIL);
    let entry = node.ok(&["ledger", "show"]);
    assert!(entry.contains("data reveal email for complaint 12: 1 value(s)"), "{entry}");
    let (code, said) = node.fails(&["data", "reveal", "--class", "pan", "--purpose", "x", &made]);
    assert!(code != 0 && said.contains("E0305"), "{said}");
    let (_, said) = node.fails(&["data", "reveal", "--class", "email", "--purpose", " ", &made]);
    assert!(said.contains("E0319"), "{said}");
    let told = [node.ok(&["records", "-n", "100", "--format", "json"]), node.said()].concat();
    assert!(!told.contains(MAIL) && !home_holds(&node, MAIL), "the value lies somewhere");
}
