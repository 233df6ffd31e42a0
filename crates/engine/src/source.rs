//! Sources: what is pulled from, for functions that are called with what comes.
//!
//! A source acts under its own name, `trigger:NAME`. What it is allowed is looked at before anything
//! is pulled, and again when a call runs. `pull.rs` does the pulling; here is what operators say and
//! see of it.

mod pull;

use crate::catalog::View;
use crate::function::Function;
use crate::publish::KIND;
use crate::wiring::Engine;
use model::manifest::SourceTrigger;
use model::{Scope, SecretName, Timestamp, TriggerName, api};
use parking_lot::Mutex;
use policy::Denial;
use std::sync::Arc;
use std::time::Duration;

/// A source, as the node's configuration has it.
pub struct Source {
    /// Whose it is.
    pub scope: Scope,
    /// Its name: that of the trigger that a function declares.
    pub name: TriggerName,
    /// The secret that it is opened with.
    pub secret: Option<SecretName>,
    /// Messages of its function that may wait or run here at a time before it is pulled no more. As
    /// many as the function may run at a time, if nothing is said.
    pub backlog: Option<u64>,
    /// Where it is.
    pub port: Arc<dyn ports::Source>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({}/{})", self.scope, self.name)
    }
}

/// What a source is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    NotUsed,
    NotGranted,
    Connecting,
    Running,
    Full,
    Down,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::NotUsed => "not used",
            Self::NotGranted => "not granted",
            Self::Connecting => "connecting",
            Self::Running => "running",
            Self::Full => "full",
            Self::Down => "down",
        }
    }
}

/// What came of a source since the node's start.
#[derive(Debug, Default)]
struct Facts {
    state: State,
    lag: Option<u64>,
    taken: u64,
    repeated: u64,
    refused: u64,
    last: Option<Timestamp>,
    error: Option<(Timestamp, String)>,
}

/// A source and how it stands.
#[derive(Debug)]
pub(crate) struct Standing {
    source: Arc<Source>,
    facts: Mutex<Facts>,
}

impl Standing {
    /// How each of these stands, before anything is done about them.
    pub(crate) fn all(sources: &[Arc<Source>]) -> Box<[Arc<Self>]> {
        let one = |source: &Arc<Source>| {
            Arc::new(Self { source: Arc::clone(source), facts: Mutex::default() })
        };
        sources.iter().map(one).collect()
    }

    fn is(&self, state: State) {
        self.facts.lock().state = state;
    }
}

/// What a source calls: the function, and what its manifest says of it.
fn called<'v>(
    view: &'v View,
    name: &TriggerName,
) -> Option<(&'v Arc<Function>, &'v SourceTrigger)> {
    let function = view.source(name)?;
    let spec = function.row.spec.from.iter().find(|source| source.name == *name)?;
    Some((function, spec))
}

fn hint(denial: &Denial) -> Option<String> {
    denial.hint.as_deref().map(str::to_owned)
}

impl Engine {
    /// The sources of a scope, by name: those of the node's configuration, and those that functions
    /// want and that it does not have.
    #[must_use]
    pub fn sources(&self, scope: &Scope) -> Vec<api::Source> {
        let catalog = self.catalog.load();
        let view = catalog.view(scope);
        let own = self.sources.iter().filter(|one| one.source.scope == *scope);
        let mut found: Vec<api::Source> =
            own.map(|one| shown(one, view.map(|view| &**view))).collect();
        let functions = view.into_iter().flat_map(|view| view.functions.values());
        let wanted = functions
            .flat_map(|function| function.row.spec.from.iter().map(move |it| (function, it)));
        for (function, wanted) in wanted {
            if !found.iter().any(|it| it.name == wanted.name) {
                let name = wanted.name.clone();
                let function = Some(function.reference().name.clone());
                found.push(api::Source { function, ..nothing(name, "not configured") });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// The sources of all scopes that the node's configuration names.
    #[must_use]
    pub fn all_sources(&self) -> Vec<api::Source> {
        let catalog = self.catalog.load();
        let one =
            |one: &Arc<Standing>| shown(one, catalog.view(&one.source.scope).map(|view| &**view));
        self.sources.iter().map(one).collect()
    }
}

fn nothing(name: TriggerName, state: &str) -> api::Source {
    api::Source {
        name,
        place: None,
        function: None,
        state: state.to_owned(),
        lag: None,
        taken: 0,
        repeated: 0,
        refused: 0,
        last: None,
        error: None,
        error_at: None,
        grant: None,
    }
}

fn shown(one: &Standing, view: Option<&View>) -> api::Source {
    let found = view.and_then(|view| called(view, &one.source.name));
    let denial = found.and_then(|(function, spec)| function.admits(&spec.name, KIND).err());
    let facts = one.facts.lock();
    // What was deployed or granted since it was looked at last is said at once.
    let state = match (&found, &denial) {
        (None, _) => State::NotUsed,
        (Some(_), Some(_)) => State::NotGranted,
        (Some(_), None) => match facts.state {
            State::NotUsed | State::NotGranted => State::Connecting,
            state => state,
        },
    };
    api::Source {
        place: Some(one.source.port.place()),
        function: found.map(|(function, _)| function.reference().name.clone()),
        lag: facts.lag,
        taken: facts.taken,
        repeated: facts.repeated,
        refused: facts.refused,
        last: facts.last.map(|at| at.to_string()),
        error: facts.error.as_ref().map(|(_, why)| why.clone()),
        error_at: facts.error.as_ref().map(|(at, _)| at.to_string()),
        grant: denial.as_ref().and_then(hint),
        ..nothing(one.source.name.clone(), state.word())
    }
}

/// How long is waited after so many failures one after the other: half a second to half a minute, a
/// part of which is left to chance, so that nodes do not come back together.
fn wait_after(failures: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(30);
    let factor = 2u32.saturating_pow(failures.saturating_sub(1));
    let longest = FIRST.saturating_mul(factor).min(LONGEST);
    longest.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_bounded() {
        for (failures, least, most) in [(1, 250, 500), (2, 500, 1000), (9, 15_000, 30_000)] {
            for _ in 0..50 {
                let wait = wait_after(failures);
                let bounds = Duration::from_millis(least)..=Duration::from_millis(most);
                assert!(bounds.contains(&wait), "{failures}: {wait:?}");
            }
        }
        assert!(wait_after(u32::MAX) <= Duration::from_secs(30));
    }
}
