//! The keys of issuers: read at the start, and again when their file changes.
//!
//! At the start a file that cannot be used stops the node. Later it does not: the node keeps the
//! keys that it has, and says so.

use crate::settings::Issuer;
use identity::jwt::{Issuers, KEYS_BYTES_MAX, KeySet};
use model::{Code, Problem};
use std::fs::Metadata;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long after its change a file is read again, at most.
const LOOK: Duration = Duration::from_secs(1);

/// Issuers, and the files that their keys came from.
pub(crate) struct KeyFiles {
    pub(crate) issuers: Arc<Issuers>,
    files: Vec<(Issuer, Option<Stamp>)>,
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
    /// Reads the keys of all issuers.
    pub(crate) fn open(issuers: &[Issuer]) -> Result<Self, Problem> {
        let (mut known, mut files) = (Vec::new(), Vec::new());
        for issuer in issuers {
            let Issuer { config, keys } = issuer;
            // Taken before the file is read: a write in between is seen the next time.
            let stamp = Stamp::of(keys);
            let text = read(keys).map_err(|error| unusable(keys, &error))?;
            let set = KeySet::parse(&text, &config.algorithms);
            let set = set.map_err(|error| unusable(keys, &error))?;
            tracing::info!(issuer = %config.name, keys = set.len(), "tokens of an issuer are taken");
            known.push((config.clone(), set));
            files.push((issuer.clone(), stamp));
        }
        Ok(Self { issuers: Arc::new(Issuers::new(known)), files })
    }

    /// Watches the files for as long as it is polled. Looks at their times, and so also notices
    /// files that are swapped by renaming or behind a symbolic link.
    pub(crate) async fn watch(mut self) {
        while !self.files.is_empty() {
            tokio::time::sleep(LOOK).await;
            for (file, stamp) in &mut self.files {
                let now = Stamp::of(&file.keys);
                if now != *stamp {
                    *stamp = now;
                    reload(file, &self.issuers);
                }
            }
        }
    }
}

fn reload(file: &Issuer, issuers: &Issuers) {
    let name = &file.config.name;
    let replaced = read(&file.keys)
        .map_err(|error| error.to_string())
        .and_then(|text| issuers.replace_keys(name, &text).map_err(|error| error.to_string()));
    match replaced {
        Ok(keys) => tracing::info!(issuer = %name, keys, "new keys of an issuer are in use"),
        Err(error) => {
            let problem = unusable(&file.keys, &error);
            tracing::error!(issuer = %name, %problem, "the old keys of an issuer stay in use");
        }
    }
}
