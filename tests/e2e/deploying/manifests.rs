//! Manifests: values, names and routes that cannot be, and deployments that change all or nothing.

use super::{check_refused, state};
use crate::rig::{Node, example, guest};
use std::process::Output;

/// A manifest of one function with more lines; the first of them is line 7.
fn with(lines: &str) -> String {
    format!(
        "manifest = 1\napplication = \"a\"\n\n[[function]]\nname = \"f\"\nsource = \"f.wasm\"\n{lines}\n"
    )
}

fn deploy(node: &Node, manifest: &str) -> Output {
    node.deploy_manifest(manifest, &[("f.wasm", &example("hello")), ("g.wasm", &example("echo"))])
}

#[test]
fn a_wrong_manifest_is_refused_with_its_line() {
    let node = Node::start();
    let before = state(&node);
    for (lines, code, parts) in [
        (
            "timout = \"3s\"",
            "E0103",
            &["casemate.toml:7", "`timout`", "did you mean `timeout`?"][..],
        ),
        ("timeout = 3", "E0104", &["casemate.toml:7", "`timeout`", "integer `3`"]),
        ("\nmemory = \"64 pages\"", "E0104", &["casemate.toml:8", "`memory`", "no size"]),
        ("concurrency = \"many\"", "E0104", &["casemate.toml:7", "`concurrency`"]),
        ("cpu = true", "E0104", &["casemate.toml:7", "`cpu`"]),
        ("http = \"GET /\"", "E0104", &["casemate.toml:7", "`http`"]),
        ("runtime = \"native\"", "E0104", &["`runtime`", "[function.native]"]),
        ("runtime = \"nativ\"", "E0104", &["casemate.toml:7", "nativ"]),
        ("[[function.http]]\nroute = \"/x\"", "E0104", &["casemate.toml:8", "`/x` is no route"]),
        ("[[function.http]]\nroute = \"GET /a/../b\"", "E0104", &["casemate.toml:8"]),
        ("[[function.http]]\nroute = \"GET /a\"\nauth = \"me\"", "E0104", &["casemate.toml:9"]),
        ("[function.allow]\nhttp = [1]", "E0104", &["casemate.toml:8"]),
        ("[function.allow]\nhttp = [\"nonsense\"]", "E0104", &["`allow.http`"]),
        ("= 1", "E0118", &["casemate.toml:7"]),
        ("name = \"again\"", "E0118", &["casemate.toml:7"]),
        // What only the node knows.
        ("cpu = \"2d\"", "E0104", &["`f`", "`cpu`", "on this node"]),
        ("memory = \"64GiB\"", "E0104", &["`f`", "`memory`"]),
        ("memory = \"1KiB\"", "E0104", &["`f`", "`memory`"]),
        ("concurrency = 0", "E0104", &["`f`", "`concurrency`"]),
        ("timeout = \"0s\"", "E0104", &["`f`", "`timeout`"]),
    ] {
        let output = deploy(&node, &with(lines));
        assert!(!output.status.success(), "{lines}");
        check_refused(&node, &output, code, parts);
        assert_eq!(state(&node), before, "{lines}");
    }
    for (manifest, code, part) in [
        ("manifest = 2\napplication = \"a\"\n", "E0104", "manifest = 2"),
        ("manifest = 1\napplication = \"a\"\n", "E0104", "has 0"),
        ("application = \"a\"\n", "E0104", "missing field `manifest`"),
        ("manifest = 1\napplication = 7\n", "E0104", "casemate.toml:2"),
    ] {
        check_refused(&node, &deploy(&node, manifest), code, &[part]);
    }
    assert_eq!(state(&node), before);
}

#[test]
fn a_name_can_neither_climb_nor_take_what_is_the_platforms() {
    let node = Node::start();
    let before = state(&node);
    let long = "a".repeat(64);
    for name in [
        "../x",
        "../../etc/cron.d/x",
        "a/b",
        "/x",
        ".",
        "..",
        "",
        "A",
        "a b",
        "a\\u0000",
        "é",
        "admin",
        "operator",
        "v1",
        &long,
    ] {
        let application =
            with("").replace("application = \"a\"", &format!("application = \"{name}\""));
        let function = with("").replace("name = \"f\"", &format!("name = \"{name}\""));
        check_refused(&node, &deploy(&node, &application), "E0104", &["casemate.toml:2"]);
        check_refused(&node, &deploy(&node, &function), "E0104", &["casemate.toml:5"]);
        let component = example("hello");
        let component = component.to_str().expect("text");
        if !name.contains('\\') {
            let (exit, said) = node.fails(&["deploy", component, "--name", name]);
            assert_eq!(exit, 64, "{said}");
            let (exit, _) = node.fails(&["invoke", name]);
            assert_eq!(exit, 64);
        }
    }
    for source in ["../f.wasm", "/etc/hostname", "a/../../f.wasm"] {
        let manifest = with("").replace("f.wasm", source);
        check_refused(
            &node,
            &deploy(&node, &manifest),
            "E0104",
            &["outside the manifest's directory"],
        );
    }
    assert_eq!(state(&node), before);
    for tenant in ["../x", "a/b", "", "A", "system"] {
        assert_eq!(node.fails(&["--tenant", tenant, "functions"]).0, 64, "{tenant}");
    }
    let mut home: Vec<_> = std::fs::read_dir(node.home().parent().expect("a parent"))
        .expect("read")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    home.sort();
    assert_eq!(home, ["home"], "nothing was written beside the home");
}

#[test]
fn a_route_belongs_to_one_function() {
    let node = Node::start();
    let route = |name: &str, route: &str| {
        format!(
            "[[function]]\nname = \"{name}\"\nsource = \"f.wasm\"\n[[function.http]]\nroute = \"{route}\"\n"
        )
    };
    let application = |name: &str, functions: &[String]| {
        format!("manifest = 1\napplication = \"{name}\"\n{}", functions.concat())
    };
    let within = application("one", &[route("a", "GET /x/{id}"), route("b", "GET /x/{key}")]);
    check_refused(&node, &deploy(&node, &within), "E0107", &["`a`", "`b`", "GET /x/{key}"]);
    let one = application("one", &[route("hello", "GET /hello/{name}"), route("b", "POST /x")]);
    assert!(deploy(&node, &one).status.success());
    let token = node.ok(&["token", "create", "t", "--invoke", "hello"]).trim().to_owned();
    let before = state(&node);
    for (name, wanted) in [("c", "GET /hello/{who}"), ("d", "POST /x")] {
        let two = application("two", &[route("e", "GET /free"), route(name, wanted)]);
        check_refused(&node, &deploy(&node, &two), "E0107", &[wanted]);
        assert_eq!(state(&node), before, "{wanted}");
    }
    let taken = application("two", &[route("hello", "GET /elsewhere")]);
    check_refused(&node, &deploy(&node, &taken), "E0113", &["`hello`"]);
    assert_eq!(state(&node), before);
    assert_eq!(node.get("/hello/you", Some(&token)).status, 200);
    assert_eq!(node.get("/free", Some(&token)).status, 404);
    // Other methods and more exact paths are no clash.
    let two = application("two", &[route("c", "PUT /hello/{who}"), route("d", "GET /hello/world")]);
    assert!(deploy(&node, &two).status.success());
}

#[test]
fn an_application_changes_as_a_whole_or_not_at_all() {
    let node = Node::start();
    let manifest = |second: &str| {
        let function = |name: &str, source: &str| {
            format!(
                "[[function]]\nname = \"{name}\"\nsource = \"{source}\"\n[[function.http]]\nroute = \"* /{name}/{{*rest}}\"\n"
            )
        };
        format!(
            "manifest = 1\napplication = \"app\"\n{}{}",
            function("one", "f.wasm"),
            function("two", second)
        )
    };
    assert!(deploy(&node, &manifest("g.wasm")).status.success());
    let token = node.ok(&["token", "create", "t", "--invoke", "one", "two"]).trim().to_owned();
    let before = state(&node);
    let revisions = node.json(&["revisions", "one"]).to_string();
    // The first function's new component is good, the second's is none.
    let changed = manifest("g.wasm").replace("f.wasm", "new.wasm");
    for (bad, code) in [("nohandler", "E0108"), ("unoffered", "E0102")] {
        let output = node
            .deploy_manifest(&changed, &[("new.wasm", &example("words")), ("g.wasm", &guest(bad))]);
        check_refused(&node, &output, code, &["`two`"]);
        assert_eq!(node.json(&["revisions", "one"]).to_string(), revisions);
        assert_eq!(node.get("/one/you", Some(&token)).text().trim(), "Hello from Casemate, you");
        let echoed = crate::rig::request(node.gateway, "POST", "/two/x", Some(&token), b"abc");
        assert_eq!(echoed.text(), "abc");
    }
    // What was compiled before the refusal may stay; what is deployed and the ledger are as before.
    let deployed = |state: &str| state.split(" [").next().map(str::to_owned);
    assert_eq!(deployed(&state(&node)), deployed(&before));
    // What does not exist cannot be gone back to or taken away.
    check_refused(&node, &node.run(&["rollback", "app"]), "E0115", &[]);
    check_refused(&node, &node.run(&["rollback", "app", "--to", "9"]), "E0115", &["9"]);
    check_refused(&node, &node.run(&["rollback", "none"]), "E0114", &["none"]);
    check_refused(&node, &node.run(&["remove", "none"]), "E0114", &["none"]);
    check_refused(&node, &node.run(&["revisions", "none"]), "E0114", &["none"]);
    check_refused(&node, &node.run(&["invoke", "none"]), "E0114", &["none"]);
    check_refused(
        &node,
        &node.run(&["token", "create", "u", "--invoke", "none"]),
        "E0114",
        &["none"],
    );
    check_refused(&node, &node.run(&["token", "create", "t", "--invoke", "one"]), "E0802", &["t"]);
    check_refused(&node, &node.run(&["token", "revoke", "none"]), "E0803", &["none"]);
    check_refused(&node, &node.run(&["grant", "token:none", "invoke", "one"]), "E0803", &["none"]);
    check_refused(&node, &node.run(&["revoke", "public", "invoke", "one"]), "E0204", &[]);
    check_refused(
        &node,
        &node.run(&["grant", "everybody", "invoke", "one"]),
        "E0205",
        &["everybody"],
    );
    node.ok(&["ledger", "verify"]);
}
