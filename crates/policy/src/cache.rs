//! Decisions that were made before.
//!
//! The key is who asks and every attribute of the context that the function's policies can read;
//! never merely what kind of caller it is. A cache belongs to one version of one function's
//! policies and goes away with it, so the version, the action and the function are part of the key
//! without being stored.
//!
//! Invariant: a lookup allocates nothing. Invariant: denials by error are not remembered, since
//! the next attempt may succeed.

use crate::reads::Reads;
use crate::verdict::{Denial, DenialKind, Permit};
use crate::{Asker, InvokeAsk};
use model::wire::v1::Caller;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

/// How many decisions one function remembers. Then it forgets them all, which is rare for honest
/// callers and keeps the memory bounded for others.
const ENTRIES_MAX: usize = 256;

/// Longest method and route together, in bytes, that are worth remembering: both can be as long as
/// a request's head, and memory must not be for strangers to fill.
const KEY_TEXT_BYTES_MAX: usize = 512;

type Verdict = Result<Permit, Denial>;

/// What a decision depended on, borrowed from the ask. Unread attributes are absent.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key<'a> {
    asker: Asker<'a>,
    source: Option<IpAddr>,
    method: Option<&'a str>,
    route: Option<&'a str>,
    trigger: Option<&'static str>,
}

impl<'a> Key<'a> {
    pub(crate) fn of(ask: &InvokeAsk<'a>, reads: Reads) -> Self {
        Self {
            asker: ask.principal,
            source: ask.source().filter(|_| reads.has(Reads::SOURCE)),
            method: reads.has(Reads::METHOD).then_some(ask.method),
            route: reads.has(Reads::ROUTE).then_some(ask.route),
            trigger: reads.has(Reads::TRIGGER).then_some(ask.trigger),
        }
    }

    fn text_bytes(&self) -> usize {
        self.method.map_or(0, str::len) + self.route.map_or(0, str::len)
    }
}

/// A remembered decision, with all of its key: the hash alone proves nothing.
struct Entry {
    caller: Caller,
    source: Option<IpAddr>,
    method: Option<Box<str>>,
    route: Option<Box<str>>,
    trigger: Option<&'static str>,
    verdict: Verdict,
}

impl Entry {
    fn key(&self) -> Key<'_> {
        Key {
            asker: Asker::from(&self.caller),
            source: self.source,
            method: self.method.as_deref(),
            route: self.route.as_deref(),
            trigger: self.trigger,
        }
    }
}

/// The decisions of one function. Takes no memory of its own before the first one.
#[derive(Default)]
pub(crate) struct Cache {
    /// Keyed by chance per cache, so that nobody can choose callers that collide.
    hasher: RandomState,
    entries: RwLock<HashMap<u64, Entry>>,
}

impl Cache {
    pub(crate) fn find(&self, key: &Key<'_>) -> Option<Verdict> {
        let entries = self.entries.read();
        let entry = entries.get(&self.hasher.hash_one(key))?;
        (entry.key() == *key).then(|| entry.verdict.clone())
    }

    pub(crate) fn keep(&self, key: &Key<'_>, verdict: &Verdict) {
        let failed = matches!(verdict, Err(denial) if denial.kind == DenialKind::Error);
        if failed || key.text_bytes() > KEY_TEXT_BYTES_MAX {
            return;
        }
        let entry = Entry {
            caller: key.asker.to_caller(),
            source: key.source,
            method: key.method.map(Into::into),
            route: key.route.map(Into::into),
            trigger: key.trigger,
            verdict: verdict.clone(),
        };
        let mut entries = self.entries.write();
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(self.hasher.hash_one(key), entry);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.read().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::TokenName;

    fn key<'a>(name: &'a TokenName, method: &'a str) -> Key<'a> {
        Key {
            asker: Asker::Token(name),
            source: None,
            method: Some(method),
            route: None,
            trigger: None,
        }
    }

    fn permit() -> Verdict {
        Ok(Permit::new(1, vec!["p".into()]))
    }

    #[test]
    fn finds_what_was_kept_and_nothing_else() {
        let (one, two) = (TokenName::parse("one").unwrap(), TokenName::parse("two").unwrap());
        let cache = Cache::default();
        cache.keep(&key(&one, "GET"), &permit());
        assert_eq!(cache.find(&key(&one, "GET")), Some(permit()));
        assert_eq!(cache.find(&key(&one, "PUT")), None);
        assert_eq!(cache.find(&key(&two, "GET")), None);
        let anonymous = Key { asker: Asker::Anonymous, ..key(&one, "GET") };
        assert_eq!(cache.find(&anonymous), None);
    }

    #[test]
    fn a_hash_that_collides_is_a_miss() {
        let (one, two) = (TokenName::parse("one").unwrap(), TokenName::parse("two").unwrap());
        let cache = Cache::default();
        cache.keep(&key(&one, "GET"), &permit());
        let mut entries = cache.entries.write();
        let entry = entries.drain().next().unwrap().1;
        entries.insert(cache.hasher.hash_one(key(&two, "GET")), entry);
        drop(entries);
        assert_eq!(cache.find(&key(&two, "GET")), None);
    }

    #[test]
    fn stays_bounded_in_number_and_in_bytes() {
        let name = TokenName::parse("one").unwrap();
        let cache = Cache::default();
        for number in 0..ENTRIES_MAX * 3 {
            cache.keep(&key(&name, &number.to_string()), &permit());
            assert!(cache.len() <= ENTRIES_MAX);
        }
        let long = "x".repeat(KEY_TEXT_BYTES_MAX + 1);
        cache.keep(&key(&name, &long), &permit());
        assert_eq!(cache.find(&key(&name, &long)), None);
    }

    #[test]
    fn a_denial_by_error_is_not_remembered() {
        let name = TokenName::parse("one").unwrap();
        let cache = Cache::default();
        cache.keep(&key(&name, "GET"), &Err(Denial::error(vec![], "overflow")));
        assert_eq!(cache.len(), 0);
    }
}
