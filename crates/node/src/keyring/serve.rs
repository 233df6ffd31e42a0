//! What a running node does with its root key when it is asked.

use super::{describe, enter};
use engine::Engine;
use keys::{FileRing, Passphrase, RootKeyFile};
use model::act::Act;
use model::api::{KeyRotated, Keys};
use model::key::Epoch;
use model::{Code, Problem, Secret};
use ports::{Clock, KeyRing};
use std::path::PathBuf;
use std::sync::Arc;
use store_sqlite::{Store, epochs};
use tokio::sync::Mutex;

/// The ring of a running node, and the file that it is from.
pub(crate) struct Ring {
    pub(crate) ring: Arc<FileRing>,
    pub(crate) file: PathBuf,
    pub(crate) home: PathBuf,
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: Store,
    /// Held by whoever rotates.
    pub(crate) turn: Mutex<()>,
}

impl Ring {
    pub(crate) async fn status(&self) -> Result<Keys, Problem> {
        let home = self.home.clone();
        let count = blocking(move || epochs::count(&home).map_err(Problem::from)).await?;
        Ok(describe(self.ring.made(), self.ring.sealed(), count))
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
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Problem::new(Code::Internal).internal(error))?
}
