//! A function at 20 % load with and without neighbours that compute for ever.

use super::Bench;
use super::http::{Client, Request};
use super::load;
use super::node::{Function, Home, Node};
use super::paced::{self, Answers, Plan};
use super::report::{Row, Section};
use super::stats::median;
use super::throughput;
use crate::program::say;
use anyhow::{Context as _, Result, ensure};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Requests that loop at a time.
const LOOPERS: u32 = 4;
/// Connections of the load generator when it does not pause.
const CONNECTIONS: u32 = 32;
/// An epoch's length, which is how long a guest computes before it must let others: the default of
/// `epoch_ms` in `crates/wasm/src/config.rs`.
const TICK_MS: f64 = 5.0;

/// Runs the pairs.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    load::need()?;
    let home = Home::new(bench, "loopers")?;
    let node = Node::start(bench, &home, "")?;
    let token = throughput::deploy(&node, &bench.component("hello")?)?;
    let digest = node.upload(&bench.component("misbehave")?)?;
    let looper = Function {
        name: "misbehave",
        digest: &digest,
        route: "GET /loop",
        auth: "token",
        cpu: "1s",
    };
    node.deploy("misbehave", &[looper])?;
    let looping = node.token("looper", &["misbehave"])?;
    let seconds = bench.options.seconds;
    let full = || load::run(bench, &node.gateway, "/hello", Some(&token), seconds);
    let most = full()?.per_second;
    let rate = most / 5.0;
    let plan = Plan {
        address: node.gateway.clone(),
        path: "/hello".to_owned(),
        token: token.clone(),
        rate,
        seconds,
    };
    let mut pairs = Vec::new();
    for number in 1..=bench.options.pairs {
        let alone = paced::follow(bench, &plan)?;
        let loopers = Loopers::start(&node.gateway, &looping)?;
        let beside = paced::follow(bench, &plan)?;
        loopers.stop()?;
        say(&format!(
            "bench: pair {number}: p99 {:.2} ms alone, {:.2} ms beside loopers",
            alone.p99_ms, beside.p99_ms
        ));
        pairs.push((alone, beside));
    }
    let loopers = Loopers::start(&node.gateway, &looping)?;
    let throttled = full()?.per_second;
    let ended = loopers.stop()?;
    node.stop()?;
    Ok(section(&pairs, rate, [most, throttled], ended))
}

fn section(
    pairs: &[(Answers, Answers)],
    rate: f64,
    [most, throttled]: [f64; 2],
    ended: u64,
) -> Section {
    let of =
        |pick: fn(&(Answers, Answers)) -> f64| median(&pairs.iter().map(pick).collect::<Vec<_>>());
    let rise = of(|(alone, beside)| beside.p99_ms - alone.p99_ms);
    let loss = 1.0 - throttled / most;
    let share = f64::from(LOOPERS) / f64::from(LOOPERS + CONNECTIONS);
    Section {
        title: "loopers",
        how: format!(
            "`hello` at a fifth of its full rate ({rate:.0}/s, sent on schedule over {} connections), \
             alone and beside {LOOPERS} requests that loop until their CPU limit of 1 s and are sent again.\n\
             An epoch tick is {TICK_MS} ms.\n\
             Throughput: `wrk {}` without a pause, alone and beside the loopers; the time beyond \
             the loopers' share is what they should not get.\n\
             {ended} looping requests ended at their limit during the last run.\n",
            paced::CONNECTIONS,
            load::SHAPE
        ),
        rows: vec![
            Row::barred(
                "rise of p99, median of pairs",
                format!("{rise:.2} ms"),
                "<= 5 ms, one tick",
                rise <= TICK_MS,
            ),
            Row::plain("p99 alone", format!("{:.2} ms", of(|pair| pair.0.p99_ms))),
            Row::plain("p99 beside loopers", format!("{:.2} ms", of(|pair| pair.1.p99_ms))),
            Row::plain("p50 alone", format!("{:.2} ms", of(|pair| pair.0.p50_ms))),
            Row::plain("p50 beside loopers", format!("{:.2} ms", of(|pair| pair.1.p50_ms))),
            Row::plain("full rate alone", format!("{most:.0}/s")),
            Row::plain("full rate beside loopers", format!("{throttled:.0}/s")),
            Row::plain(
                format!(
                    "loss of throughput ({LOOPERS} of {} requests loop: {:.0} %)",
                    LOOPERS + CONNECTIONS,
                    share * 100.0
                ),
                format!("{:.0} %", loss * 100.0),
            ),
        ],
    }
}

/// Requests that loop, sent again as soon as they are ended.
struct Loopers {
    stop: Arc<AtomicBool>,
    ended: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Result<()>>>,
}

impl Loopers {
    fn start(address: &str, token: &str) -> Result<Self> {
        let (stop, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let threads = (0..LOOPERS)
            .map(|_| {
                let (stop, ended) = (Arc::clone(&stop), Arc::clone(&ended));
                let (address, token) = (address.to_owned(), token.to_owned());
                std::thread::spawn(move || turn(&address, &token, &stop, &ended))
            })
            .collect();
        // All of them are under way before anybody is measured.
        std::thread::sleep(Duration::from_millis(200));
        Ok(Self { stop, ended, threads })
    }

    /// Lets the last round end; gives back how many requests ended at their limit.
    fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().ok().context("a looper's thread failed")??;
        }
        Ok(self.ended.load(Ordering::Relaxed))
    }
}

fn turn(address: &str, token: &str, stop: &AtomicBool, ended: &AtomicU64) -> Result<()> {
    let mut client = Client::connect(address)?;
    while !stop.load(Ordering::Relaxed) {
        let reply = client.send(&Request::get("/loop", Some(token)))?;
        let text = String::from_utf8_lossy(&reply.body);
        ensure!(reply.status == 504, "a looper was answered {}: {text}", reply.status);
        ended.fetch_add(1, Ordering::Relaxed);
        if reply.last {
            client = Client::connect(address)?;
        }
    }
    Ok(())
}
