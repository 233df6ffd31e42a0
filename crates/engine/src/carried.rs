//! The files that a function carries: their list, read when the function is first called.
//!
//! Invariant: a function reads files of its own revision's list and no others, and every piece has
//! the digest that the list says.

use crate::assets::chunks_of;
use crate::sweep::Using;
use crate::wiring::Engine;
use model::listing::{CHUNK_BYTES, Listing};
use model::manifest::FunctionSpec;
use model::{Code, Digest, Problem};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The files of one revision.
#[derive(Debug)]
pub(crate) struct Carried {
    list: Digest,
    listing: OnceCell<Arc<Listing>>,
}

impl Carried {
    /// Those of a function; most have none.
    pub(crate) fn of(spec: &FunctionSpec) -> Option<Self> {
        let list = spec.files.as_ref()?.digest?;
        Some(Self { list, listing: OnceCell::new() })
    }

    /// The list, if it was read before.
    pub(crate) fn opened(&self) -> Option<Arc<Listing>> {
        self.listing.get().map(Arc::clone)
    }

    /// Reads the list. Callers that come meanwhile wait for the same work.
    ///
    /// # Errors
    /// It is missing, damaged, or the store failed.
    pub(crate) async fn open(&self, engine: &Engine) -> Result<(), Problem> {
        let read = || async { engine.listing(self.list).await.map(Arc::new) };
        self.listing.get_or_try_init(read).await.map(drop)
    }

    /// The digest and the length of a piece of a file; `None` if there is none such.
    pub(crate) fn piece(&self, path: &str, piece: u32) -> Option<(Digest, u64)> {
        let files = &self.listing.get()?.files;
        let at = files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        let file = files.get(at)?;
        let digest = *file.chunks.get(usize::try_from(piece).ok()?)?;
        let before = u64::from(piece) * CHUNK_BYTES;
        Some((digest, file.size.saturating_sub(before).min(CHUNK_BYTES)))
    }
}

impl Engine {
    /// Checks before a deployment that the files which a function carries are there, whole.
    ///
    /// # Errors
    /// The list or a piece is missing or damaged.
    pub(crate) async fn check_carried(
        &self,
        spec: &FunctionSpec,
        in_use: &mut Using,
    ) -> Result<(), Problem> {
        let Some(files) = &spec.files else { return Ok(()) };
        let list = files.digest.filter(|_| files.include.is_empty() && files.exclude.is_empty());
        let list = list.ok_or_else(|| {
            let why =
                "`files` names no digest, or more than that: `casemate deploy` finds the files";
            Problem::new(Code::ArtifactMissing).detail(why)
        })?;
        self.also_using(in_use, [list]).await;
        let listing = self.listing(list).await?;
        listing.check_plain().map_err(|error| Problem::new(Code::AssetList).detail(error))?;
        let chunks = chunks_of(&listing);
        self.check_chunks(chunks, in_use).await
    }
}
