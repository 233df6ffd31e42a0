//! What comes in by forms with files and by tables, under a contract that the operator lays over
//! functions in the node's configuration.

use crate::rig::{Node, Reply, example, raw};

const CARD: &str = "4111111111111111";
const CONFIG: &str = r#"
[[data.in]]
at = "form:card"
class = "pan"
transform = "token"
functions = ["echo"]

[[data.in]]
at = "csv:card"
class = "pan"
transform = "token"
functions = ["echo"]
"#;

fn post(node: &Node, kind: &str, body: &str) -> Reply {
    let length = body.len();
    let text = format!(
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    raw(node.gateway, text.as_bytes())
}

fn part(rest: &str, value: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; {rest}\r\n\r\n{value}\r\n")
}

#[test]
fn forms_with_files_and_tables_pass_the_operators_contract() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("text").to_owned()
    };
    let node = Node::start_with(&["--config", &write("casemate.conf", CONFIG)]);
    std::fs::copy(example("echo"), dir.path().join("echo.wasm")).expect("copied");
    let manifest = |data: &str| {
        let text = format!(
            "manifest = 1\napplication = \"a\"\n[[function]]\nname = \"echo\"\n\
             source = \"echo.wasm\"\nhttp = [{{ route = \"* /echo\", auth = \"public\" }}]\n{data}"
        );
        write("casemate.toml", &text)
    };
    let field = |at: &str, transform: &str| {
        format!(
            "[[function.data.in]]\nat = \"{at}\"\nclass = \"pan\"\ntransform = \"{transform}\"\n"
        )
    };
    let weaker = manifest(&field("form:card", "mask"));
    let (_, said) = node.fails(&["deploy", &weaker, "--grant"]);
    assert!(said.contains("E0329") && said.contains("form:card"), "{said}");
    let own = format!("[function.data]\nfiles = [\"photo\"]\n{}", field("form:old", "token"));
    node.ok(&["deploy", &manifest(&own), "--grant"]);
    node.ok(&["grant", "public", "invoke", "echo"]);

    let photo = part("name=\"photo\"; filename=\"a.png\"", "\u{1}\u{2}--\r\n");
    let body =
        format!("{}{}{photo}--b--\r\n", part("name=\"card\"", CARD), part("name=\"old\"", CARD));
    let reply = post(&node, "multipart/form-data; boundary=b", &body);
    let text = reply.text();
    assert_eq!(reply.status, 200, "{text}");
    assert_eq!(text.matches("\r\n\r\ntok_pan_1_").count(), 2, "{text}");
    assert!(text.ends_with(&format!("{photo}--b--\r\n")) && !text.contains(CARD), "{text}");

    for (kind, body, code) in [
        ("multipart/form-data; boundary=b", part("name=x; filename=x", CARD) + "--b--", "E0327"),
        ("multipart/form-data; boundary=b", body.replace("\r\n", "\n"), "E0327"),
        // The operator names a column, and the manifest none: nobody said how both read a table.
        ("text/csv", format!("card\n{CARD}\n"), "E0311"),
        ("application/json", format!("{{\"card\":\"{CARD}\"}}"), "E0311"),
    ] {
        let reply = post(&node, kind, &body);
        assert_eq!(reply.code(), code, "{kind}: {}", reply.text());
        assert!(!reply.text().contains("4111"), "{}", reply.text());
    }
    // Without a contract of its own the function is held to the operator's.
    node.ok(&["deploy", &manifest(""), "--grant"]);
    let reply = post(&node, "text/csv", &format!("id,card\r\n1,{CARD}\r\n"));
    assert!(reply.text().starts_with("id,card\r\n1,tok_pan_1_"), "{}", reply.text());
    let record = node.ended(&reply).to_string();
    assert!(record.contains("pan at csv:card: token (1)") && !record.contains(CARD), "{record}");
}

/// The operator's contract came after the functions, and they do not fit it.
#[test]
fn what_does_not_fit_the_operators_contract_is_not_run() {
    let node = Node::start();
    let route = |name: &str, more: &str| {
        format!(
            "[[function]]\nname = \"{name}\"\nsource = \"echo.wasm\"\n[[function.http]]\n\
             route = \"* /{name}\"\nauth = \"public\"\n{more}"
        )
    };
    let masked =
        "[[function.data.in]]\nat = \"body:/card\"\nclass = \"pan\"\ntransform = \"mask\"\n";
    let functions = [route("echo", masked), route("files", "upload = true\n"), route("free", "")];
    let manifest = format!("manifest = 1\napplication = \"a\"\n{}", functions.concat());
    let output = node.deploy_manifest(&manifest, &[("echo.wasm", &example("echo"))]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in ["echo", "files", "free"] {
        node.ok(&["grant", "public", "invoke", name]);
    }
    let body = format!("{{\"card\":\"{CARD}\"}}");
    let post = |node: &Node, name: &str| {
        let length = body.len();
        let text = format!(
            "POST /{name} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        raw(node.gateway, text.as_bytes())
    };
    assert_eq!(
        post(&node, "echo").text(),
        "{\"card\":\"************1111\"}".replace("1111", "****")
    );
    let home = node.kill().expect("its directory");
    let config = home.path().join("casemate.conf");
    let laid = "[[data.in]]\nat = \"body:/card\"\nclass = \"pan\"\ntransform = \"token\"\n";
    std::fs::write(&config, laid).expect("written");
    let node =
        Node::start_on(&home.path().join("home"), &["--config", config.to_str().expect("text")]);
    let reply = post(&node, "echo");
    assert_eq!(reply.code(), "E0329", "{}", reply.text());
    assert!(!reply.text().contains("body:/card"), "callers learn no more: {}", reply.text());
    let record = node.ended(&reply).to_string();
    assert!(record.contains("the operator says something else of `body:/card`"), "{record}");
    assert_eq!(post(&node, "files").code(), "E0314");
    assert!(post(&node, "free").text().contains("tok_pan_1_"));
}
