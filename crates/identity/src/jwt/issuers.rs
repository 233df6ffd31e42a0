//! The issuers that a node knows, their keys, and the tokens of theirs that were valid before.

use super::compact::Compact;
use super::source::KeySource;
use super::{IssuerConfig, KeyError, KeySet, Refused, TOKEN_BYTES_MAX, Vouched, claims};
use crate::seen::Seen;
use arc_swap::ArcSwap;
use model::{IssuerName, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An issuer with the keys of now.
pub(super) struct Issuer {
    config: IssuerConfig,
    keys: ArcSwap<Versioned>,
}

struct Versioned {
    set: KeySet,
    version: u64,
}

/// A token that was valid, by the keys of a version.
#[derive(Clone)]
struct Warm {
    vouched: Arc<Vouched>,
    at: usize,
    version: u64,
}

/// The issuers that a node knows.
#[derive(Default)]
pub struct Issuers {
    list: Vec<Issuer>,
    versions: AtomicU64,
    warm: Seen<Warm>,
    source: Option<Arc<dyn KeySource>>,
}

impl Issuer {
    pub(super) const fn config(&self) -> &IssuerConfig {
        &self.config
    }

    pub(super) fn could_check(&self, id: Option<&str>) -> bool {
        self.keys.load().set.could_check(id)
    }
}

impl std::fmt::Debug for Issuers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Issuers {
    /// These issuers with their keys. Of two with one name or one `iss`, the first counts.
    pub fn new(issuers: impl IntoIterator<Item = (IssuerConfig, KeySet)>) -> Self {
        let mut known = Self::default();
        for (config, set) in issuers {
            let version = known.versions.fetch_add(1, Ordering::Relaxed);
            let keys = ArcSwap::from_pointee(Versioned { set, version });
            known.list.push(Issuer { config, keys });
        }
        known
    }

    /// The same, and this one is asked for keys that are not known.
    #[must_use]
    pub fn asking(mut self, source: Arc<dyn KeySource>) -> Self {
        self.source = Some(source);
        self
    }

    pub(super) fn source(&self) -> Option<&dyn KeySource> {
        self.source.as_deref()
    }

    pub(super) fn list(&self) -> &[Issuer] {
        &self.list
    }

    /// Their names, in the order of the configuration.
    pub fn names(&self) -> impl Iterator<Item = &IssuerName> {
        self.list.iter().map(|issuer| &issuer.config.name)
    }

    /// What is configured about one of them.
    #[must_use]
    pub fn config(&self, name: &IssuerName) -> Option<&IssuerConfig> {
        self.list.iter().map(|issuer| &issuer.config).find(|config| config.name == *name)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Takes new keys for an issuer; gives how many there are. Tokens that were valid by the old
    /// ones are checked anew. On an error the old keys stay.
    ///
    /// # Errors
    /// [`KeyError`] if the text holds no keys that can be used.
    pub fn replace_keys(&self, name: &IssuerName, text: &[u8]) -> Result<usize, KeyError> {
        let Some(config) = self.config(name) else { return Ok(0) };
        let set = KeySet::parse(text, &config.algorithms)?;
        let count = set.len();
        self.put_keys(name, set);
        Ok(count)
    }

    /// Forgets the keys of an issuer. None of its tokens is valid until there are new ones.
    pub fn drop_keys(&self, name: &IssuerName) {
        self.put_keys(name, KeySet::none());
    }

    fn put_keys(&self, name: &IssuerName, set: KeySet) {
        let version = self.versions.fetch_add(1, Ordering::Relaxed);
        if let Some(issuer) = self.list.iter().find(|issuer| issuer.config.name == *name) {
            issuer.keys.store(Arc::new(Versioned { set, version }));
        }
    }

    /// Whether this very token was valid a moment ago, so that looking at it costs nothing.
    #[must_use]
    pub fn is_warm(&self, text: &str) -> bool {
        text.len() <= TOKEN_BYTES_MAX && self.warm.find(&crate::sha256(text.as_bytes())).is_some()
    }

    /// The fields of requests that can carry a token, each once.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.list.iter().enumerate().filter_map(|(at, issuer)| {
            let own = issuer.config.header.as_str();
            let before = self.list.iter().take(at);
            before.map(|it| it.config.header.as_str()).all(|it| it != own).then_some(own)
        })
    }

    /// What the issuer of a token vouches for, if it is valid at `now`.
    ///
    /// # Errors
    /// Why it is not.
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<Arc<Vouched>, Refused> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err("it is too long");
        }
        let digest = crate::sha256(text.as_bytes());
        if let Some(warm) = self.warm.find(&digest)
            && self.list.get(warm.at).is_some_and(|it| it.keys.load().version == warm.version)
        {
            // Time is the one thing that can have changed.
            return if warm.vouched.holds(now) { Ok(warm.vouched) } else { Err("it has expired") };
        }
        let warm = self.verify_cold(text, now)?;
        self.warm.keep(digest, warm.clone());
        Ok(warm.vouched)
    }

    fn verify_cold(&self, text: &str, now: Timestamp) -> Result<Warm, Refused> {
        let token = Compact::parse(text)?;
        let named = token.claims.text("iss").ok_or("it names no issuer")?;
        let found = self.list.iter().enumerate().find(|(_, it)| it.config.issuer == named);
        let (at, Issuer { config, keys }) = found.ok_or("its issuer is not known")?;
        if !config.algorithms.contains(&token.algorithm) {
            return Err("its algorithm is not allowed for the issuer");
        }
        let keys = keys.load();
        let id = token.key_id.as_deref();
        let message = token.message.as_bytes();
        keys.set.verify(id, token.algorithm, message, &token.signature)?;
        let held = claims::check(config, &token.claims, now)?;
        let vouched = Vouched {
            issuer: config.name.clone(),
            subject: held.subject,
            claims: held.claims,
            passed: held.passed,
            from: held.from,
            until: held.until,
        };
        Ok(Warm { vouched: Arc::new(vouched), at, version: keys.version })
    }
}
