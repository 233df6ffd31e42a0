//! A directory's list of files, read from the store when it is first needed, and kept.

use super::Chunks;
use super::site::Site;
use crate::readiness::artifact_problem;
use crate::sweep::Using;
use crate::wiring::Engine;
use model::listing::{self, Listing};
use model::manifest::{FileRules, FunctionSpec};
use model::{Code, Digest, FunctionRow, Problem};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Chunks that are looked for at a time.
const LOOKED_FOR: usize = 4096;

/// One directory, opened or not.
#[derive(Debug)]
pub(crate) struct Shelf {
    list: Digest,
    rules: FileRules,
    mount: String,
    site: OnceCell<Arc<Site>>,
}

impl Shelf {
    /// The shelf of a directory; a function has none.
    pub(crate) fn of(row: &FunctionRow) -> Option<Self> {
        let rules = row.spec.assets.clone()?;
        Some(Self { list: row.artifact, rules, mount: mount(&row.spec), site: OnceCell::new() })
    }

    /// Whether another row means the same files, answered in the same way.
    pub(crate) fn is_of(&self, row: &FunctionRow) -> bool {
        self.list == row.artifact
            && row.spec.assets.as_ref() == Some(&self.rules)
            && mount(&row.spec) == self.mount
    }

    /// The files, if they were asked for before.
    pub(crate) fn opened(&self) -> Option<&Arc<Site>> {
        self.site.get()
    }

    /// The files; callers that come while the list is read wait for the same work.
    pub(crate) async fn site(&self, engine: &Engine) -> Result<&Arc<Site>, Problem> {
        self.site
            .get_or_try_init(|| async {
                let list = engine.listing(self.list).await?;
                Site::new(list, &self.rules, &self.mount).map(Arc::new)
            })
            .await
    }
}

/// The chunks of all files of a list, each once.
pub(crate) fn chunks_of(list: &Listing) -> BTreeSet<Digest> {
    list.files.iter().flat_map(|file| file.chunks.iter().copied()).collect()
}

/// Where a directory is mounted: the constant part of its route, on whichever host.
fn mount(spec: &FunctionSpec) -> String {
    let route = spec.http.first().map_or("/", |trigger| trigger.route.path.as_str());
    route.split('{').next().unwrap_or("/").to_owned()
}

impl Engine {
    /// Reads a directory's list.
    ///
    /// # Errors
    /// It is not there, or is no list.
    pub async fn listing(&self, digest: Digest) -> Result<Listing, Problem> {
        let refused = |error| Problem::new(Code::AssetList).detail(error);
        self.read_list(digest, move |list| list.map_err(refused)).await
    }

    /// Reads a list of files, and looks at it. A long one takes its time, so it has a thread for that.
    pub(crate) async fn read_list(
        &self,
        digest: Digest,
        look: impl FnOnce(Result<Listing, listing::Error>) -> Result<Listing, Problem> + Send + 'static,
    ) -> Result<Listing, Problem> {
        let bytes = self.parts.artifacts.read(digest).await.map_err(artifact_problem)?;
        let read = tokio::task::spawn_blocking(move || look(Listing::parse(&bytes))).await;
        read.map_err(|error| Problem::new(Code::Internal).internal(error))?
    }

    /// Checks before a deployment that a directory's list can be used, that its rules name files
    /// of it, and that every chunk of every file is there, whole.
    pub(crate) async fn check_assets(
        &self,
        spec: &FunctionSpec,
        rules: &FileRules,
        list: Digest,
        in_use: &mut Using,
    ) -> Result<(), Problem> {
        let list = self.listing(list).await?;
        list.check_plain().map_err(|error| Problem::new(Code::AssetList).detail(error))?;
        let chunks = chunks_of(&list);
        Site::new(list, rules, &mount(spec))?;
        self.check_chunks(chunks, in_use).await
    }

    /// Checks that every chunk is there, whole, and keeps all from being swept meanwhile.
    pub(crate) async fn check_chunks(
        &self,
        chunks: BTreeSet<Digest>,
        in_use: &mut Using,
    ) -> Result<(), Problem> {
        // Before they are looked for, so that what is found stays.
        self.also_using(in_use, chunks.iter().copied()).await;
        let chunks: Vec<Digest> = chunks.into_iter().collect();
        for some in chunks.chunks(LOOKED_FOR) {
            let missing = self.parts.artifacts.missing(some.to_vec()).await;
            if let Some(digest) = missing.map_err(artifact_problem)?.first() {
                return Err(Problem::new(Code::ArtifactMissing).detail(digest));
            }
        }
        Ok(())
    }

    /// What reads files.
    pub(crate) fn chunks(&self) -> &Arc<Chunks> {
        &self.chunks
    }
}
