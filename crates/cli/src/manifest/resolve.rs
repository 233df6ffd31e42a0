//! A manifest's `source` files, found, digested and replaced by their digests.

use super::document::Document;
use super::reading::{self, check_named};
use super::written::Written;
use super::{Component, Content, Plan, assets, component, files, package, wrap};
use model::manifest::{FunctionSpec, Runtime};
use model::{Code, Digest, FunctionName, Manifest, Problem};
use std::collections::BTreeMap;
use std::path::{Component as Step, Path, PathBuf};

/// What a manifest becomes.
pub(super) fn from_file(
    file: &Path,
    written: &Written,
    only: Option<&FunctionName>,
) -> Result<Plan, Problem> {
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let directory = directory.canonicalize().map_err(|error| super::unreadable(file, &error))?;
    let name = file.display().to_string();
    let find = |source: &str| {
        let content = inside(&directory, source)?;
        // Spin's older SDKs build core modules.
        if written.translated { wrap::component(content) } else { Ok(content) }
    };
    plan(&name, &written.text, Some(&directory), only, find)
        .map_err(|problem| written.placed(problem))
}

/// What a manifest in this binary becomes, with the files that lie beside it.
pub(crate) fn embedded(
    name: &str,
    text: &str,
    files: &[(&str, &'static [u8])],
) -> Result<Plan, Problem> {
    plan(name, text, None, None, |source| {
        let file = files.iter().find(|(path, _)| *path == source);
        file.map(|(_, bytes)| Content::Embedded(bytes)).ok_or(Refusal::Missing)
    })
}

/// Why a `source` is not read.
pub(super) enum Refusal {
    /// There is no such file.
    Missing,
    /// The path leads out of the manifest's directory.
    Outside,
    /// The file is there and cannot be used.
    File(component::Error),
    /// It is a core module, and no component can be made of it.
    Module(String),
}

/// Finds a source below the manifest's directory. The check is made on the resolved path, so that
/// a symbolic link does not lead out either: a manifest may come from somebody else, and must not
/// make its user upload `/etc/shadow`.
pub(super) fn inside(directory: &Path, source: &str) -> Result<Content, Refusal> {
    let path = Path::new(source);
    if climbs_out(path) {
        return Err(Refusal::Outside);
    }
    let path = directory.join(path);
    let resolved = path.canonicalize().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Refusal::Missing,
        _ => Refusal::File(error.into()),
    })?;
    if resolved.starts_with(directory) {
        Ok(Content::File(resolved))
    } else {
        Err(Refusal::Outside)
    }
}

/// Whether the path, as it is written, begins elsewhere or has more `..` than steps before them.
fn climbs_out(path: &Path) -> bool {
    let mut depth = 0u32;
    for step in path.components() {
        match step {
            Step::Normal(_) => depth += 1,
            Step::CurDir => {}
            Step::ParentDir if depth > 0 => depth -= 1,
            Step::ParentDir | Step::RootDir | Step::Prefix(_) => return true,
        }
    }
    false
}

fn plan(
    name: &str,
    text: &str,
    directory: Option<&Path>,
    only: Option<&FunctionName>,
    find: impl Fn(&str) -> Result<Content, Refusal>,
) -> Result<Plan, Problem> {
    let (document, mut manifest) = reading::read(name, text)?;
    let components = fill_in(&document, &mut manifest, only, find)?;
    let mut directories = match directory {
        Some(root) => package::fill_in_all(&document, &mut manifest, only, root)?,
        None => Vec::new(),
    };
    manifest.functions.retain(|function| only.is_none_or(|name| function.name == *name));
    for (index, function) in manifest.functions.iter_mut().enumerate() {
        let (Some(root), Some(spec)) = (directory, &mut function.files) else { continue };
        let place = document.function_key(index, "files");
        directories.extend(files::fill_in(&document, &function.name, place.as_ref(), spec, root)?);
    }
    for (index, spec) in manifest.assets.iter_mut().enumerate() {
        // A manifest in this binary has no directory beside it.
        let Some(root) = directory else { continue };
        directories.extend(assets::fill_in(&document, spec, index, root)?);
    }
    Ok(Plan { manifest, components, directories })
}

/// Gives every function its digest, reading each file once.
fn fill_in(
    document: &Document<'_>,
    manifest: &mut Manifest,
    only: Option<&FunctionName>,
    find: impl Fn(&str) -> Result<Content, Refusal>,
) -> Result<Vec<Component>, Problem> {
    let mut known: BTreeMap<String, Digest> = BTreeMap::new();
    let mut components: BTreeMap<Digest, Component> = BTreeMap::new();
    for (index, function) in manifest.functions.iter_mut().enumerate() {
        if only.is_some_and(|name| function.name != *name) {
            continue;
        }
        // They are the developer's, and an older node does not know them.
        function.examples.clear();
        if function.runtime == Runtime::Native {
            continue;
        }
        let Some(source) = function.source.take() else {
            check_named(document, function, index)?;
            continue;
        };
        if let Some(digest) = known.get(&source) {
            function.digest = Some(*digest);
            continue;
        }
        let component = find(&source)
            .and_then(|content| Component::digested(content).map_err(Refusal::File))
            .map_err(|refusal| refused(document, function, index, &source, &refusal))?;
        check_announced(document, function, index, component.digest)?;
        function.digest = Some(component.digest);
        known.insert(source, component.digest);
        components.insert(component.digest, component);
    }
    Ok(components.into_values().collect())
}

pub(super) fn check_announced(
    document: &Document<'_>,
    function: &FunctionSpec,
    index: usize,
    found: Digest,
) -> Result<(), Problem> {
    match function.digest {
        Some(announced) if announced != found => Err(document.at(
            Code::ManifestValue,
            document.function_key(index, "digest"),
            format_args!("the source of `{}` hashes to {found}", function.name),
        )),
        _ => Ok(()),
    }
}

/// The command that builds what a manifest names.
fn build_command(file: &str) -> String {
    match file {
        "casemate.toml" | "./casemate.toml" => "`casemate build`".to_owned(),
        file => format!("`casemate build {}`", crate::shell::quoted(file)),
    }
}

pub(super) fn refused(
    document: &Document<'_>,
    function: &FunctionSpec,
    index: usize,
    source: &str,
    refusal: &Refusal,
) -> Problem {
    let place = document.function_key(index, "source");
    let at = |what: String| document.at(Code::ManifestValue, place.clone(), what);
    match refusal {
        Refusal::Missing => {
            let problem = at(format!("source = \"{source}\": there is no such file"));
            match &function.build {
                Some(_) => {
                    problem.hint(format!("build it first: {}", build_command(document.file())))
                }
                None if function.runtime == Runtime::Native => {
                    problem.hint("name the directory or the zip of the package in `source`")
                }
                None => problem.hint("build the component first, or correct `source`"),
            }
        }
        Refusal::Outside => {
            at(format!("source = \"{source}\": it lies outside the manifest's directory"))
                .hint("copy it below the manifest, or move the manifest up")
        }
        Refusal::File(error) => at(format!("source = \"{source}\": {error}")),
        Refusal::Module(why) => {
            document.at(Code::SpinModule, place.clone(), format!("source = \"{source}\": {why}"))
        }
    }
}
