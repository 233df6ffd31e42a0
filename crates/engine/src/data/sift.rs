//! Values in requests that no field of the contract names, and what becomes of them before the
//! function sees them.
//!
//! Invariant: what the contract made is no finding, so that nothing is protected twice.

#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;

use super::Taken;
use model::manifest::Unnamed;
use model::{Code, DataClass, Label, Labels, Problem};
use protect::contract::{Bound, Swap};
use protect::detect::{Detector, Finding};
use protect::transform::is_token;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// What becomes of values that no field names.
pub(crate) struct Sift {
    pub(super) detector: Arc<Detector>,
    /// By class, for those of which requests are changed or refused.
    pub(super) actions: BTreeMap<DataClass, Unnamed>,
    /// What makes tokens, for the classes that want them.
    pub(super) tokens: BTreeMap<DataClass, Bound>,
}

/// What was done with the values of one request.
#[derive(Default)]
pub(super) struct Sifted {
    done: BTreeMap<(DataClass, Unnamed), u64>,
    swaps: Vec<Arc<Swap>>,
}

/// A value, and what becomes of it.
struct Hit {
    at: Range<usize>,
    class: DataClass,
    action: Unnamed,
}

impl Sift {
    /// The stricter word of a class and the one that it is a part of; nothing for those that are
    /// only observed.
    pub(super) fn actions(
        detector: &Detector,
        unnamed: &BTreeMap<DataClass, Unnamed>,
    ) -> BTreeMap<DataClass, Unnamed> {
        let of = |class: &DataClass| {
            let family = class.built_in().map(DataClass::from);
            let own = unnamed.get(class).max(family.and_then(|family| unnamed.get(&family)));
            own.filter(|action| **action != Unnamed::Observe).copied()
        };
        let classes = detector.rules().map(|(_, rule)| &rule.class);
        classes.filter_map(|class| Some((class.clone(), of(class)?))).collect()
    }

    /// A text without the values that may not reach the function; nothing if it stays as it is.
    /// `known` stands for values already.
    pub(super) fn sifted(
        &self,
        text: &[u8],
        is_json: bool,
        known: &[Arc<Swap>],
        sifted: &mut Sifted,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let hits = self.hits(text, known);
        if hits.is_empty() {
            return Ok(None);
        }
        if let Some(hit) = hits.iter().find(|hit| hit.action == Unnamed::Refuse) {
            let all = hits.iter().filter(|other| other.class == hit.class).count();
            let detail = format!("values of the class `{}`: {all}", hit.class);
            return Err(Problem::new(Code::DataUnnamed).detail(detail));
        }
        let mut quotes = Quotes::default();
        let mut out = Vec::with_capacity(text.len() + 64 * hits.len());
        let mut copied = 0;
        for hit in hits {
            let value = text.get(hit.at.clone()).unwrap_or_default();
            out.extend_from_slice(text.get(copied..hit.at.start).unwrap_or_default());
            copied = hit.at.end;
            // A number of JSON becomes a text of it.
            let bare = is_json && !quotes.are_open(text, hit.at.start);
            out.extend(bare.then_some(b'"'));
            self.put(&hit, value, &mut out, sifted)?;
            out.extend(bare.then_some(b'"'));
            *sifted.done.entry((hit.class, hit.action)).or_default() += 1;
        }
        out.extend_from_slice(text.get(copied..).unwrap_or_default());
        let reads = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).is_ok();
        if is_json && reads(text) && !reads(&out) {
            let detail = "a value stands where nothing else can stand for it";
            return Err(Problem::new(Code::DataUnnamed).detail(detail));
        }
        Ok(Some(out))
    }

    fn hits(&self, text: &[u8], known: &[Arc<Swap>]) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.detector.scan(text, b"", |finding| {
            let Some((class, action)) = self.of(&finding) else { return };
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            let at = place(finding.start)..place(finding.end);
            let own = text.get(at.clone()).and_then(|it| std::str::from_utf8(it).ok());
            let ours = |own: &str| is_token(own) || known.iter().any(|it| it.made() == own);
            if !own.is_some_and(ours) {
                hits.push(Hit { at, class: class.clone(), action });
            }
        });
        hits
    }

    fn of(&self, finding: &Finding) -> Option<(&DataClass, Unnamed)> {
        let rule = self.detector.rule(finding.rule)?;
        let enough = finding.confidence >= rule.enforce.unwrap_or(rule.report);
        let action = self.actions.get(&rule.class).filter(|_| enough)?;
        Some((&rule.class, *action))
    }

    fn put(
        &self,
        hit: &Hit,
        value: &[u8],
        out: &mut Vec<u8>,
        sifted: &mut Sifted,
    ) -> Result<(), Problem> {
        let bound = self.tokens.get(&hit.class).filter(|_| hit.action == Unnamed::Token);
        let Some(bound) = bound else {
            out.resize(out.len() + value.len(), b'*');
            return Ok(());
        };
        let mut tally = protect::contract::Tally::knowing(sifted.swaps.clone());
        let token = bound.line(value, None, &mut tally).map_err(|fault| fault.problem())?;
        out.extend_from_slice(&token);
        let new = tally.into_swaps();
        sifted.swaps.extend(
            new.into_iter().filter(|swap| !sifted.swaps.contains(swap)).collect::<Vec<_>>(),
        );
        Ok(())
    }
}

impl Sifted {
    /// Adds it to what is known of the request.
    pub(super) fn join(self, taken: &mut Taken) {
        let made = self.done.keys().filter(|(_, action)| *action == Unnamed::Token);
        taken
            .labels
            .join(&Labels::of(made.map(|(class, _)| Label::new(&format!("{class}.token")))));
        taken.came.extend(self.swaps.iter().map(Arc::clone));
        taken.swaps.extend(self.swaps);
        taken.found.extend(
            self.done.into_iter().map(|((class, action), many)| (class, action.word(), many)),
        );
    }
}

/// Whether a place of a JSON document is within a string. Asked from the front to the back.
#[derive(Default)]
struct Quotes {
    at: usize,
    open: bool,
}

impl Quotes {
    fn are_open(&mut self, text: &[u8], to: usize) -> bool {
        while self.at < to {
            match text.get(self.at) {
                Some(b'\\') if self.open => self.at += 1,
                Some(b'"') => self.open = !self.open,
                _ => {}
            }
            self.at += 1;
        }
        self.open
    }
}
