//! What is stored, by the epoch of the root key that it is sealed with: counted, and moved to the
//! newest, some of it at a time.
//!
//! Moved is whatever an epoch seals and a node keeps: secrets, keys of callers, queued calls, values
//! of key-value stores, entries and files of blobs, certificates, segments of records. Not moved are
//! uploads that are not finished, which end or are given up, and what stays with the founding epoch.
//!
//! Invariant: what cannot be opened is left as it is, and everything else goes on.

use crate::assemble::Assembled;
use crate::settings::Settings;
use engine::Engine;
use keys::FileRing;
use model::key::{Epoch, KeyPurpose};
use model::{Problem, TenantName};
use ports::{Journal, KeyRing};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store_sqlite::blobs::{FileCount, Moved};
use store_sqlite::epochs::{self, Count};
use store_sqlite::kv::{Step, Walk};
use store_sqlite::{Blobs, Queue, Stores, blobs, kv};
use tokio::time::Instant;

/// The shortest pause between two steps.
const PAUSE_MIN: Duration = Duration::from_millis(2);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Where things are kept.
pub(crate) struct Things {
    pub(super) ring: Arc<FileRing>,
    home: PathBuf,
    pub(super) engine: Arc<Engine>,
    queue: Arc<Queue>,
    stores: Arc<Stores>,
    blobs: Arc<Blobs>,
    journal: Arc<dyn Journal>,
    vault: tls::Vault,
}

/// How much there is of each epoch.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) count: Count,
    /// What could not be counted.
    pub(super) uncounted: Vec<String>,
}

/// What was moved, and what could not be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) moved: u64,
    pub(super) damaged: u64,
}

/// Hears how far it is.
pub(super) type Heard<'a> = &'a (dyn Fn(Tally) + Send + Sync);

/// Rests as long as the work before took, so that half of the disk is others'.
struct Pace(Instant);

impl Pace {
    fn begin() -> Self {
        Self(Instant::now())
    }

    async fn rest(self) {
        tokio::time::sleep(self.0.elapsed().clamp(PAUSE_MIN, PAUSE_MAX)).await;
    }
}

impl Things {
    pub(crate) fn new(settings: &Settings, assembled: &Assembled) -> Self {
        let ring = Arc::clone(&assembled.ring);
        let vault = match &assembled.certificates {
            Some(certificates) => certificates.vault().clone(),
            // What a configuration from before left there is sealed all the same.
            None => {
                let ring = Arc::clone(&ring) as Arc<dyn KeyRing>;
                let sealer = keys::Across::new(ring, KeyPurpose::Certificate, &[]);
                tls::Vault::new(settings.home.join("tls"), Arc::new(sealer))
            }
        };
        Self {
            ring,
            home: settings.home.clone(),
            engine: Arc::clone(&assembled.engine),
            queue: Arc::clone(&assembled.queue),
            stores: Arc::clone(&assembled.stores),
            blobs: Arc::clone(&assembled.blobs),
            journal: Arc::clone(&assembled.journal),
            vault,
        }
    }

    /// Counts all. What cannot be read is named, and not counted.
    pub(super) async fn count(&self) -> Result<Counted, Problem> {
        let home = self.home.clone();
        let count = move || epochs::count(&home).map_err(Problem::from);
        let mut found = super::serve::blocking(count).await?;
        let (files, uncounted) = self.files().await?;
        for (counts, kind) in [(files.objects, epochs::FILES), (files.uploads, epochs::UPLOADS)] {
            found.extend(counts.into_iter().map(|(epoch, count)| ((epoch, kind), count)));
        }
        let (vault, ring) = (self.vault.clone(), Arc::clone(&self.ring));
        let certificates = super::serve::blocking(move || certificates(&vault, &ring)).await?;
        for epoch in certificates {
            *found.entry((epoch, epochs::CERTIFICATES)).or_default() += 1;
        }
        Ok(Counted { count: found, uncounted })
    }

    async fn files(&self) -> Result<(FileCount, Vec<String>), Problem> {
        let (mut found, mut uncounted) = (FileCount::default(), Vec::new());
        for tenant in blobs::tenants(&self.home).map_err(Problem::from)? {
            if let Err(error) = self.files_of(&tenant, &mut found).await {
                tracing::warn!(%tenant, %error, "files of blobs could not be counted");
                uncounted.push(format!("{} of {tenant}", epochs::FILES));
            }
        }
        Ok((found, uncounted))
    }

    async fn files_of(
        &self,
        tenant: &TenantName,
        found: &mut FileCount,
    ) -> Result<(), ports::blobs::Error> {
        for at in self.blobs.containers_of(tenant).await? {
            self.blobs.count_files(&at, found).await?;
        }
        Ok(())
    }

    /// Moves all that there is, once. `heard` is told after each step.
    pub(super) async fn pass(&self, heard: Heard<'_>) -> Result<Tally, Problem> {
        let mut tally = Tally::default();
        let resealed = self.engine.rewrap_secrets("casemate").await?;
        tally.add((resealed.moved, resealed.damaged), heard);
        self.calls(&mut tally, heard).await?;
        for tenant in kv::tenants(&self.home).map_err(Problem::from)? {
            let walked = self.values(&tenant, &mut tally, heard).await;
            tally.survive("key-value stores", &tenant, walked, heard);
        }
        for tenant in blobs::tenants(&self.home).map_err(Problem::from)? {
            let walked = self.entries(&tenant, &mut tally, heard).await;
            tally.survive("blobs", &tenant, walked, heard);
        }
        self.certificates(&mut tally, heard).await?;
        self.segments(&mut tally, heard).await?;
        Ok(tally)
    }

    async fn calls(&self, tally: &mut Tally, heard: Heard<'_>) -> Result<(), Problem> {
        let mut after = Some(0);
        while let Some(at) = after {
            let pace = Pace::begin();
            let done = self.queue.rewrap(at).await.map_err(engine_problem)?;
            tally.add((done.moved, done.damaged), heard);
            after = done.next;
            pace.rest().await;
        }
        Ok(())
    }

    async fn values(
        &self,
        tenant: &TenantName,
        tally: &mut Tally,
        heard: Heard<'_>,
    ) -> Result<(), String> {
        let mut walk = Some(Walk::default());
        while let Some(at) = walk {
            let pace = Pace::begin();
            let step = self.stores.rewrap(tenant, at).await.map_err(|error| error.to_string())?;
            walk = tally.step(step, heard);
            pace.rest().await;
        }
        Ok(())
    }

    /// Files first, since what names them changes with them.
    async fn entries(
        &self,
        tenant: &TenantName,
        tally: &mut Tally,
        heard: Heard<'_>,
    ) -> Result<(), String> {
        for at in self.blobs.containers_of(tenant).await.map_err(|error| error.to_string())? {
            let mut after = None;
            loop {
                let below = self.ring.epoch();
                let page = self.blobs.older_objects(&at, after.as_deref(), below).await;
                let (older, next) = page.map_err(|error| error.to_string())?;
                for name in older {
                    let pace = Pace::begin();
                    match self.blobs.rewrap_object(&at, &name).await {
                        Ok(moved) => tally.add((u64::from(moved == Moved::Anew), 0), heard),
                        Err(error) => {
                            tracing::error!(container = %at.name, %error, "E0335: the file of an object was not moved to the newest epoch");
                            tally.add((0, 1), heard);
                        }
                    }
                    pace.rest().await;
                }
                match next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        let mut walk = Some(Walk::default());
        while let Some(at) = walk {
            let pace = Pace::begin();
            let step = self.blobs.rewrap_index(tenant, at).await;
            walk = tally.step(step.map_err(|error| error.to_string())?, heard);
            pace.rest().await;
        }
        Ok(())
    }

    async fn segments(&self, tally: &mut Tally, heard: Heard<'_>) -> Result<(), Problem> {
        let mut after = None;
        loop {
            let pace = Pace::begin();
            let done = self.journal.rewrap(after).await.map_err(engine_problem)?;
            tally.add((done.moved, done.damaged), heard);
            if done.next.is_none() {
                return Ok(());
            }
            after = done.next;
            pace.rest().await;
        }
    }

    async fn certificates(&self, tally: &mut Tally, heard: Heard<'_>) -> Result<(), Problem> {
        let vault = self.vault.clone();
        for name in super::serve::blocking(move || vault.names()).await? {
            let sealer = self.ring.sealer(self.ring.epoch(), KeyPurpose::Certificate, &[]);
            let sealer = sealer.map_err(engine_problem)?;
            let vault = self.vault.clone();
            let moved = move || vault.rewrap(&name, &*sealer);
            match super::serve::blocking(moved).await {
                Ok(moved) => tally.add((u64::from(moved), 0), heard),
                Err(problem) => {
                    tracing::error!(%problem, "E0335: a certificate was not moved to the newest epoch");
                    tally.add((0, 1), heard);
                }
            }
        }
        Ok(())
    }
}

impl Tally {
    fn add(&mut self, (moved, damaged): (u64, u64), heard: Heard<'_>) {
        self.moved += moved;
        self.damaged += damaged;
        heard(*self);
    }

    fn step(&mut self, step: Step, heard: Heard<'_>) -> Option<Walk> {
        self.add((step.moved, step.damaged), heard);
        step.next
    }

    /// What one tenant's files failed with keeps nobody else's.
    fn survive(
        &mut self,
        what: &str,
        tenant: &TenantName,
        walked: Result<(), String>,
        heard: Heard<'_>,
    ) {
        if let Err(error) = walked {
            tracing::error!(%tenant, error, "E0335: {what} were not moved to the newest epoch");
            self.add((0, 1), heard);
        }
    }
}

/// The epoch of each certificate, key and account; of what nothing opens, none.
fn certificates(vault: &tls::Vault, ring: &FileRing) -> Result<Vec<Epoch>, Problem> {
    let mut found = Vec::new();
    for name in vault.names()? {
        for epoch in ring.epochs().into_iter().rev() {
            let sealer = ring.sealer(epoch, KeyPurpose::Certificate, &[]);
            let sealer = sealer.map_err(engine_problem)?;
            if vault.is_sealed_by(&name, &*sealer)? == Some(true) {
                found.push(epoch);
                break;
            }
        }
    }
    Ok(found)
}

fn engine_problem(error: impl std::fmt::Display) -> Problem {
    Problem::new(model::Code::StoreFailed).internal(error)
}
