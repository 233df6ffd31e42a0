//! Key-value stores by name, and which of their keys a grant covers.
//!
//! A store belongs to an environment, and its functions share it by grants; or it is a function's
//! own, which the function calls `default` and nobody else can name.

use crate::Claims;
use crate::name::{self, FunctionName, SharedStoreName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What every function calls the store that is its own.
pub const OWN: &str = "default";

/// A store's name within its environment: `carts`, or `orders/default` for the own store of the
/// function `orders`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreName {
    /// A function's own.
    Own(FunctionName),
    /// Shared by grants.
    Shared(SharedStoreName),
}

impl StoreName {
    /// The store that `function` means when it says `text`.
    ///
    /// # Errors
    /// `text` is no name.
    pub fn of(function: &FunctionName, text: &str) -> Result<Self, name::Error> {
        match text {
            OWN => Ok(Self::Own(function.clone())),
            shared => SharedStoreName::parse(shared).map(Self::Shared),
        }
    }

    /// Reads the form that [`fmt::Display`] writes.
    ///
    /// # Errors
    /// It is no name.
    pub fn parse(text: &str) -> Result<Self, name::Error> {
        match text.split_once('/') {
            Some((function, OWN)) => FunctionName::parse(function).map(Self::Own),
            _ => SharedStoreName::parse(text).map(Self::Shared),
        }
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(function) => write!(f, "{function}/{OWN}"),
            Self::Shared(name) => name.fmt(f),
        }
    }
}

/// What may be done with a store's keys.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Read values and list keys.
    Read,
    /// Write and remove, and learn nothing of what is there.
    Write,
    /// Both.
    ReadWrite,
}

impl Access {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadWrite => "read-write",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::ReadWrite].into_iter().find(|it| it.word() == word)
    }

    /// Whether it lets somebody do what `wanted` is made of.
    #[must_use]
    pub const fn covers(self, wanted: Self) -> bool {
        matches!(
            (self, wanted),
            (Self::ReadWrite, _) | (Self::Read, Self::Read) | (Self::Write, Self::Write)
        )
    }
}

/// What a grant of a store covers: `read-write carts`, or of some keys only,
/// `read carts/{sub}/*`.
///
/// The keys are a text in which `{claim}` stands for what the caller's token says, and which may
/// end in `*` for any rest. A claim that is absent, has several texts, or holds `/`, `*`, `{` or
/// a control character, stands for nothing, and then no key is covered: whose name is `a/b` could
/// otherwise be taken for somebody below `a`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreTarget {
    /// What may be done.
    pub access: Access,
    /// The store, as the function calls it.
    pub store: Box<str>,
    keys: Keys,
}

/// Which keys.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Keys {
    parts: Vec<Part>,
    /// Whether any rest may follow.
    open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Claim(Box<str>),
}

impl StoreTarget {
    /// Reads `ACCESS STORE` or `ACCESS STORE/KEYS`. `None` if it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (access, what) = text.split_once(' ')?;
        let access = Access::parse(access)?;
        let (store, keys) = match what.split_once('/') {
            Some((store, keys)) => (store, Keys::parse(keys)?),
            None => (what, Keys { parts: Vec::new(), open: true }),
        };
        let known = store == OWN || SharedStoreName::parse(store).is_ok();
        known.then(|| Self { access, store: store.into(), keys })
    }

    /// Whether every key is covered, whoever calls.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.keys.open && self.keys.parts.is_empty()
    }

    /// What all keys that are covered begin with for this caller, and whether any rest may follow.
    /// `None` if no key is covered.
    #[must_use]
    pub fn keys(&self, claims: &Claims) -> Option<(String, bool)> {
        let mut text = String::new();
        for part in &self.keys.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Claim(name) => text.push_str(plain_claim(claims, name)?),
            }
        }
        Some((text, self.keys.open))
    }

    /// Whether `key` is covered for this caller.
    #[must_use]
    pub fn covers_key(&self, key: &str, claims: &Claims) -> bool {
        if self.is_whole() {
            return true;
        }
        let mut rest = key;
        for part in &self.keys.parts {
            let text = match part {
                Part::Text(text) => text,
                Part::Claim(name) => match plain_claim(claims, name) {
                    Some(text) => text,
                    None => return false,
                },
            };
            match rest.strip_prefix(text) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        self.keys.open || rest.is_empty()
    }
}

/// The one text of a claim, if it can stand in a key and mean one place.
fn plain_claim<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    let [text] = claims.get(name) else { return None };
    let odd = |c: char| matches!(c, '/' | '*' | '{' | '}') || c.is_control();
    (!text.is_empty() && !text.contains(odd)).then_some(text)
}

impl Keys {
    fn parse(text: &str) -> Option<Self> {
        let (text, open) = match text.strip_suffix('*') {
            Some(text) => (text, true),
            None => (text, false),
        };
        if text.contains(|c: char| c == '*' || c.is_control()) || (text.is_empty() && !open) {
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            let fits = !name.is_empty() && !name.contains(['{', '/']) && !before.contains('}');
            if !fits {
                return None;
            }
            // A claim that ends where nothing marks its end would cover other people's keys:
            // `{sub}*` of `ann` is also `anna`.
            if after.is_empty() && open || (!after.is_empty() && !after.starts_with('/')) {
                return None;
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            parts.push(Part::Claim(name.into()));
            rest = after;
        }
        if rest.contains('}') {
            return None;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Some(Self { parts, open })
    }
}

impl fmt::Display for StoreTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.access.word(), self.store)?;
        if self.is_whole() {
            return Ok(());
        }
        f.write_str("/")?;
        for part in &self.keys.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Claim(name) => write!(f, "{{{name}}}")?,
            }
        }
        f.write_str(if self.keys.open { "*" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(pairs: &[(&str, &[&str])]) -> Claims {
        let owned = |(name, values): &(&str, &[&str])| {
            ((*name).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
        };
        Claims::new(pairs.iter().map(owned)).expect("each once")
    }

    fn covers(target: &str, key: &str, sub: &[&str]) -> bool {
        StoreTarget::parse(target).expect(target).covers_key(key, &claims(&[("sub", sub)]))
    }

    #[test]
    fn a_target_is_its_own_text() {
        for text in [
            "read carts",
            "write carts/a",
            "read-write default/{sub}/*",
            "read carts/x/{sub}",
            "read carts/{sub}/{org}/*",
        ] {
            assert_eq!(StoreTarget::parse(text).expect(text).to_string(), text);
        }
        assert!(StoreTarget::parse("read carts/*").expect("a target").is_whole());
    }

    #[test]
    fn refuses_what_could_mean_two_things() {
        for text in [
            "carts",
            "read",
            "fly carts",
            "read Carts",
            "read ../x",
            "read carts/",
            "read carts/a*b",
            "read carts/{sub}*",
            "read carts/{sub}{org}/*",
            "read carts/{sub}x",
            "read carts/{}/*",
            "read carts/{sub",
            "read carts/sub}",
            "read carts/\n",
        ] {
            assert_eq!(StoreTarget::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_caller_reaches_its_own_keys_and_nobody_elses() {
        let own = "read carts/{sub}/*";
        assert!(covers(own, "ann/1", &["ann"]));
        assert!(covers(own, "ann/", &["ann"]));
        for (key, sub) in [
            ("anna/1", &["ann"][..]),
            ("ann", &["ann"]),
            ("bob/1", &["ann"]),
            ("ann/1", &[]),
            ("ann/1", &["ann", "bob"]),
            ("a/b/1", &["a/b"]),
            ("*/1", &["*"]),
            ("/1", &[""]),
        ] {
            assert!(!covers(own, key, sub), "{key} {sub:?}");
        }
        assert!(covers("read carts/x/{sub}", "x/ann", &["ann"]));
        assert!(!covers("read carts/x/{sub}", "x/ann/", &["ann"]));
    }

    #[test]
    fn access_covers_its_parts() {
        assert!(Access::ReadWrite.covers(Access::Read) && Access::ReadWrite.covers(Access::Write));
        assert!(!Access::Read.covers(Access::Write) && !Access::Write.covers(Access::Read));
        assert!(!Access::Read.covers(Access::ReadWrite));
    }
}
