//! What is found in whole texts and in streams.

mod custom;
mod known;
mod masking;
mod streams;
mod whole;

use super::*;

/// The built-in rules, reporting all.
fn all() -> Detector {
    Detector::built_in().expect("built").reporting(Confidence::Pattern)
}

/// The built-in rules as they are.
fn usual() -> Detector {
    Detector::built_in().expect("built")
}

/// Rule, text and confidence of what is found.
fn found(detector: &Detector, text: &str) -> Vec<(String, String, Confidence)> {
    let mut all = Vec::new();
    detector.scan(text.as_bytes(), b"", |finding| {
        let rule = detector.rule(finding.rule).expect("known").name.clone();
        let part = &text[usize::try_from(finding.start).expect("small")
            ..usize::try_from(finding.end).expect("small")];
        all.push((rule, part.to_owned(), finding.confidence));
    });
    all
}

#[test]
fn fuzzed_texts() {
    fuzzing::run("detect", 1500, fuzz::detect);
}
