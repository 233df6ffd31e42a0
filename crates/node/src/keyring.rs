//! The root key in the life of a node: opened, held against what the home knows, rotated, copied.
//!
//! Invariant: an epoch is used only when its root is in the file and the home knows of it, both on
//! the disk. So a file from before is recognised, and nothing is sealed that a crash makes
//! unreadable.

pub(crate) mod handing;
mod place;
mod rewrap;
mod serve;
mod things;

pub use place::{KeyPlace, Put};
pub(crate) use rewrap::Rewrap;
pub(crate) use serve::Ring;

use crate::home::Home;
use crate::settings::{Settings, variable};
use keys::{Cost, FileRing, Made, Passphrase, RootKeyFile};
use model::act::Act;
use model::api::{KeyEpoch, KeySeal, KeyThings, Keys};
use model::key::Epoch;
use model::{Code, Problem, Secret};
use std::path::Path;
use store_sqlite::Store;
use store_sqlite::epochs::{self, Known};
use things::Counted;

/// Names the file with the passphrase of the root key.
pub(crate) const PASSPHRASE_VARIABLE: &str = "CASEMATE_ROOT_KEY_PASSPHRASE_FILE";

/// The passphrase in this file, or in the one that the environment names.
pub(crate) fn passphrase(file: Option<&Path>) -> Result<Option<Passphrase>, Problem> {
    let named = variable(PASSPHRASE_VARIABLE);
    let file = file.or(named.as_deref().map(Path::new));
    Ok(file.map(Passphrase::read).transpose()?)
}

/// The passphrase in a file, to hand it to a node.
///
/// # Errors
/// `E0823`
pub fn read_passphrase(file: &Path) -> Result<Secret<Vec<u8>>, Problem> {
    Ok(Passphrase::read(file)?.bytes().clone())
}

/// Opens the root key, or makes it for a home that is new.
pub(crate) fn open(
    settings: &Settings,
    home: &Home,
    now: model::Timestamp,
) -> Result<FileRing, Problem> {
    let path = &settings.root_key_file;
    let new_home = !home.join(store_sqlite::store::FILE).exists();
    let file = settings.root_key_passphrase_file.as_deref();
    let passphrase = file.map(Passphrase::read).transpose()?;
    if path.exists() {
        Ok(RootKeyFile::open(path, passphrase.as_ref())?)
    } else if new_home {
        Ok(RootKeyFile::create(path, now, passphrase.as_ref())?)
    } else {
        Err(Problem::new(Code::RootKeyMissing).detail(path.display()))
    }
}

/// Holds a ring against what a home knows of its root keys.
fn compare(ring: &FileRing, known: &Known) -> Result<(), Problem> {
    if let Some(kept) = &known.founding {
        ring.expect_fingerprint(kept)?;
    }
    for (epoch, kept) in &known.added {
        ring.expect_epoch(*epoch, kept)?;
    }
    Ok(())
}

/// The home remembers which root key it was made with, and every epoch that it was used with.
pub(crate) async fn check(store: &Store, ring: &FileRing) -> Result<(), Problem> {
    let kept = store.put_meta_if_absent("root-key-fingerprint", ring.fingerprint()).await?;
    ring.expect_fingerprint(&kept)?;
    compare(ring, &store.known_epochs().await?)?;
    // Before anything is sealed with them.
    for made in added(ring) {
        store.put_meta_if_absent(&epochs::fact(made.epoch), &made.fingerprint).await?;
    }
    Ok(())
}

/// Every epoch but the founding one.
fn added(ring: &FileRing) -> impl Iterator<Item = Made> {
    ring.made().into_iter().skip(1)
}

/// Writes into the ledger which epochs came while no node ran, or just before it ended.
pub(crate) async fn note(
    engine: &engine::Engine,
    store: &Store,
    ring: &FileRing,
) -> Result<(), Problem> {
    for made in added(ring) {
        if store.meta(&noted(made.epoch)).await?.is_none() {
            enter(engine, store, "casemate", &made).await?;
        }
    }
    Ok(())
}

/// Says that the ledger has an entry about an epoch.
fn noted(epoch: Epoch) -> String {
    format!("root-key-noted-{}", epoch.0)
}

/// Writes into the ledger that there is an epoch. A crash between the entry and the note about it
/// gives a second entry, which says the same.
async fn enter(
    engine: &engine::Engine,
    store: &Store,
    actor: &str,
    made: &Made,
) -> Result<u64, Problem> {
    let act = Act::KeyRotate { epoch: made.epoch, fingerprint: made.fingerprint.clone() };
    let leaf = engine.note(actor, act).await?;
    store.put_meta_if_absent(&noted(made.epoch), &leaf.to_string()).await?;
    Ok(leaf)
}

/// What is said of a root key: its epochs, and what is sealed with each.
fn describe(made: Vec<Made>, cost: Option<Cost>, counted: Counted) -> Keys {
    let Counted { count, uncounted } = counted;
    let number = |made: Option<&Made>| made.map_or(0, |made| made.epoch.0);
    let (founding, newest) = (number(made.first()), number(made.last()));
    let epoch = |made: Made| KeyEpoch {
        epoch: made.epoch.0,
        made: made.at,
        fingerprint: Some(made.fingerprint),
        things: Vec::new(),
    };
    let mut items: Vec<KeyEpoch> = made.into_iter().map(epoch).collect();
    for ((of, kind), count) in count {
        let things = KeyThings { kind: kind.to_owned(), count };
        match items.iter_mut().find(|item| item.epoch == of.0) {
            Some(item) => item.things.push(things),
            None => {
                let things = vec![things];
                items.push(KeyEpoch { epoch: of.0, made: None, fingerprint: None, things });
            }
        }
    }
    items.sort_by_key(|item| item.epoch);
    let sealed =
        cost.map(|Cost { memory, passes, lanes }| KeySeal { memory_kib: memory, passes, lanes });
    Keys { sealed, newest, founding, items, uncounted, rewrap: None, handed: Vec::new() }
}
