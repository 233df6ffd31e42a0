//! A checkout whose function was taken over: it says all that it can reach, to everybody whom it
//! can reach. The card's number is in none of it, and the payment service gets it.

use crate::outside::{answer, requests};
use crate::rig::{Node, PATIENCE, Reply, guest};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

const CARD: &str = "4111111111111111";
const GROUPED: &str = "4111 1111 1111 1111";
const EMAIL: &str = "ada.lovelace@example.com";

/// A node, the payment service and a place where nothing may go.
struct Shop {
    node: Node,
    dir: tempfile::TempDir,
    psp: (SocketAddr, Receiver<(String, Vec<u8>)>),
    elsewhere: (SocketAddr, Receiver<(String, Vec<u8>)>),
}

impl Shop {
    fn open() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("casemate.conf");
        std::fs::write(&file, "[outbound]\nnetworks = [\"127.0.0.0/8\"]\n").expect("written");
        let node = Node::start_with(&["--config", file.to_str().expect("text")]);
        // It says in its answer what it was sent, as some services do.
        let psp = requests(|_, body| answer(200, &String::from_utf8_lossy(body)));
        let elsewhere = requests(|_, _| answer(200, "thanks"));
        Self { node, dir, psp, elsewhere }
    }

    /// The manifest of the function `shop`; `more` stands at its end.
    fn manifest(&self, more: &str) -> PathBuf {
        std::fs::copy(guest("grabber"), self.dir.path().join("m.wasm")).expect("copied");
        let (psp, elsewhere) = (self.psp.0, self.elsewhere.0);
        let text = format!(
            r#"manifest = 1
application = "shop"

[[function]]
name = "shop"
source = "m.wasm"

[[function.http]]
route = "POST /checkout"
auth = "public"

[function.environment]
PSP = "http://{psp}/v1/charges"
ELSEWHERE = "http://{elsewhere}/drop"

[function.allow]
http = ["POST http://{psp}/*", "POST http://{elsewhere}/*"]
keyvalue = {{ default = "read-write" }}

[[function.data.in]]
at = "body:/card/number"
class = "pan"
transform = "card"
keep_first = 6
keep_last = 4

[[function.data.in]]
at = "body:/email"
class = "email"
transform = "token"

[[function.data.in]]
at = "query:mail"
class = "email"
transform = "token"

[[function.data.in]]
at = "header:x-customer"
class = "email"
transform = "token"

[[function.data.reveal]]
class = "pan"
to = "http://{psp}/v1"
purpose = "payment"
at = ["body:/card/number"]
{more}"#
        );
        let file = self.dir.path().join("casemate.toml");
        std::fs::write(&file, text).expect("written");
        file
    }

    fn deploy(&self, more: &str) {
        let file = self.manifest(more);
        self.node.ok(&["deploy", file.to_str().expect("text"), "--grant"]);
        self.node.ok(&["grant", "public", "invoke", "shop"]);
    }

    fn post(&self, path: &str, fields: &str, body: &str) -> Reply {
        let text = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n{fields}connection: close\r\n\r\n{body}",
            body.len()
        );
        crate::rig::raw(self.node.gateway, text.as_bytes())
    }

    /// Everything that the node says about itself, and every byte of its home.
    fn everything(&mut self) -> Vec<u8> {
        let node = &self.node;
        let mut all = [
            node.ok(&["records", "-n", "1000", "--format", "json"]),
            node.ok(&["logs", "-n", "1000", "--format", "json"]),
            node.ok(&["ledger", "show", "--format", "json"]),
            node.said(),
        ]
        .concat()
        .into_bytes();
        let home = node.home().to_owned();
        assert_eq!(self.node.stop(), Some(0));
        files(&home, &mut all);
        all
    }
}

fn files(directory: &Path, all: &mut Vec<u8>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, all);
        } else if let Ok(bytes) = std::fs::read(&path) {
            all.extend(bytes);
        }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_checkout_that_was_taken_over_has_no_card_to_give_away() {
    let mut shop = Shop::open();
    shop.deploy("");
    let body = format!(
        r#"{{"card":{{"number":"{CARD}","holder":"A"}},"email":"{EMAIL}","note":"my card is {GROUPED}"}}"#
    );
    let fields = format!("content-type: application/json\r\nx-customer: {EMAIL}\r\n");
    // The note is named by nothing, so the function sees it. It cannot get it out.
    let reply = shop.post(&format!("/checkout?mail={EMAIL}"), &fields, &body);
    let loot = reply.text();
    assert_eq!(reply.status, 200, "{loot}");
    let (_, paid) = shop.psp.1.recv_timeout(PATIENCE).expect("a payment");
    let paid: serde_json::Value = serde_json::from_slice(&paid).expect("JSON");
    assert_eq!(paid["card"]["number"], CARD);
    assert!(paid["email"].as_str().expect("text").starts_with("tok_email_"), "{paid}");

    assert!(loot.contains("tok_email_") && loot.contains("memory 411111"), "{loot}");
    assert!(loot.contains("casemate-labels: email.token,pan.card"), "{loot}");
    assert!(!loot.contains(CARD) && !loot.contains(GROUPED) && !loot.contains(EMAIL), "{loot}");
    let id = reply.header("casemate-invocation").expect("an id").to_owned();
    assert_eq!(reply.header("casemate-masked"), Some(id.as_str()), "the note was covered");
    // At most a connection was opened: not a byte went over it.
    let gone = shop.elsewhere.1.try_recv().unwrap_or_default();
    assert_eq!(gone, Default::default(), "what holds a card goes nowhere else");

    let record = shop.node.record_of(&id, "ok", true);
    let text = record.to_string();
    for part in
        ["data.protect", "pan at body:/card/number: card (1)", "data.masked", "as payment (1)"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(record["labels"].to_string().contains("pan.card"), "{text}");
    let map = shop.node.json(&["data", "map"]);
    let reveal = &map["reveals"][0];
    let psp = format!("http://{}", shop.psp.0);
    assert_eq!((&reveal["class"], &reveal["to"]), (&"pan".into(), &psp.as_str().into()), "{map}");
    assert_eq!((&reveal["purpose"], &reveal["values"]), (&"payment".into(), &1.into()), "{map}");
    let flows = map["flows"].to_string();
    for kind in ["trigger", "store", "host"] {
        assert!(flows.contains(kind) && flows.contains("pan.card"), "{flows}");
    }
    assert!(shop.node.ok(&["data", "map", "--svg"]).contains("pan.card (1)"));
    let everything = shop.everything();
    assert!(holds(&everything, "data.reveal") && holds(&everything, "E0313"));
    for value in [CARD, GROUPED, EMAIL] {
        assert!(!holds(&everything, value), "`{value}` lies somewhere in the node's home or words");
    }
}
