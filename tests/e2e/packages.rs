//! Packages of native functions, and what interprets them, through the real binary.

use crate::rig::{Node, casemate, repository};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

fn deploy(node: &Node, home: &Path, source: &str, native: &str) -> (bool, String) {
    let manifest = format!(
        "manifest = 1\napplication = \"shop\"\n\n[[function]]\nname = \"f\"\nruntime = \"native\"\n\
         source = \"{source}\"\n\n[function.native]\ncontract = \"lambda\"\n{native}\n"
    );
    std::fs::write(home.join("casemate.toml"), manifest).expect("written");
    let output = node.run(&["deploy", home.to_str().expect("text")]);
    (output.status.success(), said(&output))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn a_package_that_leads_out_is_refused_and_named() {
    let node = Node::start();
    let home = tempfile::tempdir().expect("a directory");
    for (example, code, entry) in [
        ("climbs", "E0192", "`../a`: "),
        ("link", "E0192", "`a`: it is a symbolic link"),
        ("twice", "E0192", "`a`: another entry has the same name"),
        ("cut", "E0191", "it was cut off"),
    ] {
        let zip = repository().join("fuzz/corpus/zip").join(example);
        std::fs::copy(zip, home.path().join("app.zip")).expect(example);
        let (done, said) = deploy(&node, home.path(), "app.zip", "");
        assert!(!done && said.contains(code) && said.contains(entry), "{example}: {said}");
        assert!(said.contains("casemate.toml:7: "), "{example}: {said}");
    }
    assert!(!node.ok(&["functions"]).contains("shop"));
}

#[test]
fn an_interpreter_that_is_not_there_is_named_with_what_to_install() {
    let node = Node::start();
    let home = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(home.path().join("app")).expect("made");
    std::fs::write(home.path().join("app/app.py"), "def handler(event, context): pass\n")
        .expect("written");
    let native = "interpreter = \"python3.2\"\nhandler = \"app.handler\"";
    let (done, said) = deploy(&node, home.path(), "app", native);
    assert!(!done && said.contains("E1320"), "{said}");
    for part in ["function `f`: there is no `python3.2`", "apt-get install python3.2", "`python3."]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn runtimes_are_the_nodes_with_what_its_configuration_adds_or_else_this_machines() {
    let named = |value: &Value, name: &str| -> Value {
        let items = value["items"].as_array().expect("items");
        let is = |one: &&Value| {
            let aliases = one["aliases"].as_array().expect("aliases");
            one["name"] == name || aliases.iter().any(|alias| alias == name)
        };
        items.iter().find(is).cloned().unwrap_or_default()
    };
    let alone = casemate().args(["runtimes", "--format", "json"]).output().expect("started");
    let alone: Value = serde_json::from_slice(&alone.stdout).expect("JSON");
    let python = named(&alone, "python3");
    assert!(python["version"].as_str().is_some_and(|version| version.starts_with("3.")), "{alone}");

    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("casemate.conf");
    let line = "[native.interpreter.\"sh1\"]\nexecutable = \"/bin/sh\"\n";
    std::fs::write(&file, line).expect("written");
    let node = Node::start_with(&["--config", file.to_str().expect("text")]);
    let listed = node.json(&["runtimes"]);
    assert_eq!(named(&listed, "python3"), python);
    assert_eq!(named(&listed, "sh1")["aliases"], Value::Array(vec![]), "{listed}");
    let text = node.ok(&["runtimes"]);
    assert!(text.contains("MENDED UNTIL") && text.contains("sh1"), "{text}");
}
