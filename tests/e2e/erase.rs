//! Values of one person that are erased: in the stores, in copies of them, and in a copy of the salts.

use crate::rig::{Node, casemate, guest};
use std::path::Path;

const MAIL: &str = "ada.lovelace@example.com";
const MANIFEST: &str = r#"
manifest = 1
application = "desk"

[[function]]
name = "one"
source = "stateful.wasm"
[[function.http]]
route = "* /one/{*rest}"
[function.allow]
keyvalue = { default = "read-write" }
[[function.data.in]]
at = "query:value"
class = "email"
transform = "token"
erasable = true
subject = "query:key"
"#;

fn deployed() -> Node {
    let node = Node::start();
    let output = node.deploy_manifest(MANIFEST, &[("stateful.wasm", &guest("stateful"))]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    node.ok(&["grant", "function:one", "keyvalue", "read-write default"]);
    node
}

fn says(node: &Node, target: &str) -> String {
    node.ok(&["invoke", "one", "--path", &format!("/one/{target}")])
}

/// Has the function keep an address, and gives what it kept.
fn keep(node: &Node, who: &str) -> String {
    assert_eq!(says(node, &format!("draft/set?store=default&key={who}&value={MAIL}")), "set");
    kept(node, who)
}

fn kept(node: &Node, who: &str) -> String {
    says(node, &format!("draft/get?store=default&key={who}"))
}

const REVEAL: [&str; 6] = ["data", "reveal", "--class", "email", "--purpose", "complaint 12"];

fn reveals(node: &Node, token: &str) -> bool {
    let output = node.run(&[&REVEAL[..], &[token]].concat());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success() && said.trim() == MAIL
}

fn refuses(node: &Node, token: &str) -> String {
    node.fails(&[&REVEAL[..], &[token]].concat()).1
}

fn erase(node: &Node, who: &str) {
    let said = node.ok(&["data", "erase", "--class", "email", "--subject", who, "--yes"]);
    assert!(said.contains("ledger entry"), "{said}");
}

/// A node on a home that was made from a backup.
fn restored(backup: &Path, home: &Path) -> Node {
    let mut command = casemate();
    command.arg("restore").arg(backup).arg("--home").arg(home);
    let output = command.output().expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Node::start_on(home, &[])
}

#[test]
fn what_one_person_had_erased_is_gone_here_and_in_copies_of_the_stores() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = deployed();
    let (ann, ben) = (keep(&node, "customer-ann"), keep(&node, "customer-ben"));
    assert!(ann.starts_with("tok_email_1_") && ann != ben, "{ann} {ben}");
    assert!(reveals(&node, &ann) && reveals(&node, &ben));
    let (stores, all) = (dir.path().join("stores.tar"), dir.path().join("all.tar"));
    let backup = |file: &Path, more: &[&str]| {
        let own = ["backup", file.to_str().expect("text"), "--include-root-key"];
        node.ok(&[&own[..], more].concat());
    };
    backup(&stores, &[]);
    backup(&all, &["--include-salts"]);

    // Nobody is there to be asked.
    let ask = ["data", "erase", "--class", "email", "--subject", "customer-ann"];
    let (code, said) = node.fails(&ask);
    assert!(code == 64 && said.contains("--yes"), "{code} {said}");
    assert!(reveals(&node, &ann));
    erase(&node, "customer-ann");
    assert_eq!(kept(&node, "customer-ann"), ann, "the function's store is not touched");
    assert!(refuses(&node, &ann).contains("E0324"), "{}", refuses(&node, &ann));
    assert!(reveals(&node, &ben));
    let (_, said) = node.fails(&[&ask[..], &["--yes"]].concat());
    assert!(said.contains("E0325"), "{said}");
    let anew = keep(&node, "customer-ann");
    assert!(anew != ann && reveals(&node, &anew) && refuses(&node, &ann).contains("E0324"));

    let entries = node.ok(&["ledger", "show"]);
    assert!(entries.contains("data erase email of the subject"), "{entries}");
    let told = [node.ok(&["records", "-n", "100", "--format", "json"]), node.said(), entries];
    let salts = std::fs::read(node.home().join("salts.db")).expect("the salts");
    for text in ["customer-ann", "customer-ben", MAIL] {
        assert!(!told.concat().contains(text), "`{text}` stands in a record, a log or the ledger");
        assert!(!salts.windows(text.len()).any(|it| it == text.as_bytes()), "`{text}` lies there");
    }

    // What was copied before has no salts: nobody's values come back from it.
    let copy = restored(&stores, &dir.path().join("copy"));
    assert_eq!(kept(&copy, "customer-ann"), ann);
    for token in [&ann, &ben] {
        let said = refuses(&copy, token);
        assert!(said.contains("E0305"), "{said}");
    }
    // A copy of the salts is a way back, and has to be seen to.
    let copy = restored(&all, &dir.path().join("all"));
    assert!(reveals(&copy, &ann) && reveals(&copy, &ben));
    erase(&copy, "customer-ann");
    assert!(refuses(&copy, &ann).contains("E0324") && reveals(&copy, &ben));
}

#[test]
fn what_was_erased_stays_so_over_a_restart_and_a_kill() {
    let node = deployed();
    let (ann, ben) = (keep(&node, "ann"), keep(&node, "ben"));
    erase(&node, "ann");
    let dir = node.kill().expect("its directory");
    let node = Node::start_on(&dir.path().join("home"), &[]);
    assert!(refuses(&node, &ann).contains("E0324") && reveals(&node, &ben));
    // A value that nobody could erase later does not come in.
    let (_, said) = node.fails(&[
        "invoke",
        "one",
        "--path",
        &format!("/one/draft/set?store=default&value={MAIL}"),
    ]);
    assert!(said.contains("E0326") && !said.contains(MAIL), "{said}");
}
