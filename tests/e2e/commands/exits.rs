//! How commands fail: exit codes, hints, and the same for programs.

use super::{alone, busy, stderr};
use crate::rig::{Node, casemate};
use serde_json::Value;

/// The last line is advice, and JSON says the same.
fn check(arguments: &[&str], exit: i32, code: &str) {
    let output = alone(arguments);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?}: nothing on standard output");
    assert!(said.starts_with(&format!("error[{code}]: ")), "{arguments:?}: {said}");
    assert!(said.lines().last().is_some_and(|line| line.starts_with("hint: ")), "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
    let output = alone(&[arguments, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}");
    let problem: Value = serde_json::from_str(&stderr(&output)).expect("one JSON document");
    assert_eq!((problem["code"].as_str(), output.stdout.len()), (Some(code), 0), "{problem}");
    assert!(problem["title"].is_string() && problem["status"].is_u64(), "{problem}");
}

#[test]
fn each_kind_of_failure_has_its_exit_code() {
    let node = busy();
    let home = node.home().to_str().expect("text").to_owned();
    let with = |rest: &[&str], exit: i32, code: &str| {
        check(&[&["--home", home.as_str()], rest].concat(), exit, code);
    };
    with(&["remove", "nothing"], 1, "E0114");
    with(&["rollback", "m"], 1, "E0115");
    with(&["record", "0198c3f2-9d5e-7c21-8a4b-2f6d1e0c9b7a"], 1, "E0706");
    with(&["deploy", "/nonexistent.wasm"], 1, "E0118");
    with(&["grant", "everybody", "invoke", "m"], 1, "E0205");
    with(&["invoke", "m", "--path", "/trap-secret"], 1, "E0401");
    with(&["invoke", "m", "--path", "/list", "--tenant", "other"], 1, "E0114");
    // Nobody there.
    let dir = tempfile::tempdir().expect("a directory");
    let empty = dir.path().join("none");
    let empty = empty.to_str().expect("text");
    check(&["--home", empty, "functions"], 1, "E0606");
    check(&["functions"], 1, "E0606");
    // Not to be used: others could read what lies there.
    check(&["--home", dir.path().to_str().expect("text"), "functions"], 78, "E0602");
    check(&["--home", empty, "up", "--admin", "0.0.0.0:0"], 78, "E0607");
    check(&["--home", empty, "up", "--dev", "--listen", "0.0.0.0:0"], 78, "E0607");
    check(&["--home", empty, "up", "--listen", "nowhere"], 78, "E0603");
    check(&["--home", empty, "up", "--config", "/nonexistent.toml"], 78, "E0603");
    let config = dir.path().join("node.toml");
    std::fs::write(&config, "\nlissten = \"127.0.0.1:0\"\n").expect("written");
    let config = config.to_str().expect("text");
    check(&["--home", empty, "up", "--config", config], 78, "E0603");
    let said = stderr(&alone(&["--home", empty, "up", "--config", config]));
    assert!(said.contains("node.toml:2: ") && said.contains("did you mean `listen`?"), "{said}");
    let taken = node.gateway.to_string();
    let fresh = dir.path().join("fresh");
    check(
        &[
            "--home",
            fresh.to_str().expect("text"),
            "up",
            "--listen",
            &taken,
            "--admin",
            "127.0.0.1:0",
        ],
        1,
        "E0604",
    );
}

#[test]
fn a_wrong_command_line_says_what_is_right() {
    let examples = crate::rig::repository().join("examples").display().to_string();
    for (arguments, part) in [
        (&["nonsense"][..], "unrecognized subcommand"),
        (&["functons"], "functions"),
        (&["deploy", "--nonsense"], "--nonsense"),
        (&["deploy", "x.wasm", "--name", "../x"], "no function name"),
        (&["deploy", "x.wasm", "--name", "admin"], "reserved"),
        (&["deploy", "x.wasm", "--route", "x"], "no route"),
        (&["deploy", &examples, "--public"], "`--public` goes with a `.wasm` file"),
        (&["invoke"], "<NAME>"),
        (&["invoke", "a", "-H", "nonsense"], "content-type: text/plain"),
        (&["invoke", "a", "--path", "/a b"], "percent-encoded"),
        (&["invoke", "a", "--method", "GET /"], "GET or POST"),
        (&["token", "create"], "<NAME>"),
        (&["token", "create", "t", "--invoke", "a", "--expires", "soon"], "no duration"),
        (&["records", "--outcome", "lovely"], "guest_error"),
        (&["records", "--since", "yesterday"], "10m"),
        (&["record", "7"], "casemate records"),
        (&["logs", "-n", "1001"], "1000"),
        (&["--format", "yaml", "functions"], "json"),
        (&["--tenant", "A", "functions"], "no tenant name"),
    ] {
        let output = alone(arguments);
        let said = stderr(&output);
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(64), 0),
            "{arguments:?}: {said}"
        );
        assert!(said.starts_with("error: ") && said.contains(part), "{arguments:?}: {said}");
        if !arguments.contains(&"--format") {
            let output = alone(&[&["--format", "json"], arguments].concat());
            let problem: Value = serde_json::from_str(&stderr(&output)).expect("json");
            assert!(
                problem["detail"].as_str().is_some_and(|text| text.contains(part)),
                "{problem}"
            );
        }
    }
}

#[test]
fn the_node_is_found_as_documented_and_only_with_its_token() {
    let node = busy();
    let (url, token) = (format!("http://{}", node.admin), node.operator());
    let ask = |set: &[(&str, &str)]| {
        let output = casemate().envs(set.iter().copied()).arg("functions").output().expect("runs");
        (output.status.code(), stderr(&output))
    };
    let home = node.home().to_str().expect("text");
    assert_eq!(ask(&[("CASEMATE_HOME", home)]).0, Some(0));
    assert_eq!(ask(&[("CASEMATE_URL", &url), ("CASEMATE_TOKEN", &token)]).0, Some(0));
    // The address and the token win over a home of the environment.
    let both =
        [("CASEMATE_HOME", "/nonexistent"), ("CASEMATE_URL", &url), ("CASEMATE_TOKEN", &token)];
    assert_eq!(ask(&both).0, Some(0));
    let api = node.ok(&["token", "create", "api", "--invoke", "m"]).trim().to_owned();
    for wrong in ["nonsense", api.as_str()] {
        let (exit, said) = ask(&[("CASEMATE_URL", &url), ("CASEMATE_TOKEN", wrong)]);
        assert!(exit == Some(2) && said.starts_with("error[E0804]"), "{exit:?} {said}");
        assert!(!said.contains(wrong), "{said}");
    }
    let gateway = format!("http://{}", node.gateway);
    let (exit, said) = ask(&[("CASEMATE_URL", &gateway), ("CASEMATE_TOKEN", &token)]);
    assert!(exit == Some(1) && said.starts_with("error[E0610]"), "{exit:?} {said}");
    assert!(!said.contains(&token), "{said}");
}

#[test]
fn an_answer_of_the_function_decides_how_invoke_ends() {
    let node = busy();
    for (path, exit) in [
        ("/status?code=200", 0),
        ("/status?code=399", 0),
        ("/status?code=404", 1),
        ("/status?code=500", 1),
    ] {
        let output = node.run(&["invoke", "m", "--path", path]);
        assert_eq!(output.status.code(), Some(exit), "{path}");
        assert_eq!(output.stdout, b"as you wished\n", "{path}: the body comes in any case");
    }
    // What broke off is a failure, with what came of it.
    let output = node.run(&["invoke", "m", "--path", "/trap-mid-body"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b"a part\n"[..]));
    assert!(stderr(&output).contains("cut off"), "{}", stderr(&output));
}

#[test]
fn a_node_that_stops_is_noticed() {
    let mut node = Node::start();
    assert_eq!(node.stop(), Some(0));
    let (exit, said) = node.fails(&["functions"]);
    assert!(
        exit == 1 && said.starts_with("error[E0606]") && said.contains("casemate up"),
        "{said}"
    );
}
