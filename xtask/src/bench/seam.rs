//! What a process of the tenant's costs: the same function with `wasm.isolation = "tenant"`, against
//! the node's own process.

use super::Bench;
use super::load::{self, Load};
use super::node::{Home, Node};
use super::report::{Row, Section};
use super::stats::{median, range};
use super::throughput;
use crate::program::say;
use anyhow::Result;

/// Runs the pairs.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    load::need()?;
    let component = bench.component("hello")?;
    let homes = [Home::new(bench, "across-the-seam")?, Home::new(bench, "in-process")?];
    let [across_home, within_home] = &homes;
    let nodes = [
        Node::start(bench, across_home, "[wasm]\nisolation = \"tenant\"\n")?,
        Node::start(bench, within_home, "")?,
    ];
    let mut tokens = Vec::new();
    for node in &nodes {
        tokens.push(throughput::deploy(node, &component)?);
    }
    let run = |shape: &str, seconds: u64| -> Result<Vec<Load>> {
        let each = nodes.iter().zip(&tokens).map(|(node, token)| {
            let url = format!("http://{}/hello", node.gateway);
            load::run_as(bench, shape, &url, Some(token), seconds)
        });
        each.collect()
    };
    run(load::SHAPE, 2)?;
    let alone = run(load::ONE, bench.options.seconds)?;
    let mut pairs = Vec::new();
    for number in 1..=bench.options.pairs {
        if let [across, within] = &run(load::SHAPE, bench.options.seconds)?[..] {
            let (a, b) = (across.per_second, within.per_second);
            say(&format!("bench: pair {number}: {a:.0}/s across, {b:.0}/s in-process"));
            pairs.push((a, b));
        }
    }
    let children: Vec<u64> = nodes.first().map(children_kib).transpose()?.unwrap_or_default();
    nodes.into_iter().try_for_each(Node::stop)?;
    Ok(section(&pairs, &alone, &children))
}

/// Resident memory of the children of a node, in KiB.
fn children_kib(node: &Node) -> Result<Vec<u64>> {
    let own = node.pid().to_string();
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)
        };
        if field("PPid:") == Some(own.as_str()) {
            all.extend(field("VmRSS:").and_then(|value| value.parse::<u64>().ok()));
        }
    }
    Ok(all)
}

fn section(pairs: &[(f64, f64)], alone: &[Load], children: &[u64]) -> Section {
    let ratios: Vec<f64> = pairs.iter().map(|(across, within)| across / within).collect();
    let of = |pick: fn(&(f64, f64)) -> f64| {
        format!("{:.0}/s", median(&pairs.iter().map(pick).collect::<Vec<_>>()))
    };
    let (low, high) = range(&ratios);
    let text = format!("{:.2} ({low:.2} to {high:.2})", median(&ratios));
    let one = |at: usize| {
        alone.get(at).map_or_else(String::new, |load| {
            format!("{:.0}/s, p99 {:.2} ms", load.per_second, load.p99_ms)
        })
    };
    let memory: Vec<String> = children.iter().map(|kib| format!("{} MiB", kib / 1024)).collect();
    Section {
        title: "seam",
        how:
            "`hello` as above, on a node with `wasm.isolation = \"tenant\"`, whose guests run in a \
              process of their own, and on one without; in turn. Both processes share the servers' \
              core.\n"
                .to_owned(),
        rows: vec![
            Row::plain("throughput across the seam over in-process, median", text),
            Row::plain("across the seam, median", of(|pair| pair.0)),
            Row::plain("in-process, median", of(|pair| pair.1)),
            Row::plain("one connection, across the seam", one(0)),
            Row::plain("one connection, in-process", one(1)),
            Row::plain("resident memory of the tenant's process", memory.join(", ")),
        ],
    }
}
