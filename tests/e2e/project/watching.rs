//! A project that is watched while it changes, breaks, and is mended.

use super::{Going, LONG, Project, err, out, typed};
use crate::rig::{Node, casemate, example, guest};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Begins to watch, and waits until the function answers. Gives the command to try.
fn watch(project: &Project) -> (Going, String) {
    let mut watch = Going::start("exec casemate watch", project.path());
    watch.until("(deployment ");
    watch.until("try in another terminal");
    let command = watch.until("  curl");
    watch.until("waiting for changes");
    (watch, command)
}

fn says(command: &str) -> String {
    out(&typed(command, "/".as_ref()))
}

#[test]
fn a_broken_manifest_or_build_keeps_the_last_good_version_and_recovers() {
    let project = Project::copying(&example("hello"));
    let (mut watch, command) = watch(&project);
    assert_eq!(says(&command), "Hello from Casemate\n", "{command}");
    let good = project.read("casemate.toml");
    project.write("casemate.toml", &good.replace("auth", "atuh"));
    assert!(watch.until("error[E0103]").contains("did you mean `auth`?"));
    watch.until("the last good version goes on answering");
    assert_eq!(says(&command), "Hello from Casemate\n");
    project.write("casemate.toml", "");
    watch.until("error[E0104]");
    project.write("casemate.toml", &good.replace("cp input", "echo a reason; cp none"));
    watch.until("a reason");
    watch.until("error[E0141]");
    std::fs::remove_file(project.path().join("casemate.toml")).expect("removed");
    watch.until("error[E0118]");
    assert_eq!(says(&command), "Hello from Casemate\n");
    project.write("casemate.toml", &good);
    watch.until("is what it was");
    project.put(&example("echo"));
    watch.until("input.wasm changed");
    watch.until("is new");
    let echoed = says(&format!("{} --data-binary abc", command.trim()));
    assert_eq!(echoed, "abc");
    assert_eq!(watch.interrupt(), Some(0));
    // The home is whole, and the next watch goes on with it.
    let mut again = Going::start("exec casemate watch --format json", project.path());
    let event: Value = serde_json::from_str(&again.until("\"deployed\"")).expect("json");
    assert_eq!(event["unchanged"], true, "{event}");
    again.signal("TERM");
    assert_eq!(again.end().0, Some(0));
}

#[test]
fn changes_during_a_build_are_one_more_build_and_none_overlaps_another() {
    let project = Project::copying(&example("hello"));
    let record = tempfile::tempdir().expect("a directory");
    let log = record.path().join("log");
    let shown = log.display();
    project.manifest(
        &format!("echo begin >> {shown}; sleep 2; cp input.wasm made.wasm; echo end >> {shown}"),
        "",
    );
    let (mut watch, _) = watch(&project);
    project.write("note", "1");
    watch.until("note changed");
    // The build is under way; these are one change.
    for text in ["2", "3", "4"] {
        project.write("note", text);
        std::thread::sleep(Duration::from_millis(150));
    }
    watch.until("note changed");
    watch.until("is what it was");
    assert_eq!(watch.interrupt(), Some(0));
    let log = std::fs::read_to_string(&log).expect("a log");
    assert_eq!(log, "begin\nend\n".repeat(3), "one at a time, and no fourth");
}

#[test]
fn what_a_build_writes_does_not_make_it_go_round_for_ever() {
    let project = Project::copying(&example("hello"));
    project.manifest("date +%s%N > stamp; cp input.wasm made.wasm; cp input.wasm made.too", "");
    let (mut watch, _) = watch(&project);
    watch.until("every build changes stamp, so it is no longer watched");
    assert!(watch.until("hint").contains(".gitignore"));
    project.write("note", "1");
    watch.until("note changed");
    watch.until("is what it was");
    std::thread::sleep(Duration::from_millis(500));
    project.write("note", "2");
    watch.until("note changed");
    let rounds =
        watch.seen.iter().filter(|line| line.contains("changed") && !line.contains("every"));
    assert!(rounds.count() <= 5, "{}", watch.seen.join("\n"));
}

#[test]
fn what_functions_print_appears() {
    let project = Project::copying(&guest("misbehave"));
    let (mut watch, command) = watch(&project);
    let url = command.trim().trim_start_matches("curl ").trim_end_matches('/');
    says(&format!("curl -g '{url}/log?line=hello%1b[31m'"));
    assert_eq!(watch.until("f | hello"), "f | hello\\u{1b}[31m");
    watch.until("to standard error");
}

#[test]
fn a_command_that_was_killed_in_its_build_leaves_a_project_that_works() {
    let project = Project::copying(&example("hello"));
    let (mut first, _) = watch(&project);
    project.manifest("sleep 1; cp input.wasm made.wasm", "");
    first.until("casemate.toml changed");
    assert_eq!(first.interrupt(), Some(0), "Ctrl-C in a build is the ordinary end");
    let (mut killed, _) = watch(&project);
    killed.signal("KILL");
    killed.child.wait().expect("ends");
    let (again, command) = watch(&project);
    assert_eq!(says(&command), "Hello from Casemate\n");
    assert_eq!(again.interrupt(), Some(0));
}

#[test]
fn a_node_that_is_named_keeps_its_grants_to_itself() {
    let node = Node::start();
    let project = Project::copying(&example("hello"));
    let mut command = casemate();
    command.args(["watch", "--home"]).arg(node.home()).current_dir(project.path());
    let mut watch = Going::of(command);
    watch.until("is new");
    let tried = watch.until("invoke f");
    assert_eq!(node.get("/", None).status, 401, "nothing is granted");
    assert_eq!(says(&tried), "Hello from Casemate\n", "{tried}");
    assert_eq!(watch.interrupt(), Some(0));
    assert_eq!(node.json(&["functions"])["items"][0]["name"], "f", "the node goes on");
    assert!(!project.path().join(".casemate").exists());
    let nowhere = project.typed("casemate watch --home ./nothing");
    assert!(err(&nowhere).contains("error[E0606]"), "{}", err(&nowhere));
}

#[test]
fn a_second_watch_of_a_project_says_so() {
    let project = Project::copying(&example("hello"));
    let (first, _) = watch(&project);
    let begin = Instant::now();
    let second = project.typed("casemate watch");
    assert!(begin.elapsed() < LONG);
    assert_ne!(second.status.code(), Some(0));
    assert!(
        err(&second).contains("error[E0601]") || err(&second).contains("another"),
        "{}",
        err(&second)
    );
    assert_eq!(first.interrupt(), Some(0));
}
