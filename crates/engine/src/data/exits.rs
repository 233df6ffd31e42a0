//! What is looked for where data leaves a function, and what becomes of it: what its manifest and
//! the operator say, the stricter of both.

use crate::function::Function;
use crate::wiring::Engine;
use model::manifest::{Exit, LaidSpec};
use model::{Code, DataClass, Problem};
use protect::detect::{Action, Actions, Detector, Finding, Sieve};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the operator says of all functions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataDefaults {
    /// Values of all classes are looked for and counted.
    pub observe: bool,
    /// What becomes of values of a class that are found in what leaves a function.
    pub out: BTreeMap<DataClass, Exit>,
    /// Fields of requests that are protected.
    pub laid: LaidSpec,
}

/// What is looked for where data leaves one function.
pub(crate) struct Exits {
    pub(crate) detector: Arc<Detector>,
    actions: Actions,
    /// Whether anything may be covered or refused. Otherwise all is passed on, and counted.
    pub(crate) enforces: bool,
    /// Whether requests are looked at, too.
    pub(crate) observes_requests: bool,
}

impl Exits {
    fn new(detector: Arc<Detector>, out: &BTreeMap<DataClass, Exit>, observes: bool) -> Self {
        let mut all: Vec<(&DataClass, Exit)> = out.iter().map(|(class, it)| (class, *it)).collect();
        // Of a class and the one that it is a part of, the stricter word counts: it comes last.
        all.sort_by_key(|(_, exit)| *exit);
        let actions = all.iter().fold(Actions::observing(&detector), |actions, (class, exit)| {
            actions.on(&detector, class, action(*exit))
        });
        let enforces = all.iter().any(|(_, exit)| *exit > Exit::Observe);
        Self { detector, actions, enforces, observes_requests: observes }
    }

    /// What becomes of a finding.
    pub(crate) fn of(&self, finding: &Finding) -> Action {
        self.actions.of(finding)
    }

    /// What was found.
    pub(crate) fn class(&self, finding: &Finding) -> Option<&DataClass> {
        self.detector.rule(finding.rule).map(|rule| &rule.class)
    }

    /// Begins with a stream.
    pub(crate) fn sieve(&self) -> Sieve<Arc<Detector>> {
        Sieve::new(Arc::clone(&self.detector))
    }
}

const fn action(exit: Exit) -> Action {
    match exit {
        Exit::Observe => Action::Observe,
        Exit::Mask => Action::Mask,
        Exit::Block => Action::Block,
    }
}

impl Engine {
    /// The rules by which values are found, made when they are first needed.
    pub(crate) fn detector(&self) -> Result<Arc<Detector>, Problem> {
        let made = self.detector.get_or_init(|| {
            let made = Detector::built_in().map(Arc::new);
            made.map_err(|error| Problem::new(Code::Internal).internal(error))
        });
        made.clone()
    }

    /// What is looked for where data leaves a function; nothing if nobody wants to know.
    pub(crate) fn exits<'f>(&self, function: &'f Function) -> Result<Option<&'f Exits>, Problem> {
        let made = function.exits.get_or_init(|| self.made_exits(function));
        made.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    fn made_exits(&self, function: &Function) -> Result<Option<Exits>, Problem> {
        let defaults = &self.config.data;
        let spec = function.row.spec.data.as_deref();
        let mut out = defaults.out.clone();
        for (class, exit) in spec.into_iter().flat_map(|spec| &spec.out) {
            let both = out.entry(class.clone()).or_insert(*exit);
            *both = (*both).max(*exit);
        }
        let wanted = |it: &model::manifest::DataSpec| it.observe || !it.unnamed.is_empty();
        let observes = defaults.observe || spec.is_some_and(wanted);
        if out.is_empty() && !observes {
            return Ok(None);
        }
        Ok(Some(Exits::new(self.detector()?, &out, observes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_word_counts_for_a_class_and_what_it_is_a_part_of() {
        let detector = Arc::new(Detector::built_in().expect("rules"));
        for (whole, part, expect) in [
            (Exit::Block, Exit::Observe, Action::Block),
            (Exit::Observe, Exit::Mask, Action::Mask),
            (Exit::Mask, Exit::Block, Action::Block),
        ] {
            let class = |name: &str| DataClass::parse(name).expect("a class");
            let out = [(class("national-id"), whole), (class("national-id-it"), part)];
            let exits = Exits::new(Arc::clone(&detector), &out.into_iter().collect(), false);
            let mut found = Vec::new();
            detector.scan(b"RSSMRA85T10A562S", b"", |finding| found.push(finding));
            assert_eq!(found.len(), 1);
            assert_eq!(exits.of(&found[0]), expect, "{whole:?} {part:?}");
            assert!(exits.enforces);
        }
    }
}
