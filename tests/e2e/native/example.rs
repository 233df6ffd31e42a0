//! The example `examples/checkout`, as it lies in the repository: what its README says is seen where.

use super::place::{Place, Who};
use crate::rig::{repository, request};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

const CARD: &str = "4111111111111111";
const EMAIL: &str = "ada.lovelace@example.com";
const NOTE: &str = "5555 5555 5555 4444";

/// The example's payment service on a free port.
struct Payments {
    child: Child,
    said: BufReader<ChildStdout>,
    address: String,
}

impl Payments {
    fn start() -> Self {
        let program = repository().join("examples/checkout/payments.py");
        let mut command = Command::new("python3");
        command.arg(program).arg("0").stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3");
        let said = BufReader::new(child.stdout.take().expect("piped"));
        let mut payments = Self { child, said, address: String::new() };
        payments.address = payments.line();
        payments
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("a line");
        line.trim().to_owned()
    }
}

impl Drop for Payments {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

fn file(name: &str) -> String {
    let path = repository().join("examples/checkout").join(name);
    std::fs::read_to_string(path).expect(name)
}

#[test]
fn the_checkout_of_the_examples_does_what_its_readme_says() {
    let mut payments = Payments::start();
    let place = Place::open_beside(Who::Root, &file("node.toml"), &[]);
    place.write("app/checkout.py", &file("app/checkout.py"));
    let address = payments.address.clone();
    let own = |text: String| text.replace("http://127.0.0.1:9099", &address);
    place.write("casemate.toml", &own(file("casemate.toml")));
    let manifest = place.source("casemate.toml");
    place.node.ok(&["deploy", manifest.to_str().expect("text"), "--grant"]);
    place.node.ok(&["grant", "public", "invoke", "checkout"]);

    let order = file("request.json");
    for value in [CARD, EMAIL, NOTE] {
        assert!(order.contains(value), "the request has `{value}`");
    }
    let reply = request(place.node.gateway, "POST", "/checkout", None, order.as_bytes());
    let record = place.node.ended(&reply);
    let log = place.log(&reply);
    assert_eq!(reply.status, 200, "{}\n{record}\n{log}", reply.text());
    let said: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");

    // The function has something else for the card and the address, and the note as it came.
    let card = said["card"].as_str().expect("a number");
    assert!(card.starts_with("411111") && card.ends_with("1111") && card != CARD, "{said}");
    assert_eq!(card.len(), CARD.len());
    assert!(said["email"].as_str().expect("a token").starts_with("tok_email_1_"), "{said}");
    assert_eq!(said["note"], format!("my old card was {}", "*".repeat(NOTE.len())));
    assert!(reply.header("casemate-masked").is_some(), "the note was covered");

    let charged = payments.line();
    assert!(charged.contains(&format!(r#"{{"number": "{CARD}"}}"#)), "{charged}");
    assert!(!charged.contains("tok_") && !charged.contains(NOTE), "{charged}");
    assert!(
        log.contains(&format!("paid: {{\"id\": \"ch-1\", \"card\": \"{}\"}}", "*".repeat(16))),
        "{log}"
    );
    assert!(log.contains(card) && log.contains("my old card was ****"), "{log}");

    let id = reply.header("casemate-invocation").expect("an id");
    let shown = place.node.ok(&["record", id]);
    for part in [
        "pan at body:/card/number: card (1)",
        "email at body:/email: token (1)",
        "pan in reply: masked (1)",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
        assert!(file("README.md").contains(part), "the README says `{part}`");
    }
    let map = place.node.json(&["data", "map"]);
    assert_eq!(map["reveals"][0]["purpose"], "payment", "{map}");
    let all = [reply.text(), log, shown, map.to_string(), place.node.said()].concat();
    for value in [CARD, EMAIL, NOTE] {
        assert!(!all.contains(value), "`{value}` is seen: {all}");
    }

    // The command that the README names takes the payment away.
    let readme = own(file("README.md"));
    let target = readme.split("data-reveal \"").nth(1).and_then(|it| it.split('"').next());
    let target = target.expect("the command");
    place.node.ok(&["revoke", "function:checkout", "data-reveal", target]);
    let reply = request(place.node.gateway, "POST", "/checkout", None, order.as_bytes());
    assert!(reply.status >= 500, "the payment is refused: {}", reply.text());
    let log = place.log(&reply);
    assert!(!log.contains(CARD), "{log}");
}
