//! `casemate detect`, as people and pipelines use it.

use crate::rig::casemate;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

const CARD: &str = "4111111111111111";
const KEY: &str = "ghp_1B4xw9Qm2ZrT7yLkP0sVdHc6NfJ8uGa3eXb5";

fn detect(place: &Path, arguments: &[&str]) -> (i32, String, String) {
    let run = casemate().current_dir(place).arg("detect").args(arguments).output().expect("runs");
    seen(&run)
}

fn seen(run: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (run.status.code().expect("ended by itself"), text(&run.stdout), text(&run.stderr))
}

fn place(files: &[(&str, &str)]) -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        std::fs::write(place.path().join(name), text).expect("written");
    }
    place
}

/// The findings and the summary of a run for programs.
fn items(out: &str) -> (Vec<Value>, Value) {
    let mut all: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut last = all.pop().expect("a summary");
    (all, last["summary"].take())
}

#[test]
fn sensitive_data_is_found_at_its_place_and_never_printed() {
    let place = place(&[
        ("app.log", &format!("12:30:45 start id=17\n12:30:46 paid with card {CARD}, ok\n")),
        ("rows.jsonl", &format!("{{\"a\":1}}\n{{\"ssn\":\"536-90-4399\",\"t\":\"{KEY}\"}}\n")),
        ("people.csv", "name;ssn;note\nAnn;536904399;\"two\nlines\"\nBob;;mail bob@example.com\n"),
    ]);
    let (code, out, err) =
        detect(place.path(), &["app.log", "rows.jsonl", "people.csv", "--format", "json"]);
    assert_eq!((code, err.as_str()), (3, ""), "{out}");
    for secret in [CARD, KEY, "536-90-4399", "536904399", "bob@example.com"] {
        assert!(!out.contains(secret), "{secret}: {out}");
    }
    let (found, summary) = items(&out);
    let shown: Vec<String> = found
        .iter()
        .map(|it| {
            format!(
                "{}:{}:{} {} {}",
                it["file"], it["line"], it["column"], it["rule"], it["confidence"]
            )
            .replace('"', "")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "app.log:2:25 pan confirmed",
            "rows.jsonl:2:9 us-ssn confirmed",
            "rows.jsonl:2:27 github-token checksum",
            "people.csv:2:5 us-ssn context",
            "people.csv:4:11 email context",
        ]
    );
    assert_eq!((summary["files"].as_u64(), summary["found"].as_u64()), (Some(3), Some(5)));
    assert_eq!(summary["enforceable"], 4, "{summary}");
    let (code, out, _) = detect(place.path(), &["app.log"]);
    assert_eq!(code, 3);
    assert!(out.starts_with("app.log:2:25: pan, confirmed: 41…11 (16 bytes)\n"), "{out}");
}

#[test]
fn pipelines_learn_from_the_exit_code_what_was_found() {
    let place = place(&[
        ("clean", "12:30 all is well\n"),
        ("ip", "peer 203.0.113.9\n"),
        ("card", &format!("card {CARD}\n")),
    ]);
    for (arguments, expect) in [
        (&["clean"][..], 0),
        (&["ip"], 3),
        (&["ip", "--fail-on", "enforceable"], 0),
        (&["card", "--fail-on", "enforceable"], 3),
        (&["card", "--fail-on", "never"], 0),
        (&["card", "--only", "iban"], 0),
        (&["clean", "ip", "--only", "ip"], 3),
    ] {
        let (code, out, err) = detect(place.path(), arguments);
        assert_eq!(code, expect, "{arguments:?}: {out}{err}");
    }
    let (code, _, err) = detect(place.path(), &["clean", "--only", "pam"]);
    assert_eq!(code, 64);
    assert!(err.contains("no rule finds `pam`") && err.contains("pan, "), "{err}");
}

#[test]
fn standard_input_of_any_length_is_read_in_bounded_memory() {
    let mut child = casemate()
        .args(["detect", "-", "--format", "json", "--limit", "2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut stdin = child.stdin.take().expect("piped");
    let mut block = String::new();
    while block.len() < 1 << 20 {
        writeln!(block, "{{\"n\": {}, \"s\": \"nothing to see\"}}", block.len()).expect("written");
    }
    let lines = block.lines().count();
    for _ in 0..24 {
        stdin.write_all(block.as_bytes()).expect("written");
        stdin.write_all(format!("card {CARD}\n").as_bytes()).expect("written");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("running");
    drop(stdin);
    let (code, out, _) = seen(&child.wait_with_output().expect("ends"));
    let (found, summary) = items(&out);
    assert_eq!((code, found.len()), (3, 2), "no more than were asked for");
    assert_eq!(found[1]["line"].as_u64(), Some(2 * (lines as u64 + 1)));
    assert_eq!((summary["found"].as_u64(), summary["files"].as_u64()), (Some(24), Some(1)));
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let peak: u64 = peak.trim().trim_end_matches(" kB").trim().parse().expect("a number");
    // The binary's own pages are most of it.
    assert!(peak < 96 * 1024, "{peak} kB");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let place = place(&[("bad.toml", "[[rule]]\nclass = \"a\"\npatern = \"x\"\n"), ("f", "x")]);
    for (arguments, code, part) in [
        (&["nowhere.log"][..], "E0320", "`nowhere.log`: No such file"),
        (&["."], "E0320", "find . -type f -exec casemate detect {} +"),
        (&["f", "--rules", "bad.toml"], "E0321", "bad.toml:3: "),
        (&["f", "--rules", "none.toml"], "E0321", "none.toml: No such file"),
    ] {
        let (exit, out, err) = detect(place.path(), arguments);
        assert_eq!((exit, out.as_str()), (1, ""), "{arguments:?}: {err}");
        assert!(err.starts_with(&format!("error[{code}]: ")) && err.contains(part), "{err}");
    }
}

#[test]
fn rules_of_an_operator_find_classes_of_their_own() {
    let rules = "[[rule]]\nclass = \"health\"\nname = \"icd-10\"\npattern = '[A-TV-Z][0-9][0-9A-B](\\.[0-9A-K]{1,4})?'\nwords = [\"icd*\", \"diagnos*\"]\n\n[[rule]]\nclass = \"member\"\npattern = 'M-[0-9]{8}'\nvalidator = \"luhn\"\n";
    let place = place(&[
        ("rules.toml", rules),
        ("t.csv", "diagnosis,gate,no\nE11.9,B12,M-79927391\nJ45,C3,M-12345674\n"),
    ]);
    let (code, out, err) =
        detect(place.path(), &["--rules", "rules.toml", "t.csv", "--format", "json"]);
    assert_eq!(code, 3, "{err}");
    let (found, _) = items(&out);
    let all: Vec<_> =
        found.iter().map(|it| (it["class"].as_str().expect("text"), it["line"].as_u64())).collect();
    assert_eq!(all, [("health", Some(2)), ("health", Some(3)), ("member", Some(3))], "{out}");
    let wrong = rules.replace("[0-9]{8}", "[0-9");
    std::fs::write(place.path().join("rules.toml"), wrong).expect("written");
    let (code, _, err) = detect(place.path(), &["--rules", "rules.toml", "t.csv"]);
    assert!(code == 1 && err.contains("rules.toml: the rule `member`: "), "{err}");
}
