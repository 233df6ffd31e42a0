//! What a native function is made of: its package, its layers and what interprets it, looked at
//! before it is deployed.
//!
//! Invariant: what is deployed can be laid out. Every piece of every file is there, whole, and stays
//! as long as a revision names it.

use crate::assets::chunks_of;
use crate::sweep::Using;
use crate::wiring::Engine;
use model::listing::Listing;
use model::manifest::worker::modules;
use model::manifest::{FunctionSpec, ImageConfig, NativeSpec};
use model::{Code, Digest, FunctionName, Problem};
use ports::executor::{Form, Program};

impl Engine {
    /// Checks a native function before its deployment, and says what has to be prepared: its package,
    /// and its layers if it has any.
    ///
    /// # Errors
    /// A list or a piece is missing or damaged, a list cannot be laid out, all files together are too
    /// large, what interprets the function is not on this machine, or a Worker's modules or day are none
    /// that it can have.
    pub(crate) async fn check_package(
        &self,
        spec: &FunctionSpec,
        native: &NativeSpec,
        package: Digest,
        in_use: &mut Using,
    ) -> Result<Vec<Program>, Problem> {
        if !native.layers.is_empty() {
            let why =
                "`native.layers` names files: `casemate deploy` finds them and sends a digest";
            return Err(Problem::new(Code::ArtifactMissing).detail(why));
        }
        if native.image.is_some() {
            let why = "`native.image` names a file: `casemate deploy` reads it and sends a digest";
            return Err(Problem::new(Code::ArtifactMissing).detail(why));
        }
        if let Some(config) = &native.image_config {
            check_platform(&spec.name, config)?;
        }
        if let Some(name) = &native.interpreter {
            let version = self.check_interpreter(name).await?;
            if let Some(worker) = &native.worker {
                worker.check_date(version.as_deref())?;
            }
        }
        let mut total = 0u64;
        let mut programs = Vec::new();
        for artifact in [Some(package), native.layers_digest].into_iter().flatten() {
            self.also_using(in_use, [artifact]).await;
            let list = self.package(artifact, native.image_config.as_ref()).await?;
            if let Some(worker) = native.worker.as_ref().filter(|_| artifact == package) {
                modules(worker, list.files.iter().map(|file| file.path.as_str()))?;
            }
            total = total.saturating_add(list.total());
            self.check_chunks(chunks_of(&list), in_use).await?;
            programs.push(Program { artifact, form: Form::Package });
        }
        let most = native.bytes_max();
        if total > most {
            let contract = native.contract.word();
            let why = format!("{total} bytes unpacked, and `{contract}` takes {most}");
            let layers = native.layers_digest.is_some();
            let what = if layers { "package and layers have" } else { "the package has" };
            let problem = Problem::new(Code::PackageTooLarge).detail(format!("{what} {why}"));
            return Err(problem.hint(format!("take out what `{}` does not need", spec.name)));
        }
        Ok(programs)
    }

    /// Reads the list of a package's files, or of an image's.
    async fn package(
        &self,
        digest: Digest,
        image: Option<&ImageConfig>,
    ) -> Result<Listing, Problem> {
        let directory = image.map(|image| image.directory.clone());
        let refused = |error: &dyn std::fmt::Display| Problem::new(Code::PackageList).detail(error);
        self.read_list(digest, move |list| {
            let list = list.map_err(|error| refused(&error))?;
            match directory {
                None => list.check_package().map_err(|error| refused(&error))?,
                Some(_) if list.root.is_none() => {
                    return Err(refused(
                        &"it is a directory of files, and not the root of an image",
                    ));
                }
                Some(directory) => list
                    .check_jail(directory.as_deref())
                    .map_err(|why| Problem::new(Code::ImageUnfit).detail(why))?,
            }
            Ok(list)
        })
        .await
    }

    async fn check_interpreter(&self, name: &str) -> Result<Option<String>, Problem> {
        match &self.config.interpreters {
            Some(interpreters) => interpreters.check(name).await,
            None => Err(Problem::new(Code::InterpreterMissing)
                .detail(format!("`{name}`: this node looks for no interpreters"))),
        }
    }

    /// What interprets native functions on this machine.
    pub async fn interpreters(&self) -> Vec<model::api::Interpreter> {
        match &self.config.interpreters {
            Some(interpreters) => interpreters.list().await,
            None => Vec::new(),
        }
    }
}

/// An image's programs are for this machine, whatever they are on the one that it was sent from.
fn check_platform(function: &FunctionName, config: &ImageConfig) -> Result<(), Problem> {
    let (here, there) = (ImageConfig::here(), &config.architecture);
    if there == here {
        return Ok(());
    }
    let there = there.escape_debug();
    let why = format!("the image of `{function}` is for `{there}`, and this node is `{here}`");
    Err(Problem::new(Code::ImagePlatform).detail(why))
}
