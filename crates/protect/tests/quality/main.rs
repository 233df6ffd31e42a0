//! How much of what is there is found, and how much is found that is none.
//!
//! The samples are the same in every run; `docs/reference/detection.md` is made from them.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test says what it expects"
)]

mod ids;
mod logs;
mod measure;
mod random;
mod sample;

use casemate_protect::detect::Detector;
use std::path::Path;

/// Values of each kind, and ordinary lines between them.
const EACH: usize = 400;
const BETWEEN: usize = 4;

/// The least precision and recall of a kind.
fn floor(kind: &str) -> (f64, f64) {
    match kind {
        "pan" => (0.99, 0.99),
        "ip" | "phone" => (0.95, 0.95),
        "assigned-secret" => (0.95, 0.95),
        _ => (0.99, 0.99),
    }
}

#[test]
fn every_class_is_found_as_well_as_is_promised() {
    let detector = Detector::built_in().expect("built");
    let all = measure::measure(&detector, &sample::make(1, EACH, BETWEEN));
    println!("{}", measure::table(&detector, &all));
    for (kind, quality) in &all {
        let (precision, recall) = floor(kind);
        assert!(quality.precision() >= precision, "{kind}: {quality:?}");
        assert!(quality.recall() >= recall, "{kind}: {quality:?}");
        assert_eq!(quality.enforced_wrong, 0, "{kind}: {quality:?}");
    }
    assert_eq!(all.len(), sample::KINDS.len());
}

#[test]
fn ordinary_logs_hold_nothing_that_may_be_enforced() {
    let detector = Detector::built_in().expect("built");
    let mut random = random::Random(7);
    let mut text = String::new();
    while text.len() < 8 << 20 {
        logs::line(&mut random, &mut text);
    }
    detector.scan(text.as_bytes(), b"", |finding| {
        let start = usize::try_from(finding.start).expect("small");
        let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let around = text[line..].lines().next();
        assert!(!detector.enforceable(&finding), "{finding:?} in {around:?}");
    });
}

/// The document that people read.
#[test]
fn the_reference_says_what_is_measured() {
    let detector = Detector::built_in().expect("built");
    let all = measure::measure(&detector, &sample::make(1, EACH, BETWEEN));
    let text = format!(
        "<!-- Made by `cargo xtask docs`; do not edit. -->\n\n# How well sensitive data is found\n\n\
         {EACH} generated values of each kind, among {} lines of ordinary logs with random ids, timestamps, digests and versions.\n\
         The samples are the same in every run; `crates/protect/tests/quality` makes them, and holds floors below these numbers.\n\
         Precision is the share of findings that are right, recall the share of values that are found.\n\
         What the words mean is in [Detection](../concepts/detection.md).\n\n{}",
        EACH * BETWEEN * sample::KINDS.len(),
        measure::table(&detector, &all)
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/detection.md");
    if std::env::var("UPDATE").is_ok() {
        std::fs::write(&path, &text).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, text, "run `cargo xtask docs`");
}
