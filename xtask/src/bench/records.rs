//! What records cost: a node as it is released, against one built to keep none.

use super::Bench;
use super::load;
use super::node::{Home, Node};
use super::report::{Row, Section};
use super::stats::{median, range};
use super::throughput;
use crate::program::say;
use anyhow::Result;

/// Most of the throughput that records may cost.
const LOSS_MAX: f64 = 0.05;

/// Runs the pairs.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    load::need()?;
    let without = bench.unrecorded()?;
    let component = bench.component("hello")?;
    let homes = [Home::new(bench, "with-records")?, Home::new(bench, "without-records")?];
    let [with_home, without_home] = &homes;
    let nodes = [
        Node::start(bench, with_home, "")?,
        Node::start_program(bench, &without, without_home, "")?,
    ];
    let mut tokens = Vec::new();
    for node in &nodes {
        tokens.push(throughput::deploy(node, &component)?);
    }
    let run = |seconds: u64| -> Result<Vec<f64>> {
        let each = nodes.iter().zip(&tokens).map(|(node, token)| {
            Ok(load::run(bench, &node.gateway, "/hello", Some(token), seconds)?.per_second)
        });
        each.collect()
    };
    run(2)?;
    let mut pairs = Vec::new();
    for number in 1..=bench.options.pairs {
        if let [with, without] = run(bench.options.seconds)?[..] {
            say(&format!("bench: pair {number}: {with:.0}/s with, {without:.0}/s without"));
            pairs.push((with, without));
        }
    }
    nodes.into_iter().try_for_each(Node::stop)?;
    Ok(section(&pairs))
}

fn section(pairs: &[(f64, f64)]) -> Section {
    let losses: Vec<f64> = pairs.iter().map(|(with, without)| 1.0 - with / without).collect();
    let ((low, high), loss) = (range(&losses), median(&losses));
    let of = |pick: fn(&(f64, f64)) -> f64| {
        format!("{:.0}/s", median(&pairs.iter().map(pick).collect::<Vec<_>>()))
    };
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let text = format!("{} ({} to {})", percent(loss), percent(low), percent(high));
    Section {
        title: "records",
        how: "`hello` as above, on a node as it is released and on one built with the feature \
              `danger-no-records`, which drops every entry of the journal; in turn.\n"
            .to_owned(),
        rows: vec![
            Row::barred("throughput that records cost, median", text, "<= 5 %", loss <= LOSS_MAX),
            Row::plain("with records, median", of(|pair| pair.0)),
            Row::plain("without records, median", of(|pair| pair.1)),
        ],
    }
}
