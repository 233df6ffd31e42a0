//! Builds that fail, hang, are interrupted, or make something else than they should.

use super::{Going, LONG, Project, appears, err, gone, out, typed};
use crate::rig::{casemate, example};
use serde_json::Value;
use std::time::Instant;

/// A failed `casemate build`: exit code 1, the code, every part, and a hint as the last line.
fn check(project: &Project, line: &str, code: &str, parts: &[&str]) {
    let output = project.typed(line);
    let said = err(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("error[{code}]: ")), "expected {code}: {said}");
    assert!(said.lines().last().is_some_and(|line| line.starts_with("hint: ")), "{said}");
    for part in parts {
        assert!(said.contains(part), "expected `{part}`: {said}");
    }
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn a_build_shows_its_command_its_output_and_its_time() {
    let project = Project::copying(&example("hello"));
    project.manifest("echo working; echo still >&2; cp input.wasm made.wasm", "");
    let output = project.typed("casemate build");
    let said = err(&output);
    assert!(output.status.success(), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("building f: echo working"), "{said}");
    assert_eq!(lines[1..3], ["working", "still"]);
    assert!(lines[3].starts_with("built f in "), "{said}");
    let json: Value =
        serde_json::from_str(&out(&project.typed("casemate build --format json"))).expect("json");
    assert_eq!(json["items"][0]["functions"][0], "f");
    assert!(err(&project.typed("casemate build -q")).is_empty());
    // From elsewhere it runs in the manifest's directory all the same.
    let elsewhere = typed(&format!("casemate build {}", project.path().display()), "/".as_ref());
    assert!(elsewhere.status.success(), "{}", err(&elsewhere));
}

#[test]
fn a_build_that_fails_says_what_the_tool_said() {
    let project = Project::new("echo 'line 7: no such thing'; exit 3");
    check(&project, "casemate build", "E0141", &["line 7: no such thing\n", "with exit code 3"]);
    check(&project, "casemate build --quiet", "E0141", &["line 7: no such thing\n"]);
    let json: Value =
        serde_json::from_str(err(&project.typed("casemate build --format json -q")).trim())
            .expect("one document");
    assert_eq!(
        (json["code"].as_str(), json["reason"].as_str()),
        (Some("E0141"), Some("line 7: no such thing"))
    );
    let missing = Project::new("frobnicate --fast");
    check(&missing, "casemate build", "E0146", &["hint: install `frobnicate`"]);
    let none = Project::new("true");
    check(&none, "casemate build", "E0143", &["source = \"made.wasm\""]);
    check(&none, "casemate build --function g", "E0114", &["hint: it has f"]);
}

#[test]
fn a_build_has_to_make_a_component_inside_the_project() {
    let project = Project::new(r"printf '\000asm\001\000\000\000' > made.wasm");
    check(&project, "casemate build", "E0144", &["wasm32-wasip2"]);
    project.manifest("echo text > made.wasm", "");
    check(&project, "casemate build", "E0101", &[]);
    let before = project.read("casemate.toml");
    project.write("casemate.toml", &before.replace("made.wasm\"\nbuild", "../made.wasm\"\nbuild"));
    check(&project, "casemate build", "E0104", &["outside the manifest's directory"]);
    project.write("casemate.toml", &before.replace("build = ", "bulid = "));
    check(&project, "casemate build", "E0103", &["did you mean `build`?"]);
    let empty = tempfile::tempdir().expect("a directory");
    let output = typed("casemate build", empty.path());
    assert!(err(&output).contains("error[E0118]"), "{}", err(&output));
}

#[test]
fn a_build_that_hangs_is_ended_with_all_that_it_started() {
    let project = Project::new("trap '' TERM INT; (echo $$ > pid; exec sleep 900) & wait");
    let begin = Instant::now();
    check(&project, "casemate build --timeout 1s", "E0142", &["was ended after 1 s"]);
    assert!(begin.elapsed() < LONG, "not because the sleep was over");
    let background = Project::new("sleep 900 & echo $! > pid; cp input.wasm made.wasm");
    background.put(&example("hello"));
    assert!(background.typed("casemate build").status.success(), "nobody waits for it");
    gone(&background.read("pid"));
}

#[test]
fn ctrl_c_ends_a_build_and_all_that_it_started() {
    for signal in ["INT", "TERM", "HUP"] {
        let project = Project::new("(sleep 900) & echo $! > pid; wait");
        let mut command = casemate();
        command.arg("build").current_dir(project.path());
        let going = Going::of(command);
        let pid = appears(&project.path().join("pid"));
        going.signal(signal);
        let (code, said) = going.end();
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("error[E0147]"), "{said}");
        gone(&pid);
    }
}

#[test]
fn a_new_project_goes_where_nothing_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let check = |line: &str, code: i32, part: &str| {
        let output = typed(line, dir.path());
        let said = format!("{}{}", out(&output), err(&output));
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(said.contains(part), "{line}: {said}");
    };
    check("casemate new one -t http-rust", 0, "  cd one\n  casemate watch\n");
    check("casemate new one -t http-rust", 1, "error[E0140]");
    check("touch file; casemate new two -t http-js --dir file", 1, "is no directory");
    check("mkdir -p a/b; casemate new two -t http-js --dir a/b", 0, "  cd a/b\n");
    check("casemate new 'Hello World' -t http-rust", 1, "`casemate new hello-world -t http-rust`");
    check("casemate new hello-world -t http-rust", 0, "cd hello-world");
    check("casemate new x", 64, "--template");
    check("casemate new x -t cobol", 64, "http-python");
    check("casemate new ../x -t http-rust", 1, "error[E0105]");
    check("casemate new async -t http-rust", 1, "error[E0105]");
    check("casemate new async -t http-python", 0, "cd async");
    let json = typed("casemate new y -t http-rust --dir 'a y' --format json", dir.path());
    let json: Value = serde_json::from_str(&out(&json)).expect("json");
    assert_eq!(json["next"][0], "cd 'a y'");
    assert_eq!(std::fs::read_dir(dir.path().join("one")).expect("there").count(), 8);
}
