//! What records cost: a node as it is released, against one built to keep none; on a function that
//! asks for nothing, and on one that makes five key-value calls.

use super::Bench;
use super::http::{Client, Request};
use super::load;
use super::node::{Home, Node};
use super::report::{Row, Section};
use super::stats::{median, range};
use super::throughput;
use crate::program::say;
use anyhow::{Result, ensure};
use serde_json::json;

/// A request that is measured, and most of the throughput that records may cost it.
struct Case {
    name: &'static str,
    path: &'static str,
    bar: &'static str,
    loss_max: f64,
}

const CASES: [Case; 2] = [
    Case { name: "hello", path: "/hello", bar: "<= 5 %", loss_max: 0.05 },
    Case {
        name: "five key-value calls",
        path: "/kv/draft/five?store=default&key=a",
        bar: "<= 10 %",
        loss_max: 0.1,
    },
];

/// Requests per second with records, and without.
type Pairs = Vec<(f64, f64)>;

/// A node with both functions, and what opens them.
struct Side {
    node: Node,
    token: String,
}

/// Runs the pairs of each case.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    load::need()?;
    let without = bench.unrecorded()?;
    let homes = [Home::new(bench, "with-records")?, Home::new(bench, "without-records")?];
    let [with_home, without_home] = &homes;
    let sides = [
        Side::of(bench, Node::start(bench, with_home, "")?)?,
        Side::of(bench, Node::start_program(bench, &without, without_home, "")?)?,
    ];
    let mut all = Vec::new();
    for case in &CASES {
        all.push(pairs(bench, &sides, case)?);
    }
    sides.into_iter().try_for_each(|side| side.node.stop())?;
    Ok(section(&all))
}

fn pairs(bench: &Bench, sides: &[Side; 2], case: &Case) -> Result<Pairs> {
    let run = |side: &Side, seconds: u64| -> Result<f64> {
        let (address, token) = (&side.node.gateway, Some(side.token.as_str()));
        Ok(load::run(bench, address, case.path, token, seconds)?.per_second)
    };
    let [with, without] = sides;
    run(with, 2)?;
    run(without, 2)?;
    let mut pairs = Vec::new();
    for number in 1..=bench.options.pairs {
        let (a, b) = (run(with, bench.options.seconds)?, run(without, bench.options.seconds)?);
        say(&format!("bench: {}, pair {number}: {a:.0}/s with, {b:.0}/s without", case.name));
        pairs.push((a, b));
    }
    Ok(pairs)
}

impl Side {
    /// Deploys both functions, and writes the cell that is read.
    fn of(bench: &Bench, node: Node) -> Result<Self> {
        let hello = throughput::deploy(&node, &bench.component("hello")?)?;
        let digest = node.upload(&bench.component("stateful")?)?;
        let function = json!({
            "name": "kv", "digest": digest, "allow": { "keyvalue": { "default": "read-write" } },
            "http": [{ "route": "GET /kv/{*rest}", "auth": "public" }],
        });
        node.deploy_specs("kv", &[function])?;
        let side = Self { node, token: hello };
        side.says("/kv/draft/set?store=default&key=a&value=42", "set")?;
        side.says("/kv/draft/five?store=default&key=a", "5 of 5")?;
        Ok(side)
    }

    /// Makes sure that what is measured is what is meant.
    fn says(&self, path: &str, expected: &str) -> Result<()> {
        let reply = Client::connect(&self.node.gateway)?.send(&Request::get(path, None))?;
        let said = String::from_utf8_lossy(&reply.body);
        ensure!(
            said.trim() == expected,
            "{path} says `{}` and not `{expected}`: run `cargo xtask guests`",
            said.trim()
        );
        Ok(())
    }
}

fn section(all: &[Pairs]) -> Section {
    let rows = CASES.iter().zip(all).flat_map(|(case, pairs)| rows(case, pairs));
    Section {
        title: "records",
        how: "Two functions, on a node as it is released and on one built with the feature \
              `danger-no-records`, which drops every entry of the journal; in turn.\n\
              `hello` is as above. The other one reads one key of its store five times: each read \
              is decided, charged, done and, on the first node, recorded.\n\
              What the broker costs beside the record is in both.\n"
            .to_owned(),
        rows: rows.collect(),
    }
}

fn rows(case: &Case, pairs: &Pairs) -> [Row; 3] {
    let losses: Vec<f64> = pairs.iter().map(|(with, without)| 1.0 - with / without).collect();
    let ((low, high), loss) = (range(&losses), median(&losses));
    let of = |pick: fn(&(f64, f64)) -> f64| {
        format!("{:.0}/s", median(&pairs.iter().map(pick).collect::<Vec<_>>()))
    };
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let text = format!("{} ({} to {})", percent(loss), percent(low), percent(high));
    let what = |text: &str| format!("{}: {text}", case.name);
    [
        Row::barred(
            what("throughput that records cost, median"),
            text,
            case.bar,
            loss <= case.loss_max,
        ),
        Row::plain(what("with records, median"), of(|pair| pair.0)),
        Row::plain(what("without records, median"), of(|pair| pair.1)),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::report::Bar;
    use super::*;

    #[test]
    fn each_case_has_a_bar_of_its_own() {
        let pairs = vec![(93.0, 100.0), (92.0, 100.0), (94.0, 100.0)];
        let held = |case: &Case| matches!(rows(case, &pairs)[0].bar, Bar::At(_, true));
        assert_eq!(CASES.map(|case| held(&case)), [false, true], "7 %");
        assert_eq!(section(&[pairs.clone(), pairs]).rows.len(), 6);
    }
}
