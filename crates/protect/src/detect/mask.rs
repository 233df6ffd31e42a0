//! Writes a stream again with what was found in it covered.
//!
//! Invariant: no byte of a finding that is to be masked or blocked is ever written.

use super::{Confidence, Detector, Exact, Finding, RuleId, Scanner};
use model::DataClass;
use std::collections::VecDeque;

/// What is done with a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Action {
    /// It is reported and left as it is.
    #[default]
    Observe,
    /// The name of its class is written in its place.
    Mask,
    /// Nothing is written from it on.
    Block,
}

/// What is done with the findings of each class.
#[derive(Debug, Clone)]
pub struct Actions {
    /// By rule: what, and from which confidence on.
    rules: Vec<(Action, Confidence)>,
    known: Action,
}

impl Actions {
    /// Observes all, but masks values that the host knows.
    #[must_use]
    pub fn observing(detector: &Detector) -> Self {
        let observe = (Action::Observe, Confidence::Confirmed);
        Self { rules: detector.rules().map(|_| observe).collect(), known: Action::Mask }
    }

    /// Does this with a class, where enough speaks for a finding: for those that may be enforced
    /// what their rule says, for others all that is reported.
    #[must_use]
    pub fn on(mut self, detector: &Detector, class: &DataClass, action: Action) -> Self {
        for ((_, rule), place) in detector.rules().zip(&mut self.rules) {
            let family = rule.class.built_in().map(DataClass::from);
            if rule.class == *class || family.as_ref() == Some(class) {
                *place = (action, rule.enforce.unwrap_or(rule.report));
            }
        }
        self
    }

    /// Does this with values that the host knows.
    #[must_use]
    pub fn on_known(mut self, action: Action) -> Self {
        self.known = action;
        self
    }

    /// What is done with a finding.
    #[must_use]
    pub fn of(&self, finding: &Finding) -> Action {
        if finding.known.is_some() {
            return self.known;
        }
        let RuleId(rule) = finding.rule;
        match self.rules.get(usize::from(rule)) {
            Some((action, least)) if finding.confidence >= *least => *action,
            _ => Action::Observe,
        }
    }
}

/// The stream may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value that may not leave begins at byte {}", .0.start)]
pub struct Blocked(pub Finding);

/// Writes a stream again.
#[derive(Debug)]
pub struct Masker<'a> {
    scanner: Scanner<'a>,
    detector: &'a Detector,
    exact: Option<&'a Exact>,
    actions: &'a Actions,
    /// What was read and not written yet.
    held: VecDeque<u8>,
    /// How much of the stream was written or left out.
    written: u64,
    pending: VecDeque<Finding>,
    masked: u64,
    blocked: Option<Finding>,
}

impl<'a> Masker<'a> {
    /// Begins with a stream.
    #[must_use]
    pub fn new(detector: &'a Detector, exact: Option<&'a Exact>, actions: &'a Actions) -> Self {
        Self {
            scanner: Scanner::new(detector, exact),
            detector,
            exact,
            actions,
            held: VecDeque::new(),
            written: 0,
            pending: VecDeque::new(),
            masked: 0,
            blocked: None,
        }
    }

    /// How many findings were covered.
    #[must_use]
    pub fn masked(&self) -> u64 {
        self.masked
    }

    /// Takes the next bytes, and writes what is decided to `out`.
    ///
    /// # Errors
    /// [`Blocked`], now and ever after: what was before it is in `out`.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        mut found: impl FnMut(Finding),
    ) -> Result<(), Blocked> {
        self.held.extend(bytes);
        let pending = &mut self.pending;
        self.scanner.feed(bytes, |finding| {
            found(finding);
            pending.push_back(finding);
        });
        self.write(out)
    }

    /// There are no more bytes: writes the rest.
    ///
    /// # Errors
    /// As [`Masker::feed`].
    pub fn finish(
        &mut self,
        out: &mut Vec<u8>,
        mut found: impl FnMut(Finding),
    ) -> Result<(), Blocked> {
        let pending = &mut self.pending;
        self.scanner.finish(|finding| {
            found(finding);
            pending.push_back(finding);
        });
        self.write(out)
    }

    fn write(&mut self, out: &mut Vec<u8>) -> Result<(), Blocked> {
        if let Some(finding) = self.blocked {
            return Err(Blocked(finding));
        }
        while let Some(finding) = self.pending.pop_front() {
            self.pass(finding.start, Some(out));
            match self.actions.of(&finding) {
                Action::Observe => {}
                Action::Mask => {
                    let rule = self.detector.rule(finding.rule);
                    let known = finding.known.and_then(|known| self.exact?.class(known));
                    let class = known.or(rule.map(|rule| &rule.class));
                    out.push(b'[');
                    out.extend_from_slice(class.map_or("masked", DataClass::as_str).as_bytes());
                    out.push(b']');
                    self.pass(finding.end, None);
                    self.masked += 1;
                }
                Action::Block => {
                    self.blocked = Some(finding);
                    self.held.clear();
                    return Err(Blocked(finding));
                }
            }
        }
        self.pass(self.scanner.decided(), Some(out));
        Ok(())
    }

    /// Goes on to `to`, and writes what is before it.
    fn pass(&mut self, to: u64, out: Option<&mut Vec<u8>>) {
        let many = usize::try_from(to.saturating_sub(self.written)).unwrap_or(usize::MAX);
        let gone = self.held.drain(..many.min(self.held.len()));
        self.written += u64::try_from(gone.len()).unwrap_or_default();
        if let Some(out) = out {
            out.extend(gone);
        }
    }
}
