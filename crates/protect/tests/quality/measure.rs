//! What a detector finds of what is there.

use crate::sample::{KINDS, Sample};
use casemate_protect::detect::{Detector, Finding};
use std::collections::{BTreeMap, BTreeSet};

/// How good one kind is found.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Quality {
    /// How many there are, how many of them were found, and how many were found that are none.
    pub(crate) there: u32,
    pub(crate) found: u32,
    pub(crate) wrong: u32,
    /// How many of the right and of the wrong ones were sure enough to be enforced.
    pub(crate) enforced: u32,
    pub(crate) enforced_wrong: u32,
}

impl Quality {
    pub(crate) fn precision(self) -> f64 {
        f64::from(self.found) / f64::from((self.found + self.wrong).max(1))
    }

    pub(crate) fn recall(self) -> f64 {
        f64::from(self.found) / f64::from(self.there.max(1))
    }
}

/// The kind that a rule is of.
fn kind(detector: &Detector, finding: &Finding) -> &'static str {
    let rule = detector.rule(finding.rule).expect("known");
    let known = KINDS.iter().find(|(name, _)| *name == rule.name);
    known.map_or("secret", |(name, _)| name)
}

/// Measures each kind.
pub(crate) fn measure(detector: &Detector, sample: &Sample) -> BTreeMap<&'static str, Quality> {
    let mut all: BTreeMap<&str, Quality> = BTreeMap::new();
    let mut truths = BTreeSet::new();
    for truth in &sample.truths {
        all.entry(truth.rule).or_default().there += 1;
        truths.insert((truth.start, truth.end, truth.rule));
    }
    let mut scanner = detector.scanner();
    let mut tell = |finding: Finding| {
        let kind = kind(detector, &finding);
        let quality = all.entry(kind).or_default();
        let enforced = u32::from(detector.enforceable(&finding));
        if truths.contains(&(finding.start, finding.end, kind)) {
            quality.found += 1;
            quality.enforced += enforced;
        } else {
            quality.wrong += 1;
            quality.enforced_wrong += enforced;
        }
    };
    scanner.feed(sample.text.as_bytes(), &mut tell);
    scanner.finish(tell);
    all
}

/// The table for people.
pub(crate) fn table(detector: &Detector, all: &BTreeMap<&'static str, Quality>) -> String {
    let mut out = String::from(
        "| rule | class | precision | recall | may be enforced | of what is found |\n|---|---|---|---|---|---|\n",
    );
    for (name, _) in KINDS {
        let quality = all.get(name).copied().unwrap_or_default();
        let rule = detector.rules().find(|(_, rule)| rule.name == *name).map(|(_, rule)| rule);
        let class = rule.map_or("secret".to_owned(), |rule| rule.class.to_string());
        let enforce = match rule {
            None => "from checksum on".to_owned(),
            Some(rule) => {
                rule.enforce.map_or("never".to_owned(), |it| format!("from {} on", it.name()))
            }
        };
        let name = if rule.is_none() { "keys by their form" } else { name };
        let share = f64::from(quality.enforced) / f64::from(quality.found.max(1)) * 100.0;
        out.push_str(&format!(
            "| {name} | `{class}` | {:.4} | {:.4} | {enforce} | {share:.0} % |\n",
            quality.precision(),
            quality.recall()
        ));
    }
    out
}
