//! The keys of issuers: read from files, and again when a file changes; or fetched, and again when
//! they are old or a token names one that is not there.
//!
//! At the start a file that cannot be used stops the node. An address that does not answer does
//! not: others would suffer for it, and the tokens of that issuer are refused. Later the node keeps
//! the keys that it has, and says so.

mod bell;
mod fetch;
mod keeper;
#[cfg(test)]
mod tests;

use crate::settings::{Issuer, Keys};
use bell::Bells;
use identity::jwt::{IssuerConfig, Issuers, KEYS_BYTES_MAX, KeySet};
use keeper::Keeper;
use model::api::Finding;
use model::{Code, IssuerName, Problem};
use ports::Outbound;
use std::fs::Metadata;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long after its change a file is read again, at most.
const LOOK: Duration = Duration::from_secs(1);

/// How long a node waits, at its start, for keys that are fetched.
const FIRST: Duration = Duration::from_secs(5);

/// Makes a way out that reaches these networks beside the public internet.
pub(crate) type Doors<'a> = &'a dyn Fn(&[ipnet::IpNet]) -> Result<Arc<dyn Outbound>, Problem>;

/// Issuers, and what keeps their keys as they should be.
pub(crate) struct KeyFiles {
    pub(crate) issuers: Arc<Issuers>,
    files: Vec<(IssuerName, PathBuf, Option<Stamp>)>,
    keepers: Arc<Vec<Keeper>>,
    /// Ends with this.
    keeping: JoinSet<()>,
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::BadKeySet).detail(format!("{}: {why}", path.display()))
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    // One byte more than is taken, so that a larger file is seen to be one.
    let most = KEYS_BYTES_MAX as u64 + 1;
    std::fs::File::open(path)?.take(most).read_to_end(&mut text)?;
    Ok(text)
}

/// What changes when a file is written or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp([i64; 5]);

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let meta: Metadata = std::fs::metadata(path).ok()?;
        let signed = |number: u64| i64::from_ne_bytes(number.to_ne_bytes());
        Some(Self([
            meta.mtime(),
            meta.mtime_nsec(),
            signed(meta.size()),
            signed(meta.ino()),
            meta.ctime_nsec(),
        ]))
    }
}

impl KeyFiles {
    /// Reads the keys of all issuers, and begins to fetch those that are fetched.
    pub(crate) fn open(issuers: &[Issuer], doors: Doors<'_>) -> Result<Self, Problem> {
        let (mut known, mut files, mut keepers) = (Vec::new(), Vec::new(), Vec::new());
        for Issuer { config, keys } in issuers {
            let set = match keys {
                Keys::File(path) => {
                    // Taken before the file is read: a write in between is seen the next time.
                    files.push((config.name.clone(), path.clone(), Stamp::of(path)));
                    first(config, path)?
                }
                Keys::Fetched(from) => {
                    let names = (config.name.clone(), config.issuer.clone());
                    keepers.push(Keeper::new(names, from.clone(), doors(&from.networks)?));
                    KeySet::none()
                }
            };
            known.push((config.clone(), set));
        }
        let mut issuers = Issuers::new(known);
        if !keepers.is_empty() {
            let bells = keepers.iter().map(|keeper| keeper.bell());
            issuers = issuers.asking(Arc::new(Bells(bells.collect())));
        }
        let (issuers, keepers) = (Arc::new(issuers), Arc::new(keepers));
        let mut keeping = JoinSet::new();
        for at in 0..keepers.len() {
            let (issuers, keepers) = (Arc::clone(&issuers), Arc::clone(&keepers));
            keeping.spawn(async move {
                if let Some(keeper) = keepers.get(at) {
                    keeper.keep(&issuers).await;
                }
            });
        }
        Ok(Self { issuers, files, keepers, keeping })
    }

    /// Waits a moment for keys that are fetched, so that the first requests find them.
    pub(crate) async fn settle(&self) {
        let all = self.keepers.iter().map(Keeper::first);
        // Who is late is asked on.
        let _ = tokio::time::timeout(FIRST, futures_util::future::join_all(all)).await;
    }

    /// Looks at the keys that are fetched.
    pub(crate) fn fetched(&self) -> Fetching {
        Fetching(Arc::clone(&self.keepers))
    }

    /// Watches the files for as long as it is polled. Looks at their times, and so also notices
    /// files that are swapped by renaming or behind a symbolic link.
    pub(crate) async fn watch(mut self) {
        while !self.files.is_empty() {
            tokio::time::sleep(LOOK).await;
            for (name, path, stamp) in &mut self.files {
                let now = Stamp::of(path);
                if now != *stamp {
                    *stamp = now;
                    reload(name, path, &self.issuers);
                }
            }
        }
        while self.keeping.join_next().await.is_some() {}
    }
}

/// The keys that are fetched, to be looked at.
pub(crate) struct Fetching(Arc<Vec<Keeper>>);

impl Fetching {
    /// What `casemate doctor` says about them.
    pub(crate) fn findings(&self) -> impl Iterator<Item = Finding> {
        self.0.iter().map(Keeper::finding)
    }
}

/// The keys of a file, at the start.
fn first(config: &IssuerConfig, path: &Path) -> Result<KeySet, Problem> {
    let text = read(path).map_err(|error| unusable(path, &error))?;
    let set = KeySet::parse(&text, &config.algorithms);
    let set = set.map_err(|error| unusable(path, &error))?;
    tracing::info!(issuer = %config.name, keys = set.len(), "tokens of an issuer are taken");
    Ok(set)
}

fn reload(name: &IssuerName, path: &Path, issuers: &Issuers) {
    let replaced = read(path)
        .map_err(|error| error.to_string())
        .and_then(|text| issuers.replace_keys(name, &text).map_err(|error| error.to_string()));
    match replaced {
        Ok(keys) => tracing::info!(issuer = %name, keys, "new keys of an issuer are in use"),
        Err(error) => {
            let problem = unusable(path, &error);
            tracing::error!(issuer = %name, %problem, "the old keys of an issuer stay in use");
        }
    }
}
