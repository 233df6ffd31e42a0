//! Measures detection: how fast, how much of what is there, and how many false hits in ordinary
//! logs. `cargo run --release -p casemate-protect --example detect [MIB_OF_LOGS]`
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program for measuring"
)]

#[path = "../tests/quality/ids.rs"]
mod ids;
#[path = "../tests/quality/logs.rs"]
mod logs;
#[path = "../tests/quality/measure.rs"]
mod measure;
#[path = "../tests/quality/random.rs"]
mod random;
#[path = "../tests/quality/sample.rs"]
mod sample;

use casemate_protect::detect::{Action, Actions, Detector, Exact, Masker, Scanner};
use model::data::BuiltIn;
use random::Random;
use std::time::Duration;

/// How much is looked at for a speed, in bytes.
const SPEED: usize = 64 << 20;
/// How much a door hands over at once, in bytes.
const PIECE: usize = 16 * 1024;
/// How much of the logs is made at once, in bytes.
const BLOCK: usize = 8 << 20;

fn main() {
    let mib: u64 = std::env::args().nth(1).map_or(1024, |text| text.parse().expect("a number"));
    let detector = Detector::built_in().expect("built");
    speeds(&detector);
    false_hits(&detector, mib);
    println!(
        "\n{}",
        measure::table(&detector, &measure::measure(&detector, &sample::make(1, 400, 4)))
    );
}

fn text(of: impl Fn(&mut Random, &mut String)) -> String {
    let (mut random, mut text) = (Random(11), String::new());
    while text.len() < SPEED {
        of(&mut random, &mut text);
    }
    text
}

fn speeds(detector: &Detector) {
    let logs = text(logs::line);
    let json = text(|random, out| {
        let mut line = String::new();
        logs::line(random, &mut line);
        if line.starts_with('{') {
            out.push_str(&line);
        }
    });
    let dense = sample::make(3, 9000, 1).text;
    for (name, text) in [("logs", &logs), ("JSON", &json), ("a value on every second line", &dense)]
    {
        speed(name, text, || detector.scanner());
    }
    let values: Vec<String> =
        (0..100).map(|at| format!("value number {at} {}", at * 7919)).collect();
    let exact = Exact::new(values.iter().map(|it| (BuiltIn::Name.into(), it.as_bytes())));
    speed("logs, with 100 known values", &logs, || detector.scanner_knowing(&exact));
    let actions = Actions::observing(detector).on(detector, &BuiltIn::Pan.into(), Action::Mask);
    let began = cpu();
    let (mut masker, mut out) = (Masker::new(detector, None, &actions), Vec::new());
    for piece in logs.as_bytes().chunks(PIECE) {
        out.clear();
        masker.feed(piece, &mut out, |_| {}).expect("nothing is blocked");
    }
    say("logs, written again with masks", logs.len(), began);
}

fn speed<'a>(name: &str, text: &str, scanner: impl Fn() -> Scanner<'a>) {
    let mut best = None;
    for _ in 0..3 {
        let began = cpu();
        let (mut scanner, mut found) = (scanner(), 0_u64);
        for piece in text.as_bytes().chunks(PIECE) {
            scanner.feed(piece, |_| found += 1);
        }
        scanner.finish(|_| found += 1);
        let took = cpu() - began;
        if best.is_none_or(|(_, other)| took < other) {
            best = Some((began, took));
        }
    }
    let (_, took) = best.expect("measured");
    println!("{name}: {:.0} MB/s", rate(text.len(), took));
}

/// The time for which this thread has computed: others are on this machine, too.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanos = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.expect("a number"))
}

fn say(name: &str, bytes: usize, began: Duration) {
    println!("{name}: {:.0} MB/s", rate(bytes, cpu() - began));
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn rate(bytes: usize, took: Duration) -> f64 {
    bytes as f64 / 1e6 / took.as_secs_f64()
}

fn false_hits(detector: &Detector, mib: u64) {
    let (mut random, mut block) = (Random(99), String::with_capacity(BLOCK + 4096));
    let (mut bytes, mut enforceable, mut observed) = (0_u64, 0_u64, 0_u64);
    let mut scanner = detector.scanner();
    let mut first = None;
    while bytes < mib << 20 {
        block.clear();
        while block.len() < BLOCK {
            logs::line(&mut random, &mut block);
        }
        scanner.feed(block.as_bytes(), |finding| {
            observed += 1;
            if detector.enforceable(&finding) {
                enforceable += 1;
                first = first.or(Some(finding));
            }
        });
        bytes += u64::try_from(block.len()).expect("small");
    }
    println!("false hits that may be enforced, in {mib} MiB of ordinary logs: {enforceable}");
    println!("false hits that are only observed, in {mib} MiB of ordinary logs: {observed}");
    if let Some(finding) = first {
        let rule = detector.rule(finding.rule).expect("known");
        println!("the first of them: {}, {}", rule.name, finding.confidence.name());
    }
}
