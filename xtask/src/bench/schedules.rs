//! Ten thousand schedules: what they cost while none is due, and how they are all followed when they
//! are due in the same second.

use super::Bench;
use super::machine::{cpu_time, resident_kib};
use super::node::{Home, Node};
use super::report::{Row, Section};
use crate::program::say;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Schedules, of functions with as many as one may have.
const SCHEDULES: usize = 10_000;
/// Schedules of one function.
const EACH: usize = 100;
/// Functions of one application.
const PER_APPLICATION: usize = 10;
/// How long an idle node is looked at.
const LOOK: Duration = Duration::from_secs(30);
/// Most of one processor that an idle node may take.
const IDLE_MAX: f64 = 0.01;
/// How long all calls of one second may take.
const LONGEST: Duration = Duration::from_secs(300);

/// Looks at a node with schedules that are due in a year, and then has them be due together.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let home = Home::new(bench, "schedules")?;
    let node = Node::start(bench, &home, "")?;
    let component = node.upload(&bench.component("hello")?)?;
    let before = idle(&node)?;
    let begin = Instant::now();
    deploy(&node, &component, "0 0 1 1 *")?;
    let deployed = begin.elapsed();
    let with = idle(&node)?;
    say("bench: schedules: all at once");
    // Far enough away that the last of them is deployed before.
    let due = minutes_ahead(deployed.as_secs() / 60 + 2);
    deploy(&node, &component, &due)?;
    let (took, cpu) = followed(&node)?;
    let resident = resident_kib(node.pid(), "VmRSS")?;
    node.stop()?;
    let percent = |share: f64| format!("{:.2} % of a processor", share * 100.0);
    Ok(Section {
        title: "schedules",
        how: format!(
            "{SCHEDULES} schedules of {} functions, {EACH} each. An idle node is looked at for {} s; \
             then all are due in one second, and each call has run.\n",
            SCHEDULES / EACH,
            LOOK.as_secs()
        ),
        rows: vec![
            Row::barred("idle, none of them due", percent(with), "< 1 %", with < IDLE_MAX),
            Row::plain("idle without schedules", percent(before)),
            Row::plain("all due in one second: from the first call to the last", seconds(took)),
            Row::plain("processor time of that", seconds(cpu)),
            Row::plain("resident after it", format!("{} MiB", resident >> 10)),
            Row::plain("all deployments", seconds(deployed)),
        ],
    })
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// The share of one processor that a node takes which has nothing to do.
fn idle(node: &Node) -> Result<f64> {
    sleep(Duration::from_secs(2));
    let (begin, before) = (Instant::now(), cpu_time(node.pid())?);
    sleep(LOOK);
    let used = cpu_time(node.pid())?.saturating_sub(before);
    Ok(used.as_secs_f64() / begin.elapsed().as_secs_f64())
}

/// `cron` for a minute of today or tomorrow, in UTC.
fn minutes_ahead(minutes: u64) -> String {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let minute = now.as_secs() / 60 + minutes;
    format!("{} {} * * *", minute % 60, minute / 60 % 24)
}

fn deploy(node: &Node, digest: &str, cron: &str) -> Result<()> {
    let functions: Vec<Value> =
        (0..SCHEDULES / EACH).map(|at| function(at, digest, cron)).collect();
    for (at, functions) in functions.chunks(PER_APPLICATION).enumerate() {
        node.deploy_specs(&format!("schedules-{at}"), functions)?;
    }
    Ok(())
}

fn function(number: usize, digest: &str, cron: &str) -> Value {
    let schedules: Vec<Value> =
        (0..EACH).map(|at| json!({ "name": format!("s{number}-{at}"), "cron": cron })).collect();
    json!({ "name": format!("f{number}"), "digest": digest, "cpu": "5s", "schedule": schedules })
}

/// Waits until calls are there, and then until none is left. How long that took, and the node's
/// processor time.
fn followed(node: &Node) -> Result<(Duration, Duration)> {
    let deadline = Instant::now() + LONGEST;
    while node.waiting()? == 0 {
        ensure!(Instant::now() < deadline, "no schedule was followed");
        sleep(Duration::from_millis(100));
    }
    let (begin, before) = (Instant::now(), cpu_time(node.pid())?);
    let deadline = begin + LONGEST;
    let mut quiet = 0;
    // An empty queue may be one that more comes into.
    while quiet < 5 {
        ensure!(Instant::now() < deadline, "calls are left after {} s", LONGEST.as_secs());
        sleep(Duration::from_millis(200));
        quiet = if node.waiting()? == 0 { quiet + 1 } else { 0 };
    }
    Ok((begin.elapsed(), cpu_time(node.pid())?.saturating_sub(before)))
}
