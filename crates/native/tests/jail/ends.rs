//! Whatever ends, and however: nothing of a jail is left.

use crate::Test;
use crate::modes::{BOTH, EVERYBODY};
use crate::rig::{Rig, Starter, launchers, processes, python};
use casemate_native::jail::{JailError, Launcher};
use rustix::process::{Pid, Signal, kill_process};
use std::sync::Arc;

pub(crate) const TESTS: &[Test] = &[
    ("a_jail_that_ended_leaves_nothing", BOTH, leaves_nothing),
    ("the_launchers_death_leaves_nothing", EVERYBODY, launcher_dies),
    ("the_death_of_either_of_its_processes_leaves_nothing", EVERYBODY, first_dies),
    ("what_a_crash_of_all_leaves_is_taken_away_by_the_next_start", EVERYBODY, all_die),
    ("the_nodes_end_leaves_nothing", EVERYBODY, node_leaves),
    ("another_launcher_takes_over", EVERYBODY, next_launcher),
    ("a_jail_that_nobody_waits_for_is_not_made", EVERYBODY, given_up),
];

fn script(rig: &Rig) -> (String, String) {
    let marker = format!("# {}", rig.settings.tag);
    let script = format!("import os, sys\nos.fork()\nsys.stdin.read() {marker}");
    (script, marker)
}

fn mounts() -> usize {
    std::fs::read_to_string("/proc/self/mountinfo").expect("mounts").lines().count()
}

fn leaves_nothing() {
    let rig = Rig::new();
    let (script, marker) = script(&rig);
    let before = mounts();
    for _ in 0..3 {
        let jail = rig.jail(python(&script)).expect("a jail");
        assert_eq!(mounts(), before);
        jail.kill();
        rig.wait(jail.ended());
    }
    assert_eq!(processes(&marker), []);
    rig.until("the control groups of jails are gone", || {
        rig.groups().iter().all(|group| !group.join("jail-0").exists())
    });
}

/// Has two jails run, one of them frozen, does something, and looks that nothing is left.
fn nothing_is_left_after(what: impl FnOnce(Rig, &[i32])) {
    let rig = Rig::new();
    let (script, marker) = script(&rig);
    let tag = rig.settings.tag.clone();
    let before = mounts();
    let jails: Vec<_> = (0..2).map(|_| rig.jail(python(&script)).expect("a jail")).collect();
    jails[0].freeze().expect("frozen");
    assert!(!processes(&marker).is_empty());
    let launcher = launchers(&tag);
    assert_eq!(launcher.len(), 2, "two processes of the launcher");
    // As if they were forgotten: nobody ends them one by one.
    std::mem::forget(jails);
    what(rig, &launcher);
    crate::rig::until("no process of a jail is left", || processes(&marker).is_empty());
    crate::rig::until("no launcher is left", || launchers(&tag).is_empty());
    crate::rig::until("no control group is left", || crate::rig::groups(&tag).is_empty());
    assert_eq!(mounts(), before);
}

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).expect("a process"), Signal::KILL).expect("killed");
}

fn launcher_dies() {
    // The one that the jails are in.
    nothing_is_left_after(|rig, launcher| {
        kill(launcher[1]);
        std::mem::forget(rig);
    });
}

fn first_dies() {
    nothing_is_left_after(|rig, launcher| {
        kill(launcher[0]);
        std::mem::forget(rig);
    });
}

fn all_die() {
    nothing_is_left_after(|rig, launcher| {
        kill_process(Pid::from_raw(launcher[0]).expect("one"), Signal::STOP).expect("stopped");
        kill(launcher[1]);
        kill(launcher[0]);
        crate::rig::until("both are gone", || launchers(&rig.settings.tag).is_empty());
        let next = Launcher::start(Arc::new(Starter), &rig.settings, rig.runtime.handle().clone());
        rig.wait(next.expect("a launcher").facts()).expect("ready");
        std::mem::forget(rig);
    });
}

fn node_leaves() {
    nothing_is_left_after(|rig, _| {
        // All of its descriptors go, and its tasks.
        rig.runtime.shutdown_background();
    });
}

fn next_launcher() {
    let rig = Rig::new();
    let jail = rig.jail(python("import sys; sys.stdin.read()")).expect("a jail");
    kill(launchers(&rig.settings.tag)[1]);
    let ended = rig.wait(jail.ended());
    assert_eq!((ended.code, ended.signal), (None, None));
    assert!(matches!(rig.wait(jail.assign(&Default::default())), Err(JailError::Launcher(_))));
    rig.until("another launcher makes jails", || {
        rig.jail(python("print(1)")).is_ok_and(|mut jail| rig.rest(&mut jail).1 == "1\n")
    });
}

fn given_up() {
    let rig = Rig::new();
    let (script, marker) = script(&rig);
    rig.runtime.block_on(async {
        for _ in 0..5 {
            // Polled once, and dropped.
            let mut making = std::pin::pin!(rig.launcher.jail(python(&script)));
            tokio::select! {
                biased;
                _ = &mut making => {}
                () = std::future::ready(()) => {}
            }
        }
    });
    // Whatever was asked for before this one is done with.
    assert_eq!(rig.run(python("print(1)")).1, "1\n");
    rig.until("no process is left", || processes(&marker).is_empty());
}
