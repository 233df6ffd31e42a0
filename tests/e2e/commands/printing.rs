//! Data on standard output, everything else on standard error; for people and for programs.

use super::{busy, fed, stderr, stdout};
use crate::rig::{BINARY, casemate, guest};
use serde_json::Value;
use std::process::{Command, Stdio};

#[test]
fn whatever_prints_data_prints_it_for_people_and_for_programs() {
    let node = busy();
    let id = node.records(1)[0]["id"].as_str().expect("an id").to_owned();
    let component = guest("misbehave");
    let component = component.to_str().expect("text");
    let dir = tempfile::tempdir().expect("a directory");
    let export = dir.path().join("ledger");
    for (arguments, key) in [
        (&["functions"][..], "/items/0/name"),
        (&["revisions", "hello"], "/revisions/0/revision"),
        (&["runtimes"], "/items/0/name"),
        (&["grants"], "/items/0/who"),
        (&["token", "list"], "/items/0/id"),
        (&["records"], "/items/0/outcome"),
        (&["record", &id], "/cpu_us"),
        (&["ledger", "show"], "/items/0/hash"),
        (&["ledger", "verify"], "/verified"),
        (&["doctor"], "/items/0/verdict"),
        (&["invoke", "hello", "--path", "/hello/you"], "/body"),
        (&["deploy", component, "--name", "again"], "/deployment"),
        (&["deploy", component, "--name", "again"], "/unchanged"),
        (&["grant", "public", "invoke", "again"], "/leaf"),
        (&["up", "--print-config"], "/items/0/origin"),
    ] {
        let output = node.run(&[arguments, &["--format", "json"]].concat());
        assert_eq!(
            (output.status.code(), stderr(&output).as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
        let value: Value = serde_json::from_str(&stdout(&output)).expect("one JSON document");
        assert!(value.pointer(key).is_some_and(|found| !found.is_null()), "{arguments:?}: {value}");
        let output = node.run(arguments);
        let text = stdout(&output);
        assert!(output.status.success() && !text.trim().is_empty(), "{arguments:?}: {output:?}");
        assert!(
            serde_json::from_str::<Value>(&text).is_err(),
            "{arguments:?} is for people: {text}"
        );
        assert!(!text.contains('\u{1b}') && !stderr(&output).contains('\u{1b}'), "{arguments:?}");
    }
    let created = node.json(&["token", "create", "ci", "--invoke", "again", "--expires", "30d"]);
    assert!(created["token"].as_str().is_some_and(|token| token.starts_with("cmt_")), "{created}");
    assert!(node.json(&["token", "list"]).to_string().contains("\"ci\""));
    assert!(!node.json(&["token", "list"]).to_string().contains("cmt_"), "the token is shown once");
    assert!(node.json(&["revoke", "public", "invoke", "again"])["leaf"].is_u64());
    assert!(node.json(&["token", "revoke", "ci"])["leaf"].is_u64());
    assert!(node.json(&["remove", "again"])["leaf"].is_u64());
    node.ok(&["ledger", "export", export.to_str().expect("text")]);
    assert!(export.join("checkpoint").exists());
}

#[test]
fn standard_output_holds_the_data_and_nothing_else() {
    let node = busy();
    let output = node.run(&["token", "create", "one", "--invoke", "m"]);
    assert!(stdout(&output).trim().starts_with("cmt_") && stdout(&output).lines().count() == 1);
    assert!(stderr(&output).contains("shown this once"), "{}", stderr(&output));
    let output = node.run(&["-q", "token", "create", "two", "--invoke", "m"]);
    assert_eq!((stdout(&output).lines().count(), stderr(&output).as_str()), (1, ""));
    // Nothing to show is said beside, so that a program sees an empty answer.
    let output = node.run(&["--env", "staging", "functions"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), ""));
    assert!(stderr(&output).contains("no functions in default/staging"), "{}", stderr(&output));
    // Every byte of a body, as it is.
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let output = fed(&node, &["invoke", "echo", "--data", "-"], &bytes);
    assert!(output.status.success() && output.stdout == bytes);
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("body");
    std::fs::write(&file, &bytes).expect("written");
    let at = format!("@{}", file.display());
    let output = node.run(&["invoke", "echo", "--data", &at]);
    assert!(output.status.success() && output.stdout == bytes);
    let json = node.json(&["invoke", "echo", "--data", &at]);
    assert_eq!(json["encoding"], "base64");
    let seen = node.ok(&[
        "invoke",
        "m",
        "-X",
        "PATCH",
        "-p",
        "/x/request?a=b",
        "-d",
        "abc",
        "-H",
        "X-Mine: 1",
        "-H",
        "content-type: text/csv",
    ]);
    for part in [
        "Method::Patch",
        "path /x/request?a=b",
        "header x-mine: 1",
        "header content-type: text/csv",
        "header content-length: 3",
    ] {
        assert!(seen.contains(part), "no `{part}` in {seen}");
    }
    let output = node.run(&["invoke", "m", "-p", "/list", "-i"]);
    assert!(
        stderr(&output).starts_with("HTTP 200 OK\n") && stderr(&output).contains("invocation ")
    );
}

#[test]
fn the_configuration_names_where_each_value_comes_from() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("node.toml");
    std::fs::write(&config, "listen = \"127.0.0.1:1\"\n[journal]\nsize = \"1GiB\"\n")
        .expect("written");
    let output = casemate()
        .args(["up", "--print-config", "--format", "json", "--admin", "127.0.0.1:2", "--config"])
        .arg(&config)
        .args(["--home", "/nonexistent/home"])
        .env("CASEMATE_LOG", "debug")
        .output()
        .expect("runs");
    let rows: Value = serde_json::from_slice(&output.stdout).expect("json");
    let row = |key: &str| {
        let rows = rows["items"].as_array().expect("a list").iter();
        let found = rows.clone().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key}"));
        (
            found["value"].as_str().expect("text").to_owned(),
            found["origin"].as_str().expect("text").to_owned(),
        )
    };
    for (key, value, origin) in [
        ("home", "/nonexistent/home", "--home"),
        ("listen", "127.0.0.1:1", "file"),
        ("admin", "127.0.0.1:2", "--admin"),
        ("log", "debug", "CASEMATE_LOG"),
        ("journal.size", "1GiB", "file"),
        ("compile.cpu", "3m", "default"),
    ] {
        assert_eq!(row(key), (value.to_owned(), origin.to_owned()), "{key}");
    }
    assert!(!std::path::Path::new("/nonexistent").exists(), "printing makes nothing");
}

/// Runs a command with a terminal for all of its streams, and gives what the terminal got.
fn on_a_terminal(set: &str, arguments: &str) -> String {
    let command = format!("{set} {BINARY} {arguments}");
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null())
        .output()
        .expect("`script` runs (it belongs to util-linux)");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let node = busy();
    let failing = format!("--home {} remove nothing", node.home().display());
    let shown = on_a_terminal("", &failing);
    assert!(shown.contains("\u{1b}[1;31merror[E0114]\u{1b}[0m"), "{shown:?}");
    for set in ["NO_COLOR=1", "TERM=dumb"] {
        let shown = on_a_terminal(set, &failing);
        assert!(shown.contains("error[E0114]: ") && !shown.contains('\u{1b}'), "{set}: {shown:?}");
    }
    // What a function says cannot act on the terminal.
    node.ok(&["invoke", "m", "-p", "/log-binary"]);
    let shown = on_a_terminal("NO_COLOR=1", &format!("--home {} logs", node.home().display()));
    assert!(shown.contains(r"\u{1b}[2J") && !shown.contains('\u{1b}'), "{shown:?}");
}
