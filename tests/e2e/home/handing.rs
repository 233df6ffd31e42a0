//! Keys of classes go from one home to another, and what stands for values is known in both.

use super::key::text;
use crate::rig::{Node, casemate, guest};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const MAIL: &str = "ada.lovelace@example.com";
const OTHER: &str = "grace.hopper@example.com";
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
"#;

const CONTRACT: &str = r#"
[[field]]
at = "csv:card"
class = "pan"
transform = "card"

[[field]]
at = "csv:email"
class = "email"
transform = "token"
"#;

fn deployed() -> Node {
    let node = Node::start();
    let output = node.deploy_manifest(MANIFEST, &[("stateful.wasm", &guest("stateful"))]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    node.ok(&["grant", "function:one", "keyvalue", "read-write default"]);
    node
}

/// Has the function keep a value, and gives what it kept.
fn keep(node: &Node, key: &str, value: &str) -> String {
    let says =
        |target: &str| node.ok(&["invoke", "one", "--path", &format!("/one/draft/{target}")]);
    assert_eq!(says(&format!("set?store=default&key={key}&value={value}")), "set");
    says(&format!("get?store=default&key={key}"))
}

const REVEAL: [&str; 6] = ["data", "reveal", "--class", "email", "--purpose", "complaint 12"];

fn reveals(node: &Node, token: &str) -> String {
    node.ok(&[&REVEAL[..], &[token]].concat()).trim().to_owned()
}

fn refuses(node: &Node, token: &str) -> String {
    node.fails(&[&REVEAL[..], &[token]].concat()).1
}

fn public(node: &Node) -> String {
    node.ok(&["key", "public"]).trim().to_owned()
}

/// Has one home seal keys for another. The file.
fn export(node: &Node, to: &str, file: PathBuf) -> PathBuf {
    let arguments = ["key", "export", "--class", "email", "--class", "pan", "--to", to, "--out"];
    let said = node.ok(&[&arguments[..], &[text(&file)]].concat());
    assert!(said.contains("ledger entry"), "{said}");
    file
}

fn import<'a>(file: &'a Path, from: &'a str) -> Vec<&'a str> {
    vec!["key", "import", text(file), "--from", from]
}

/// How many entries the ledger has.
fn size(node: &Node) -> usize {
    node.ok(&["ledger", "show", "-n", "100"]).lines().count()
}

/// Runs `casemate protect` with the keys of a home.
fn protect(home: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = casemate();
    command.arg("protect").arg("--home").arg(home).args(arguments);
    command.output().expect("the binary runs")
}

#[test]
fn tokens_of_one_home_are_revealed_in_another_that_was_handed_the_keys() {
    let dir = tempfile::tempdir().expect("a directory");
    let (first, mut second, third) = (deployed(), deployed(), deployed());
    let (theirs, before) = (keep(&first, "ada", MAIL), keep(&second, "ada", MAIL));
    assert!(theirs.starts_with("tok_email_1_") && before.starts_with("tok_email_1_"));
    assert_ne!(theirs, before, "each home has keys of its own");
    assert!(refuses(&second, &theirs).contains("E0305"));

    let (from, to) = (public(&first), public(&second));
    let file = export(&first, &to, dir.path().join("keys"));
    let bytes = fs::read_to_string(&file).expect("the file");
    assert!(bytes.contains(&from) && bytes.contains(&to) && !bytes.contains("email"), "{bytes}");
    let said = second.ok(&import(&file, &from));
    assert!(said.contains("took the keys of email, pan (ledger entry"), "{said}");
    assert_eq!(reveals(&second, &theirs), MAIL);
    assert_eq!(reveals(&second, &before), MAIL);
    // A token that comes in is known, and the own keys go on protecting.
    assert_eq!(keep(&second, "eve", &theirs), theirs);
    assert_eq!(keep(&second, "ada", MAIL), before);
    let entries = size(&second);
    assert!(second.ok(&import(&file, &from)).contains("nothing to take"));
    assert_eq!(size(&second), entries, "a file that comes again changes nothing");

    // With `--use`, equal values become equal in both homes; what was made before still comes back.
    second.ok(&[&import(&file, &from)[..], &["--use"]].concat());
    assert_eq!(keep(&second, "ada", MAIL), theirs);
    assert_eq!(keep(&second, "grace", OTHER), keep(&first, "grace", OTHER));
    assert_eq!(reveals(&second, &before), MAIL);

    // The keys stay over a rotation, a restart and a restored backup.
    second.ok(&["key", "rotate"]);
    second.ok(&["key", "rewrap", "--wait"]);
    let backup = dir.path().join("second.tar");
    second.ok(&["backup", text(&backup), "--include-root-key"]);
    assert_eq!(second.stop(), Some(0));
    let restored = dir.path().join("restored");
    let output = casemate().arg("restore").arg(&backup).arg("--home").arg(&restored).output();
    assert!(output.expect("the binary runs").status.success());
    let second = Node::start_on(&restored, &[]);
    assert_eq!(reveals(&second, &theirs), MAIL);
    assert_eq!(keep(&second, "ada", MAIL), theirs);

    let keys: Value = second.json(&["key", "status"]);
    let handed = keys["handed"].as_array().expect("a list");
    assert_eq!(handed.len(), 2, "{keys}");
    assert!(handed.iter().all(|key| key["used"] == true && key["from"] == from.as_str()));
    assert!(second.ok(&["key", "status"]).contains("protects, reveals"));
    let (out, back) = (first.ok(&["ledger", "show"]), second.ok(&["ledger", "show"]));
    assert!(out.contains(&format!("key export of email, pan for {to}")), "{out}");
    assert!(back.contains(&format!("key import of email, pan of default/main from {from}")));

    // A third home has neither the keys nor a way to take them.
    for token in [&theirs, &before] {
        assert!(refuses(&third, token).contains("E0305"));
    }
    assert!(third.fails(&import(&file, &from)).1.contains("E0340"));
    assert!(refuses(&third, &theirs).contains("E0305"));
    // Nor has the first what the second made with its own keys, until it is handed those.
    assert!(refuses(&first, &before).contains("E0305"));
    let reverse = export(&second, &from, dir.path().join("reverse"));
    first.ok(&import(&reverse, &to));
    assert_eq!(reveals(&first, &before), MAIL);
}

#[test]
fn a_file_with_keys_is_taken_from_who_was_named_for_what_was_named_and_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let (first, second, third) = (Node::start(), Node::start(), Node::start());
    let (from, to, foreign) = (public(&first), public(&second), public(&third));
    let file = export(&first, &to, dir.path().join("keys"));
    let entries = size(&second);
    let refused = |arguments: &[&str], code: &str| {
        let said = second.fails(arguments).1;
        assert!(said.contains(code), "{arguments:?}: {said}");
    };
    // Another sender, in what is said and in what the file says.
    refused(&import(&file, &foreign), "E0341");
    let forged = export(&third, &to, dir.path().join("forged"));
    refused(&import(&forged, &from), "E0341");
    let whole = fs::read_to_string(&file).expect("the file");
    let changed = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        path
    };
    let forged = fs::read_to_string(&forged).expect("the file").replace(&foreign, &from);
    refused(&import(&changed("as-first", &forged), &from), "E0334");
    // Cut off, changed, or another file.
    for (at, cut) in [0, 30, 200, whole.len() / 2, whole.len() - 1].into_iter().enumerate() {
        refused(&import(&changed(&format!("cut{at}"), &whole[..cut]), &from), "E0334");
    }
    let last = if whole.ends_with("0\n") { "1\n" } else { "0\n" };
    let flipped = format!("{}{last}", &whole[..whole.len() - 2]);
    refused(&import(&changed("flipped", &flipped), &from), "E0334");
    refused(&import(&changed("toml", "a = 1\n"), &from), "E0334");
    // No key, the own one, one digit less.
    refused(&import(&file, "ckx_00"), "E0344");
    refused(&import(&file, &to), "E0344");
    let out = dir.path().join("out");
    let to_nobody = |to: &str| {
        let arguments = ["key", "export", "--class", "email", "--to", to, "--out", text(&out)];
        first.fails(&arguments).1
    };
    assert!(to_nobody(&from).contains("E0344") && to_nobody(&to[..70]).contains("E0344"));
    assert!(!out.exists());
    // Another environment here is another receiver; one of another name there is to be meant.
    refused(&[&import(&file, &from)[..], &["--env", "test"]].concat(), "E0340");
    refused(&[&import(&file, &from)[..], &["--of", "shop/main"]].concat(), "E0342");
    let test = second.ok(&["key", "public", "--env", "test"]).trim().to_owned();
    let for_test = export(&first, &test, dir.path().join("for-test"));
    let here = [&import(&for_test, &from)[..], &["--env", "test"]].concat();
    refused(&here, "E0342");
    assert_eq!(size(&second), entries, "what is refused leaves no entry");
    second.ok(&[&here[..], &["--of", "default/main"]].concat());
    // A class goes on with the keys that it uses.
    second.ok(&[&import(&file, &from)[..], &["--use"]].concat());
    let other = export(&third, &to, dir.path().join("other"));
    let other = import(&other, &foreign);
    refused(&[&other[..], &["--use"]].concat(), "E0343");
    second.ok(&other);
}

#[test]
fn values_that_keep_their_format_come_back_where_the_keys_are() {
    let dir = tempfile::tempdir().expect("a directory");
    let (first, second) = (Node::start(), Node::start());
    let path = |name: &str| dir.path().join(name);
    fs::write(path("contract.toml"), CONTRACT).expect("written");
    let rows = "id,card,email\n1,4111111111111111,ada.lovelace@example.com\n";
    fs::write(path("rows.csv"), rows).expect("written");
    let (contract, plain, made) = (path("contract.toml"), path("rows.csv"), path("made.csv"));
    let names = ["--contract", text(&contract)];
    let output = protect(first.home(), &[&names[..], &[text(&plain), "-o", text(&made)]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let undo = |more: &[&str]| {
        let output = protect(second.home(), &[&names[..], &["--undo", text(&made)], more].concat());
        String::from_utf8_lossy(if output.status.success() {
            &output.stdout
        } else {
            &output.stderr
        })
        .into_owned()
    };
    assert!(undo(&[]).contains("E0305"), "{}", undo(&[]));
    let (from, to) = (public(&first), public(&second));
    assert!(undo(&["--keys-of", &from]).contains("E0344"));
    let file = export(&first, &to, path("keys"));
    second.ok(&import(&file, &from));
    // The token says whose it is when it is opened; a card does not.
    let own = undo(&[]);
    assert!(own.contains(MAIL) && !own.contains("4111111111111111"), "{own}");
    assert_eq!(undo(&["--keys-of", &from]), rows);
    second.ok(&[&import(&file, &from)[..], &["--use"]].concat());
    assert_eq!(undo(&[]), rows);
}
