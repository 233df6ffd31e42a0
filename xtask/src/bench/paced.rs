//! A load generator that sends at a steady rate, whatever the answers take.
//!
//! It runs as a process of its own, so that it can be pinned to a core. A request that could not
//! be sent in time because the one before was not answered is measured from when it should have
//! been sent, so that a stall is counted for every request that it delayed.

use super::Bench;
use super::http::{Client, Request};
use super::machine::Cores;
use super::stats::percentile;
use crate::program::{print, text_of};
use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Connections that share the rate: so many that none waits for its answer when the next request
/// is due, even if every answer takes a tick of 5 ms longer.
pub(super) const CONNECTIONS: u32 = 64;

/// What to send.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) address: String,
    pub(super) path: String,
    pub(super) token: String,
    /// Requests per second over all connections.
    pub(super) rate: f64,
    pub(super) seconds: u64,
}

/// What came back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Answers {
    pub(super) count: usize,
    pub(super) failed: usize,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// Runs a plan in a process of its own, on the load generator's core.
pub(super) fn follow(bench: &Bench, plan: &Plan) -> Result<Answers> {
    let own = std::env::current_exe().context("where this program is")?;
    let mut command = Cores::command(bench.cores.generator.as_deref(), &own);
    command.args(["bench", "__paced"]).arg(serde_json::to_string(plan)?);
    let text = text_of(&mut command)?;
    let answers: Answers = serde_json::from_str(&text)?;
    ensure!(answers.failed == 0, "{} of {} requests failed", answers.failed, answers.count);
    Ok(answers)
}

/// The process of its own.
pub(super) fn run(arguments: &[String]) -> Result<()> {
    let plan: Plan = serde_json::from_str(arguments.first().context("no plan")?)?;
    let begin = Instant::now() + Duration::from_millis(50);
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let plan = plan.clone();
            std::thread::spawn(move || send(&plan, begin, number))
        })
        .collect();
    let mut times = Vec::new();
    let mut failed = 0;
    for thread in threads {
        let (own, wrong) = thread.join().unwrap_or_default();
        times.extend(own);
        failed += wrong;
    }
    let answers = Answers {
        count: times.len() + failed,
        failed,
        p50_ms: percentile(&times, 50),
        p99_ms: percentile(&times, 99),
    };
    print(&serde_json::to_string(&answers)?);
    Ok(())
}

/// One connection's part: milliseconds of every answer, and how many were none.
fn send(plan: &Plan, begin: Instant, number: u32) -> (Vec<f64>, usize) {
    let step = Duration::from_secs_f64(f64::from(CONNECTIONS) / plan.rate.max(1.0));
    let end = begin + Duration::from_secs(plan.seconds);
    let mut due = begin + step / CONNECTIONS * number;
    let (mut times, mut failed) = (Vec::new(), 0);
    let mut client = Client::connect(&plan.address).ok();
    while due < end {
        // On time: the clock's own lateness is not the server's. Late: the server made us wait.
        let from = match due.checked_duration_since(Instant::now()) {
            Some(rest) => {
                std::thread::sleep(rest);
                Instant::now()
            }
            None => due,
        };
        let request = Request::get(&plan.path, Some(&plan.token));
        let reply = client.as_mut().and_then(|client| client.send(&request).ok());
        match reply {
            Some(reply) if reply.status == 200 => times.push(from.elapsed().as_secs_f64() * 1000.0),
            _ => {
                failed += 1;
                client = Client::connect(&plan.address).ok();
            }
        }
        due += step;
    }
    (times, failed)
}
