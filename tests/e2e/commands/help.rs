//! What teaches: help, explanations, completions, the schema.

use super::{alone, stderr, stdout};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let rest = help.split_once("Commands:\n").map(|(_, rest)| rest).unwrap_or_default();
    let lines = rest.lines().take_while(|line| line.starts_with("  "));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn check(path: &[&str]) -> String {
    let mut arguments = path.to_vec();
    arguments.push("--help");
    let output = alone(&arguments);
    let text = stdout(&output);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{path:?}");
    for part in ["Usage: casemate", "Examples:\n  casemate", "--format <FORMAT>"] {
        assert!(text.contains(part), "{path:?}: no `{part}` in {text}");
    }
    assert!(!text.contains('\u{1b}'), "{path:?}: no colours where no terminal is");
    text
}

/// Every command.
const COMMANDS: &[&str] = &[
    "up",
    "new",
    "import",
    "export",
    "build",
    "watch",
    "test",
    "check",
    "fmt",
    "diff",
    "deploy",
    "apply",
    "events",
    "invoke",
    "functions",
    "runtimes",
    "revisions",
    "rollback",
    "remove",
    "grant",
    "revoke",
    "grants",
    "token",
    "logs",
    "records",
    "record",
    "cost",
    "budget",
    "secret",
    "queue",
    "schedule",
    "source",
    "key",
    "ledger",
    "backup",
    "restore",
    "data",
    "detect",
    "protect",
    "doctor",
    "explain",
    "schema",
    "completions",
];

#[test]
fn every_command_teaches_itself() {
    let commands = listed(&check(&[]));
    for expected in COMMANDS {
        assert!(commands.iter().any(|name| name == expected), "{expected}");
    }
    let mut below = Vec::new();
    for command in &commands {
        for inner in listed(&check(&[command])) {
            check(&[command, &inner]);
            below.push(format!("{command} {inner}"));
        }
    }
    below.sort();
    let expect = [
        "budget lift",
        "budget propose",
        "data erase",
        "data map",
        "data reveal",
        "events list",
        "events sample",
        "key backup",
        "key export",
        "key import",
        "key init",
        "key public",
        "key restore",
        "key retire",
        "key rewrap",
        "key rotate",
        "key status",
        "ledger export",
        "ledger show",
        "ledger verify",
        "queue list",
        "queue peek",
        "queue purge",
        "queue redrive",
        "queue retry",
        "schedule list",
        "schedule pause",
        "schedule resume",
        "schedule run",
        "secret list",
        "secret remove",
        "secret rotate",
        "secret set",
        "source list",
        "token create",
        "token list",
        "token revoke",
    ];
    assert_eq!(below, expect);
    let guide = alone(&[]);
    assert!(guide.status.success() && stdout(&guide).contains("casemate up --demo"));
    let short = stdout(&alone(&["deploy", "-h"]));
    assert!(short.lines().count() < stdout(&alone(&["deploy", "--help"])).lines().count());
    assert!(stdout(&alone(&["--version"])).starts_with("casemate 0."));
}

#[test]
fn codes_are_explained() {
    let all = stdout(&alone(&["explain"]));
    let all: Vec<&str> = all.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert!(all.len() > 60 && all.contains(&"E0203"), "{all:?}");
    let json: Value =
        serde_json::from_str(&stdout(&alone(&["explain", "--format", "json"]))).expect("json");
    assert_eq!(json["items"].as_array().map(Vec::len), Some(all.len()));
    for text in ["E0203", "e0203", "0203"] {
        let said = stdout(&alone(&["explain", text]));
        assert!(said.starts_with("E0203: ") && said.contains("What to do: "), "{said}");
    }
    let wrong = alone(&["explain", "E0230"]);
    assert_eq!(wrong.status.code(), Some(64));
    assert!(stderr(&wrong).contains("E0203"), "{}", stderr(&wrong));
}

#[test]
fn the_schema_is_one_and_shells_take_their_completions() {
    let schema: Value = serde_json::from_str(&stdout(&alone(&["schema"]))).expect("json");
    assert!(schema["properties"]["application"].is_object(), "{schema}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = alone(&["completions", shell]);
        let script = stdout(&output);
        assert!(
            output.status.success() && script.contains("rollback") && !script.contains("__compile"),
            "{shell}"
        );
    }
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().expect("bash runs");
    let script = stdout(&alone(&["completions", "bash"]));
    bash.stdin.take().expect("piped").write_all(script.as_bytes()).expect("written");
    assert!(bash.wait().expect("ends").success());
    assert_eq!(alone(&["completions", "cobol"]).status.code(), Some(64));
}
