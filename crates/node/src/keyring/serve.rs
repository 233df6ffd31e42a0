//! What a running node does with its root key when it is asked.

use super::rewrap::{Rewrap, expect_none};
use super::things::Things;
use super::{describe, enter};
use crate::assemble::Assembled;
use crate::settings::Settings;
use engine::Engine;
use keys::{FileRing, Passphrase, RootKeyFile};
use model::act::Act;
use model::api::{KeyRetired, KeyRewrap, KeyRotated, Keys};
use model::key::Epoch;
use model::{Code, Problem, Secret};
use ports::{Clock, KeyRing};
use std::path::PathBuf;
use std::sync::Arc;
use store_sqlite::{Store, epochs};
use tokio::sync::Mutex;

/// The ring of a running node, and the file that it is from.
pub(crate) struct Ring {
    pub(super) ring: Arc<FileRing>,
    file: PathBuf,
    things: Arc<Things>,
    pub(crate) rewrap: Arc<Rewrap>,
    pub(super) engine: Arc<Engine>,
    pub(super) store: Store,
    /// Held by whoever rotates, takes an epoch out, begins to move things, or takes keys of another
    /// home.
    pub(super) turn: Mutex<()>,
}

impl Ring {
    pub(crate) fn new(settings: &Settings, assembled: &Assembled) -> Self {
        let things = Arc::new(Things::new(settings, assembled));
        let rewrap = Rewrap::new(Arc::clone(&things), assembled.store.clone());
        Self {
            ring: Arc::clone(&assembled.ring),
            file: settings.root_key_file.clone(),
            things,
            rewrap: Arc::new(rewrap),
            engine: Arc::clone(&assembled.engine),
            store: assembled.store.clone(),
            turn: Mutex::default(),
        }
    }

    pub(crate) async fn status(&self) -> Result<Keys, Problem> {
        let counted = self.things.count().await?;
        let keys = describe(self.ring.made(), self.ring.sealed(), counted);
        let handed = self.handed().await?;
        Ok(Keys { rewrap: self.rewrap.shown(), handed, ..keys })
    }

    /// Adds an epoch. It goes on if whoever asked goes away: half of it would be worse.
    pub(crate) async fn rotate(
        self: &Arc<Self>,
        actor: String,
        from: Epoch,
    ) -> Result<KeyRotated, Problem> {
        let own = Arc::clone(self);
        let rotating = tokio::spawn(async move { own.rotate_now(&actor, from).await });
        rotating.await.map_err(|error| Problem::new(Code::Internal).internal(error))?
    }

    async fn rotate_now(&self, actor: &str, from: Epoch) -> Result<KeyRotated, Problem> {
        let _turn = self.turn.lock().await;
        let (file, ring) = (self.file.clone(), Arc::clone(&self.ring));
        let now = crate::clock::SystemClock.wall();
        let rotate = move || Ok(RootKeyFile::rotate(&file, &ring, from, now)?);
        let rotation = blocking(rotate).await?;
        let made = rotation.made().clone();
        // The root is in the file. What fails from here on is done again by the next start.
        let half = |problem: Problem| {
            problem.hint("the new epoch is in the root key file, and is used after the next start")
        };
        let fact = epochs::fact(made.epoch);
        let kept = self.store.put_meta_if_absent(&fact, &made.fingerprint).await;
        kept.map_err(|error| half(error.into()))?;
        let leaf = enter(&self.engine, &self.store, actor, &made).await.map_err(half)?;
        rotation.begin(&self.ring);
        tracing::info!(epoch = made.epoch.0, "the root key has a new epoch");
        Ok(KeyRotated { epoch: made.epoch.0, fingerprint: made.fingerprint, leaf: Some(leaf) })
    }

    /// Begins to move what is stored to the newest epoch.
    pub(crate) async fn begin_rewrap(&self, actor: &str) -> Result<KeyRewrap, Problem> {
        let _turn = self.turn.lock().await;
        self.rewrap.begin(actor).await
    }

    /// Takes an epoch out. It goes on if whoever asked goes away.
    pub(crate) async fn retire(
        self: &Arc<Self>,
        actor: String,
        epoch: Epoch,
    ) -> Result<KeyRetired, Problem> {
        let own = Arc::clone(self);
        let retiring = tokio::spawn(async move { own.retire_now(&actor, epoch).await });
        retiring.await.map_err(|error| Problem::new(Code::Internal).internal(error))?
    }

    async fn retire_now(&self, actor: &str, epoch: Epoch) -> Result<KeyRetired, Problem> {
        let _turn = self.turn.lock().await;
        let made = self.ring.made();
        let Some(gone) = made.iter().find(|made| made.epoch == epoch) else {
            return Err(Problem::new(Code::EpochUnknown).detail(format!("epoch {}", epoch.0)));
        };
        if epoch == self.ring.founding() || epoch == self.ring.epoch() {
            return Err(Problem::new(Code::EpochStays).detail(format!("epoch {}", epoch.0)));
        }
        if self.rewrap.is_running() {
            return Err(Problem::new(Code::RewrapRunning));
        }
        // What was on its way when the epoch was the newest is among what a rewrap went through
        // since, or was written by now and is counted.
        if self.rewrap.reached().await?.is_none_or(|reached| reached <= epoch) {
            let detail = format!("epoch {}: nothing was moved to a newer one yet", epoch.0);
            return Err(Problem::new(Code::EpochInUse).detail(detail));
        }
        expect_none(epoch, &self.things.count().await?)?;
        // The home knows before the file lacks it, so that it starts with either file.
        let fact = epochs::retired(epoch);
        self.store.put_meta_if_absent(&fact, &gone.fingerprint).await?;
        let act = Act::KeyRetire { epoch, fingerprint: gone.fingerprint.clone() };
        let leaf = self.engine.note(actor, act).await?;
        let (file, ring) = (self.file.clone(), Arc::clone(&self.ring));
        blocking(move || Ok(RootKeyFile::retire(&file, &ring, epoch)?)).await?;
        tracing::info!(epoch = epoch.0, "an epoch was taken out of the root key");
        Ok(KeyRetired { epoch: epoch.0, fingerprint: gone.fingerprint.clone(), leaf })
    }

    /// A copy of the root key, after the ledger says that there is one. It is sealed if there is a
    /// passphrase.
    pub(crate) async fn copy(
        &self,
        actor: &str,
        passphrase: Option<Secret<Vec<u8>>>,
    ) -> Result<Secret<Vec<u8>>, Problem> {
        let bytes = passphrase.map(|bytes| bytes.expose().clone());
        let passphrase = bytes.map(Passphrase::new).transpose()?;
        let act = Act::KeyBackup { epoch: self.ring.epoch(), sealed: passphrase.is_some() };
        self.engine.note(actor, act).await?;
        let ring = Arc::clone(&self.ring);
        blocking(move || Ok(RootKeyFile::copy(&ring, passphrase.as_ref())?)).await
    }
}

/// Does what blocks, or takes long, beside the threads that answer.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Problem::new(Code::Internal).internal(error))?
}
