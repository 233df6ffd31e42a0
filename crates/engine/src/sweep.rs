//! Components and files that nothing refers to any more, and how they go.
//!
//! Every revision keeps its component, since it can be rolled back to; a directory's revision keeps
//! the list of its files, and through it their pieces. What has none is what was sent for a
//! deployment that then failed, or was never asked for.
//!
//! Invariant: an artifact goes only if no revision refers to it, itself or through a list, no
//! upload or deployment under way names it, and nobody has wanted it for [`LEFT`]; so whoever sends artifacts
//! and then deploys finds them. A list that cannot be read says nothing about what it keeps, so
//! then nothing goes.

use crate::readiness::artifact_problem;
use crate::wiring::Engine;
use model::{Code, Digest, Problem};
use parking_lot::Mutex;
use ports::registry::Referred;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How long an artifact is left that nothing refers to.
const LEFT: Duration = Duration::from_hours(1);

/// How long an upload of a blob is left that nothing is added to.
const UPLOADS_LEFT: Duration = Duration::from_hours(24);

/// What a sweep came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Components, lists and pieces of files that were removed.
    pub artifacts: usize,
    /// Compiled forms that were removed.
    pub compiled: usize,
}

/// The artifacts of uploads and deployments that are under way, with how many name each.
#[derive(Default)]
pub(crate) struct InUse {
    counts: Arc<Mutex<BTreeMap<Digest, usize>>>,
    /// Held by a sweep, and by whoever begins to use or to want artifacts.
    sweeping: tokio::sync::Mutex<()>,
}

/// Keeps artifacts from being swept until it is dropped.
pub(crate) struct Using {
    counts: Arc<Mutex<BTreeMap<Digest, usize>>>,
    digests: BTreeSet<Digest>,
}

impl Using {
    fn add(&mut self, digests: impl IntoIterator<Item = Digest>) {
        let mut counts = self.counts.lock();
        for digest in digests {
            if self.digests.insert(digest) {
                *counts.entry(digest).or_default() += 1;
            }
        }
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        for digest in &self.digests {
            match counts.get_mut(digest) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(counts.remove(digest)),
            }
        }
    }
}

impl Engine {
    /// Gives up uploads of blobs that nothing was added to for a day.
    ///
    /// # Errors
    /// What the blobs say; others were given up all the same.
    pub async fn sweep_uploads(&self) -> Result<(), Problem> {
        let left_us = i64::try_from(UPLOADS_LEFT.as_micros()).unwrap_or(i64::MAX);
        let before = self.parts.clock.wall().plus_us(-left_us);
        let collected = self.parts.blobs.collect(before).await.map_err(Problem::from)?;
        if collected.uploads > 0 {
            let ports::blobs::Collected { uploads, bytes } = collected;
            tracing::info!(uploads, bytes, "uploads of blobs were given up after a day");
        }
        Ok(())
    }

    /// Removes components and files that nothing refers to, and compiled forms whose component is
    /// gone.
    ///
    /// # Errors
    /// E0502 if a list of files cannot be read, and then nothing was removed; or the store failed:
    /// what was removed before that stays removed.
    pub async fn sweep(&self) -> Result<Swept, Problem> {
        let _alone = self.in_use.sweeping.lock().await;
        // In this order: a deployment is under way until its revisions are in the registry.
        let mut keep: BTreeSet<Digest> = self.in_use.counts.lock().keys().copied().collect();
        keep.extend(self.used_artifacts().await?);
        let left_us = i64::try_from(LEFT.as_micros()).unwrap_or(i64::MAX);
        let before = self.parts.clock.wall().plus_us(-left_us);
        let artifacts = &self.parts.artifacts;
        let all = artifacts.list().await.map_err(artifact_problem)?;
        let mut gone = artifacts.unwanted(before).await.map_err(artifact_problem)?;
        gone.retain(|digest| !keep.contains(digest));
        let going: BTreeSet<Digest> = gone.iter().copied().collect();
        keep.extend(all.into_iter().filter(|digest| !going.contains(digest)));
        artifacts.remove(gone).await.map_err(artifact_problem)?;
        let compiled = self.parts.executor.keep_only(keep).await;
        let swept = Swept { artifacts: going.len(), compiled };
        if swept != Swept::default() {
            let Swept { artifacts, compiled } = swept;
            tracing::info!(artifacts, compiled, "removed what no revision refers to");
        }
        Ok(swept)
    }

    /// Keeps artifacts from being swept, while they are put or deployed. They may be gone already:
    /// look for them afterwards.
    pub(crate) async fn using(&self, digests: impl IntoIterator<Item = Digest>) -> Using {
        let mut using = Using { counts: Arc::clone(&self.in_use.counts), digests: BTreeSet::new() };
        self.also_using(&mut using, digests).await;
        using
    }

    /// Keeps these from being swept too.
    pub(crate) async fn also_using(
        &self,
        using: &mut Using,
        digests: impl IntoIterator<Item = Digest>,
    ) {
        let _no_sweep = self.in_use.sweeping.lock().await;
        using.add(digests);
    }

    /// What the revisions refer to: components, lists, and the pieces of the files in lists.
    ///
    /// # Errors
    /// E0502 if a list cannot be read.
    pub(crate) async fn used_artifacts(&self) -> Result<BTreeSet<Digest>, Problem> {
        let referred = self.parts.registry.artifacts().await.map_err(Problem::from)?;
        let Referred { components: mut used, lists } = referred;
        for list in lists {
            let files = self.listing(list).await.map_err(|problem| unreadable(list, problem))?;
            used.insert(list);
            used.extend(files.files.into_iter().flat_map(|file| file.chunks));
        }
        Ok(used)
    }

    /// Notes that somebody wants those of these artifacts that are there.
    pub(crate) async fn want(&self, digests: Vec<Digest>) -> Result<(), Problem> {
        let _no_sweep = self.in_use.sweeping.lock().await;
        let now = self.parts.clock.wall();
        self.parts.artifacts.want(digests, now).await.map_err(artifact_problem)
    }
}

fn unreadable(list: Digest, problem: Problem) -> Problem {
    // That may pass.
    if problem.code == Code::StoreFailed {
        return problem;
    }
    let why = problem.internal.as_deref().or(problem.detail.as_deref()).unwrap_or("no reason");
    Problem::new(Code::StoreCorrupt)
        .detail(format!("the list of a directory's files {list}: {}: {why}", problem.code.title()))
        .hint("deploy the directory again as it was, or restore a backup with `casemate restore`")
}
