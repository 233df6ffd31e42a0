//! What is kept beside a function and is part of none of its revisions: versions, which are
//! revisions under a number that does not move, aliases, and what holds for all of them.
//!
//! It is one document of a function, changed as a whole and only by who has seen the last one.

use crate::{FunctionName, FunctionRef, FunctionRow, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod url;

pub use url::{Statement, Url, id_of, split as split_address};

/// Most versions of a function.
pub const VERSIONS_MAX: usize = 1000;
/// The parts of a whole in which aliases divide calls.
pub const WHOLE: u32 = 1_000_000;

/// The document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Beside {
    /// Counts its changes.
    pub number: u32,
    /// The highest number that a version was given.
    pub published: u32,
    /// Versions, by their numbers.
    pub versions: BTreeMap<u32, Version>,
    /// Aliases, by their names.
    pub aliases: BTreeMap<String, Alias>,
    /// How many invocations the function may have at a time, in all versions together; its
    /// revisions' own `concurrency` if nothing is said.
    pub ceiling: Option<u32>,
    /// Processes that are kept ready, by version or alias.
    pub provisioned: BTreeMap<String, Provisioned>,
    /// How calls that wait are tried, by version; for what is active without one.
    pub later: BTreeMap<String, Later>,
    /// Addresses, by alias; that of what is active without one.
    pub urls: BTreeMap<String, Url>,
    /// Who was allowed to call it, in AWS's words, by the names of the statements.
    pub statements: BTreeMap<String, Statement>,
    /// Labels that people give it; those that its revision was made with if nothing is said.
    pub tags: Option<BTreeMap<String, String>>,
}

/// A revision under a number that does not move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// The revision.
    pub revision: u32,
    /// What its maker says of it; what the revision says if nothing.
    pub description: Option<String>,
    /// When it was published.
    pub published: Timestamp,
}

/// A name for a version that can move to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alias {
    /// The version; what is active if none.
    pub version: Option<u32>,
    /// Versions that get parts of the calls, in millionths.
    pub weights: BTreeMap<u32, u32>,
    /// What its maker says of it.
    pub description: String,
    /// The document's number as of its last change.
    pub changed: u32,
}

/// How calls that wait are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Later {
    /// How often one that failed is tried again; as often as the node says if nothing.
    pub retries: Option<u32>,
    /// How old one may become, in seconds; as old as it gets if nothing.
    pub age_s: Option<u32>,
    /// Since when.
    pub modified: Timestamp,
}

/// Processes that are kept ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provisioned {
    /// How many.
    pub count: u32,
    /// Since when.
    pub modified: Timestamp,
}

/// The document of a function, with the revisions that its versions are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BesideRow {
    /// The function.
    pub function: FunctionRef,
    /// The document.
    pub beside: Beside,
    /// The revisions, each once, in order.
    pub pinned: Vec<FunctionRow>,
}

impl BesideRow {
    /// The function's name.
    #[must_use]
    pub const fn name(&self) -> &FunctionName {
        &self.function.name
    }
}

impl Beside {
    /// The revisions that it keeps, each once, in order.
    #[must_use]
    pub fn revisions(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.versions.values().map(|version| version.revision).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What is wrong with it. `None` if every alias is a name of versions that are there, and
    /// divides no more than the whole.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        if self.versions.len() > VERSIONS_MAX {
            return Some(format!("{} versions, at most {VERSIONS_MAX}", self.versions.len()));
        }
        for (name, alias) in &self.aliases {
            let mut named = alias.version.iter().chain(alias.weights.keys());
            if let Some(gone) = named.find(|version| !self.versions.contains_key(version)) {
                return Some(format!("alias `{name}`: there is no version {gone}"));
            }
            let given: u64 = alias.weights.values().map(|weight| u64::from(*weight)).sum();
            if given > u64::from(WHOLE) {
                return Some(format!("alias `{name}` divides more than the whole"));
            }
        }
        None
    }

    /// The version that a word means: its number, or its alias. `dice`, below [`WHOLE`], says which,
    /// where an alias divides its calls. `None` if the word means none; `Some(None)` is what is
    /// active.
    #[must_use]
    pub fn version(&self, word: &str, dice: u32) -> Option<Option<u32>> {
        if let Some(alias) = self.aliases.get(word) {
            let mut rest = dice;
            for (version, weight) in &alias.weights {
                match rest.checked_sub(*weight) {
                    Some(left) => rest = left,
                    None => return Some(Some(*version)),
                }
            }
            return Some(alias.version);
        }
        // A number has one form.
        let number = word.parse().ok().filter(|number: &u32| number.to_string() == word)?;
        self.versions.contains_key(&number).then_some(Some(number))
    }

    /// How many processes of a version are kept ready, by its number and by its aliases.
    #[must_use]
    pub fn ready(&self, version: u32) -> u32 {
        let is_it = |word: &str| self.version(word, WHOLE - 1) == Some(Some(version));
        let own = self.provisioned.iter().filter(|(word, _)| is_it(word));
        own.map(|(_, kept)| kept.count).fold(0, u32::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside() -> Beside {
        let version =
            |revision| Version { revision, description: None, published: Timestamp::default() };
        let live = Alias {
            version: Some(1),
            weights: [(2, 250_000)].into(),
            description: String::new(),
            changed: 0,
        };
        Beside {
            versions: [(1, version(4)), (2, version(4)), (3, version(7))].into(),
            aliases: [("live".to_owned(), live)].into(),
            ..Beside::default()
        }
    }

    #[test]
    fn a_word_means_a_version_or_none() {
        let beside = beside();
        assert_eq!(beside.version("3", 0), Some(Some(3)));
        for word in ["4", "03", "+3", "", "$LATEST", "Live", "0"] {
            assert_eq!(beside.version(word, 0), None, "{word}");
        }
        assert_eq!(beside.revisions(), [4, 7]);
    }

    #[test]
    fn an_alias_divides_its_calls_as_its_weights_say() {
        let beside = beside();
        assert_eq!(beside.version("live", 249_999), Some(Some(2)));
        assert_eq!(beside.version("live", 250_000), Some(Some(1)));
        assert_eq!(beside.version("live", WHOLE - 1), Some(Some(1)));
    }

    #[test]
    fn an_alias_of_what_is_not_there_is_wrong() {
        assert_eq!(beside().wrong(), None);
        let mut gone = beside();
        gone.versions.remove(&2);
        assert!(gone.wrong().is_some_and(|why| why.contains("no version 2")));
        let mut more = beside();
        if let Some(alias) = more.aliases.get_mut("live") {
            alias.weights = [(2, WHOLE), (3, 1)].into();
        }
        assert!(more.wrong().is_some_and(|why| why.contains("more than the whole")));
    }
}
