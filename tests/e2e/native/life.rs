//! How processes of native functions begin, wait and end, and what is left of them: nothing.

use super::place::{Place, Trace, Who, function, handler, server, until};
use crate::rig::Node;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// A place with a function that remembers.
fn open(who: Who, more: &str) -> Place {
    let place = Place::open(who);
    place.write("app/alive.py", include_str!("alive.py"));
    place.write("app/together.py", include_str!("together.py"));
    let native = format!("{}{more}", handler("alive.handler"));
    place.deploy(&function("alive", "timeout = \"60s\"", &native));
    place
}

/// Whether a process is there. One that has ended and that nobody has asked about is not.
fn is_there(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Calls a function in a thread of its own, and waits until it is in hand.
fn in_hand<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    place: &'scope Place,
    path: &'static str,
) -> thread::ScopedJoinHandle<'scope, crate::rig::Reply> {
    let call = scope.spawn(move || place.get(path));
    until("the function has begun", || {
        let text = place.node.ok(&["logs", "-n", "1000", "--function", "alive"]);
        text.contains("begun")
    });
    call
}

fn killed(who: Who) {
    let place = open(who, "");
    let trace = thread::scope(|scope| {
        let call = in_hand(scope, &place, "/alive/endless");
        let trace = place.trace();
        let groups = trace.groups();
        assert!(!trace.serving().is_empty() && !groups.is_empty(), "{groups:?}");
        place.node.signal("KILL");
        let reply = call.join().expect("a thread");
        assert_eq!(reply.status, 0, "{reply:?}");
        trace
    });
    let mut place = place;
    place.node.wait();
    trace.is_gone();
    if who == Who::Root {
        let again = Node::start_on(place.node.home(), &[]);
        assert_eq!(again.get("/alive/x", None).status, 200, "{}", again.said());
    }
}

#[test]
fn nothing_is_left_of_a_node_that_was_killed() {
    killed(Who::Root);
}

#[test]
fn nothing_is_left_of_an_ordinary_users_node_that_was_killed() {
    killed(Who::User);
}

fn launcher_killed(who: Who) {
    let place = open(who, "");
    let (old, jailed) = thread::scope(|scope| {
        let call = in_hand(scope, &place, "/alive/endless");
        let trace = place.trace();
        let jailed = trace.jailed();
        kill(trace.launcher());
        let reply = call.join().expect("a thread");
        let record = place.node.ended(&reply);
        assert_eq!((reply.status, reply.code().as_str()), (502, "E0401"), "{record}");
        (trace.launcher(), jailed)
    });
    assert!(!jailed.is_empty());
    // Everything of the old one goes, and there is a new one for who calls.
    assert_eq!(place.json("/alive/x")["count"], 1);
    assert_ne!(place.trace().launcher(), old);
    until("the old jails are gone", || jailed.iter().all(|pid| !is_there(*pid)));
    assert_eq!(place.json("/alive/x")["count"], 2);
    // And a second time, with nothing in hand.
    let jailed = place.trace().jailed();
    kill(place.trace().launcher());
    until("the jails are gone", || jailed.iter().all(|pid| !is_there(*pid)));
    assert_eq!(place.json("/alive/x")["count"], 1);
    stops(place);
}

fn kill(pid: u32) {
    let done = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(done.expect("kill runs").success());
    until("it is gone", || !is_there(pid));
}

/// Ends a node as it should be; nothing is left.
fn stops(mut place: Place) {
    let trace: Trace = place.trace();
    assert_eq!(place.node.stop(), Some(0));
    trace.is_gone();
}

#[test]
fn a_launcher_that_was_killed_is_started_again() {
    launcher_killed(Who::Root);
}

#[test]
fn a_launcher_of_an_ordinary_user_that_was_killed_is_started_again() {
    launcher_killed(Who::User);
}

fn told_to_end(who: Who) {
    let place = open(who, "");
    let (trace, code) = thread::scope(|scope| {
        let call = in_hand(scope, &place, "/alive/slow");
        let trace = place.trace();
        place.node.signal("TERM");
        let reply = call.join().expect("a thread");
        assert_eq!(reply.status, 200, "what is in hand is finished: {reply:?}");
        (trace, reply.status)
    });
    assert_eq!(code, 200);
    let mut place = place;
    assert_eq!(place.node.wait(), Some(0));
    trace.is_gone();
}

#[test]
fn a_node_that_is_told_to_end_finishes_what_it_has_and_leaves_nothing() {
    told_to_end(Who::Root);
}

#[test]
fn an_ordinary_users_node_that_is_told_to_end_leaves_nothing_either() {
    told_to_end(Who::User);
}

#[test]
fn a_process_that_has_nothing_to_do_goes_even_if_it_is_deaf() {
    let place = Place::open(Who::Root);
    place.write("app/alive.py", include_str!("alive.py"));
    place.write("app/bad_server.py", include_str!("bad_server.py"));
    let idle = "idle = \"1s\"\n";
    let grace =
        format!("{}{idle}[function.native.server]\ngrace = \"1s\"", server("bad_server.py"));
    let functions = [
        function("alive", "", &format!("{}{idle}", handler("alive.handler"))),
        function("deaf", "", &grace),
    ];
    place.deploy(&functions.concat());
    assert_eq!(place.json("/alive/x")["count"], 1);
    assert_eq!(place.get("/deaf/fine").text(), "fine");
    let trace = place.trace();
    until("both are gone", || trace.serving().is_empty());
    assert_eq!(place.json("/alive/x")["count"], 1, "a new one");
}

#[test]
fn two_hundred_functions_that_nobody_calls_cost_no_process() {
    let place = open(Who::Root, "");
    place.json("/alive/x");
    let native = format!("{}idle = \"1s\"", handler("alive.handler"));
    let names: Vec<String> = (0..200).map(|number| format!("f{number}")).collect();
    let all: String = names.iter().map(|name| function(name, "", &native)).collect();
    place.deploy(&all);
    let trace = place.trace();
    assert!(trace.serving().len() <= 1);
    for name in names.iter().step_by(8) {
        assert_eq!(place.json(&format!("/{name}/x"))["count"], 1);
    }
    // The function that was there before is kept longer.
    until("only who waits for a function is left", || trace.serving().len() <= 1);
    assert!(trace.jailed().len() <= 5, "{:?}", trace.jailed());
}

#[test]
fn a_fresh_process_sees_nothing_of_the_one_before() {
    let place = open(Who::Root, "fresh = true");
    for _ in 0..3 {
        let said = place.json("/alive/x");
        assert_eq!((&said["count"], &said["seen"]), (&1.into(), &false.into()), "{said}");
    }
    let trace = place.trace();
    until("each has gone with its invocation", || trace.serving().is_empty());
}

#[test]
fn a_process_that_is_kept_sees_what_it_had() {
    let place = open(Who::Root, "");
    assert_eq!(place.json("/alive/x")["seen"], false);
    let said = place.json("/alive/x");
    assert_eq!((&said["count"], &said["seen"]), (&2.into(), &true.into()), "{said}");
}

#[test]
fn four_requests_are_in_hand_of_one_process() {
    let place = Place::open(Who::Root);
    place.write("app/together.py", include_str!("together.py"));
    let native = format!("{}parallel = 4", server("together.py"));
    place.deploy(&function("together", "timeout = \"60s\"", &native));
    let place = &place;
    let pids: Vec<String> = thread::scope(|scope| {
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(|| place.get("/together/all"))).collect();
        let replies = calls.into_iter().map(|call| call.join().expect("a thread"));
        replies.map(|reply| format!("{} {}", reply.status, reply.text())).collect()
    });
    assert!(pids.iter().all(|said| said == &pids[0] && said.starts_with("200 ")), "{pids:?}");
    assert_eq!(place.trace().serving().len(), 1);
}

#[test]
fn as_many_are_kept_as_the_manifest_provides() {
    let place = open(Who::Root, "provisioned = 3\nidle = \"1s\"");
    let trace = place.trace();
    until("three are there before somebody calls", || trace.serving().len() == 3);
    until("they wait", || frozen(&trace.groups()));
    assert_eq!(place.json("/alive/x")["began"], "provisioned-concurrency");
    thread::sleep(Duration::from_secs(3));
    assert_eq!(trace.serving().len(), 3, "they stay");
    let before = trace.serving();
    assert_eq!(place.get("/alive/ends").status, 502);
    until("the one that ended is replaced", || {
        let serving = trace.serving();
        serving.len() == 3 && serving != before
    });
    // Nobody provides for a revision that was replaced.
    let native = format!("{}idle = \"1s\"", handler("alive.handler"));
    place.deploy(&function("alive", "", &native));
    assert_eq!(place.json("/alive/x")["began"], "on-demand");
    until("all are gone", || trace.serving().is_empty());
}

#[test]
fn what_the_manifest_provides_is_there_again_after_a_restart() {
    let mut place = open(Who::Root, "provisioned = 2");
    until("two are there", || place.trace().serving().len() == 2);
    place.node.signal("TERM");
    place.node.wait();
    let home = place.node.home().to_owned();
    place.node = Node::start_on(&home, &[]);
    until("two are there again", || place.trace().serving().len() == 2);
}

/// What a freezer says of its groups.
fn frozen(groups: &[std::path::PathBuf]) -> bool {
    groups.iter().any(|group| {
        let state = |file: &str| std::fs::read_to_string(Path::new(group).join(file));
        state("freezer.state").is_ok_and(|said| said.trim() == "FROZEN")
            || state("cgroup.freeze").is_ok_and(|said| said.trim() == "1")
    })
}

fn stands_still(who: Who) {
    let place = open(who, "");
    assert_eq!(place.json("/alive/x")["count"], 1);
    let trace = place.trace();
    until("it is frozen", || frozen(&trace.groups()));
    thread::sleep(Duration::from_secs(2));
    let said = place.json("/alive/x");
    let gap = said["gap"].as_f64().expect("seconds");
    assert!(gap > 1.5 && said["count"] == 2, "its thread went on: {said}");
}

#[test]
fn nothing_goes_on_between_invocations() {
    stands_still(Who::Root);
}

#[test]
fn nothing_goes_on_between_an_ordinary_users_invocations() {
    stands_still(Who::User);
}
