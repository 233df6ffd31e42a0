//! Decisions that were made before.
//!
//! The key is who asks and every attribute of the context that the function's policies can read.
//! Of the subjects of an issuer, and of certificates, it is only the kind, where no grant and no
//! policy tells one of them from the next; so many subjects do not push each other out. A cache belongs to one version of one function's
//! policies and goes away with it, so the version, the action and the function are part of the key
//! without being stored.
//!
//! Invariant: a lookup allocates nothing. Invariant: denials by error are not remembered, since
//! the next attempt may succeed.

use crate::reads::{ClaimNames, Reads};
use crate::verdict::{Denial, DenialKind, Permit};
use crate::{Asker, InvokeAsk};
use model::{Claims, FunctionName, IssuerName, Subject, TokenName, TriggerName};
use parking_lot::RwLock;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::net::IpAddr;

/// How many decisions one function remembers. Then it forgets them all, which is rare for honest
/// callers and keeps the memory bounded for others.
const ENTRIES_MAX: usize = 256;

/// Longest method, route and claims together, in bytes, that are worth remembering: they can be as
/// long as a request's head, and memory must not be for strangers to fill.
const KEY_TEXT_BYTES_MAX: usize = 512;

type Verdict = Result<Permit, Denial>;

/// What a decision depended on, borrowed from the ask. Unread attributes are absent.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key<'a> {
    asker: Kind<'a>,
    source: Option<IpAddr>,
    method: Option<&'a str>,
    route: Option<&'a str>,
    trigger: Option<&'static str>,
    claims: Option<Read<'a>>,
}

/// Who asks; of subjects and certificates only as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind<'a> {
    Anonymous,
    Token(&'a TokenName),
    Operator,
    Jwt(&'a IssuerName, Option<&'a Subject>),
    Certificate(Option<&'a Subject>),
    Function(&'a FunctionName),
    Trigger(&'a TriggerName),
}

/// Those of a caller's claims that policies can read.
#[derive(Debug, Clone, Copy)]
struct Read<'a> {
    claims: &'a Claims,
    /// All of them, if this is `None`.
    names: Option<&'a BTreeSet<Box<str>>>,
}

impl Read<'_> {
    fn bytes(&self) -> usize {
        let size = |(name, texts): (&str, &[Box<str>])| {
            name.len() + texts.iter().map(|text| text.len()).sum::<usize>()
        };
        let read = |name: &str| self.names.is_none_or(|names| names.contains(name));
        self.claims.iter().filter(|(name, _)| read(name)).map(size).sum()
    }

    fn owned(&self) -> Claims {
        self.claims.only(|name| self.names.is_none_or(|names| names.contains(name)))
    }
}

impl PartialEq for Read<'_> {
    fn eq(&self, other: &Self) -> bool {
        match self.names {
            None => self.claims == other.claims,
            Some(names) => names.iter().all(|name| self.claims.get(name) == other.claims.get(name)),
        }
    }
}

impl Eq for Read<'_> {}

impl Hash for Read<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.names {
            None => self.claims.hash(state),
            Some(names) => names.iter().for_each(|name| self.claims.get(name).hash(state)),
        }
    }
}

impl<'a> Key<'a> {
    /// `one_of_many` says that nothing tells the asker from others of its kind.
    pub(crate) fn of(
        ask: &InvokeAsk<'a>,
        reads: Reads,
        names: &'a ClaimNames,
        one_of_many: bool,
    ) -> Self {
        let asker = match ask.principal {
            Asker::Anonymous => Kind::Anonymous,
            Asker::Token(name) => Kind::Token(name),
            Asker::Operator => Kind::Operator,
            Asker::Jwt(issuer, subject) => Kind::Jwt(issuer, (!one_of_many).then_some(subject)),
            Asker::Certificate(subject) => Kind::Certificate((!one_of_many).then_some(subject)),
            Asker::Function(name) => Kind::Function(name),
            Asker::Trigger(name) => Kind::Trigger(name),
        };
        let claims = Read { claims: ask.claims, names: names.known() };
        Self {
            asker,
            claims: reads.has(Reads::CLAIMS).then_some(claims),
            source: ask.source().filter(|_| reads.has(Reads::SOURCE)),
            method: reads.has(Reads::METHOD).then_some(ask.method),
            route: reads.has(Reads::ROUTE).then_some(ask.route),
            trigger: reads.has(Reads::TRIGGER).then_some(ask.trigger),
        }
    }

    fn text_bytes(&self) -> usize {
        let claims = self.claims.as_ref().map_or(0, Read::bytes);
        self.method.map_or(0, str::len) + self.route.map_or(0, str::len) + claims
    }
}

/// A remembered decision, with all of its key: the hash alone proves nothing.
struct Entry {
    asker: Owned,
    source: Option<IpAddr>,
    method: Option<Box<str>>,
    route: Option<Box<str>>,
    trigger: Option<&'static str>,
    claims: Option<Claims>,
    verdict: Verdict,
}

enum Owned {
    Anonymous,
    Token(TokenName),
    Operator,
    Jwt(IssuerName, Option<Subject>),
    Certificate(Option<Subject>),
    Function(FunctionName),
    Trigger(TriggerName),
}

impl Owned {
    fn of(kind: Kind<'_>) -> Self {
        match kind {
            Kind::Anonymous => Self::Anonymous,
            Kind::Token(name) => Self::Token(name.clone()),
            Kind::Operator => Self::Operator,
            Kind::Jwt(issuer, subject) => Self::Jwt(issuer.clone(), subject.cloned()),
            Kind::Certificate(subject) => Self::Certificate(subject.cloned()),
            Kind::Function(name) => Self::Function(name.clone()),
            Kind::Trigger(name) => Self::Trigger(name.clone()),
        }
    }

    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Anonymous => Kind::Anonymous,
            Self::Token(name) => Kind::Token(name),
            Self::Operator => Kind::Operator,
            Self::Jwt(issuer, subject) => Kind::Jwt(issuer, subject.as_ref()),
            Self::Certificate(subject) => Kind::Certificate(subject.as_ref()),
            Self::Function(name) => Kind::Function(name),
            Self::Trigger(name) => Kind::Trigger(name),
        }
    }
}

impl Entry {
    /// Its key, with claims read as `names` says.
    fn key<'a>(&'a self, names: Option<&'a BTreeSet<Box<str>>>) -> Key<'a> {
        Key {
            asker: self.asker.kind(),
            source: self.source,
            method: self.method.as_deref(),
            route: self.route.as_deref(),
            trigger: self.trigger,
            claims: self.claims.as_ref().map(|claims| Read { claims, names }),
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
        let names = key.claims.and_then(|read| read.names);
        (entry.key(names) == *key).then(|| entry.verdict.clone())
    }

    pub(crate) fn keep(&self, key: &Key<'_>, verdict: &Verdict) {
        let failed = matches!(verdict, Err(denial) if denial.kind == DenialKind::Error);
        if failed || key.text_bytes() > KEY_TEXT_BYTES_MAX {
            return;
        }
        let entry = Entry {
            asker: Owned::of(key.asker),
            source: key.source,
            method: key.method.map(Into::into),
            route: key.route.map(Into::into),
            trigger: key.trigger,
            claims: key.claims.as_ref().map(Read::owned),
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

    fn key<'a>(name: &'a TokenName, method: &'a str) -> Key<'a> {
        Key {
            asker: Kind::Token(name),
            source: None,
            method: Some(method),
            route: None,
            trigger: None,
            claims: None,
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
        let anonymous = Key { asker: Kind::Anonymous, ..key(&one, "GET") };
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
