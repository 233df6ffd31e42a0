//! Projects of other platforms, as manifests of ours and a report of what that leaves out.
//!
//! A reader of one format makes [`Draft`]s; `write.rs` makes a manifest of them, and leaves out
//! with its reason what our own reader would refuse.
//!
//! Invariant: what is here and is not in the manifest is in the report. No value that looks like a
//! secret is in either.

mod dockerfile;
mod draft;
mod find;
mod framework;
#[cfg(test)]
mod fuzz;
mod iam;
mod intrinsic;
mod knative;
mod lambda;
mod name;
mod openfaas;
mod plain;
mod report;
mod sam;
mod serverless;
mod source;
mod workers;
mod write;
mod yaml;

pub(crate) use find::{Format, find};
pub(crate) use report::Report;

use draft::{Draft, Import};
use model::{Code, Problem};
use std::path::Path;

/// Largest file that is imported: CloudFormation takes templates of 1 MB.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What a project becomes.
#[derive(Debug)]
pub(crate) struct Imported {
    /// The manifest's text, which our reader accepts.
    pub(crate) text: String,
    /// What is in it and what is not.
    pub(crate) report: Report,
}

/// What somebody says about a project that its files do not.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// The directory of a function whose platform knows an image only.
    pub(crate) source: Option<String>,
    /// The application's name.
    pub(crate) application: Option<String>,
}

/// Reads a file of another platform's, which lies in `root`, and makes a manifest of it.
///
/// # Errors
/// E0156 if it cannot be read, E0158 if nothing of it can run here.
pub(crate) fn import(
    (format, file): (Format, &Path),
    root: &Path,
    said: &Said,
) -> Result<Imported, Problem> {
    let text = text_of(file)?;
    let name = file.strip_prefix(".").unwrap_or(file).display().to_string();
    let directory = root.canonicalize().ok();
    let own = directory.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    let mut import = Import::new(format, &name, own.unwrap_or("app"));
    read(&mut import, (file, &text), root, said)?;
    if let Some(application) = &said.application {
        import.application.clone_from(application);
    }
    write::written(import)
}

/// Has the text read by the reader of its format.
fn read(
    import: &mut Import,
    (path, text): (&Path, &str),
    root: &Path,
    said: &Said,
) -> Result<(), Problem> {
    let file = import.file.clone();
    let documents = || {
        yaml::read(text).map_err(|error| {
            let what = format!("{}:{}: {}", file, error.line, error.why);
            Problem::new(Code::ImportUnreadable).detail(what)
        })
    };
    match import.format {
        Format::Sam => sam::read(import, &first(&file, documents()?)?, root),
        Format::Serverless => serverless::read(import, &first(&file, documents()?)?, root),
        Format::Knative => knative::read(import, &documents()?, root, said),
        Format::Openfaas => openfaas::read(import, &first(&file, documents()?)?, root),
        Format::FunctionsFramework => framework::read(import, path, text, root),
        Format::Workers => workers::read(import, text, root),
    }
}

/// A YAML text as a tree, for tests of what is written.
#[cfg(test)]
pub(crate) fn yaml_of(text: &str) -> yaml::Node {
    yaml::read(text).expect("YAML").remove(0)
}

fn first(file: &str, documents: Vec<yaml::Node>) -> Result<yaml::Node, Problem> {
    let only = documents.into_iter().next().filter(|node| !node.entries().is_empty());
    only.ok_or_else(|| {
        Problem::new(Code::ImportUnreadable).detail(format!("{file}: it has no keys and values"))
    })
}

/// Gives a function a route, and says who may call it.
fn route(import: &mut Import, draft: &mut Draft, line: usize, route: String, open: bool) {
    let what = draft::shown(&route);
    if open {
        import.grant(line, format!("route `{what}`: anybody may call it, without saying who they are; here that takes a grant"));
    } else {
        import.note(line, format!("route `{what}`: callers need a token (`casemate token create NAME --invoke {}`); for tokens of an issuer write `auth = \"jwt:ISSUER\"`", draft.name));
    }
    draft.route(route, open);
}

/// Takes the code of a function that is known as an image: from where somebody says that it lies,
/// and what is started from the Dockerfile there. Whether that is all that is needed.
fn code(
    import: &mut Import,
    draft: &mut Draft,
    (line, image): (usize, &str),
    root: &Path,
    said: &Said,
) -> bool {
    // Where `casemate export` puts a build context.
    let own = format!("functions/{}", draft.name);
    let (context, path) = match &said.source {
        Some(source) => (source.clone(), source.clone()),
        None if root.join(&own).join("Dockerfile").is_file() => (own.clone(), own + "/package"),
        None => {
            import.lack(
                line,
                format!(
                    "its code is the image `{image}`: say where that was built with `--source DIR`"
                ),
            );
            return false;
        }
    };
    if !source::place(import, draft, line, &path, root) {
        return false;
    }
    if let Some(started) = dockerfile::read(&root.join(&context)) {
        if draft.command.is_empty() {
            draft.command = started.command;
        }
        draft.interpreter = started.interpreter;
    }
    if draft.command.is_empty() {
        import.lack(
            line,
            format!("neither the file nor a Dockerfile in `{path}` says what is started"),
        );
        return false;
    }
    let first = draft.command.first().map(String::as_str).unwrap_or_default();
    if draft.interpreter.is_none() && (first.starts_with("python3") || first == "node") {
        draft.interpreter = Some(first.to_owned());
    }
    true
}

/// A file that cannot be read, and why.
fn unreadable(file: &str, why: &str) -> Problem {
    Problem::new(Code::ImportUnreadable).detail(format!("{file}: {why}"))
}

/// The text of a file that is not too large.
///
/// # Errors
/// E0156.
fn text_of(file: &Path) -> Result<String, Problem> {
    let shown = file.display();
    let unreadable = |why: String| Problem::new(Code::ImportUnreadable).detail(why);
    match bytes_of(file) {
        Err(error) => Err(unreadable(format!("{shown}: {error}"))),
        Ok(None) => Err(unreadable(format!("{shown}: it is larger than 1MiB"))),
        Ok(Some(bytes)) => String::from_utf8(bytes)
            .map_err(|_| unreadable(format!("{shown}: it is not text in UTF-8"))),
    }
}

/// The bytes of an ordinary file; none if they are too many.
fn bytes_of(file: &Path) -> std::io::Result<Option<Vec<u8>>> {
    use std::io::Read as _;
    if !std::fs::metadata(file)?.is_file() {
        return Err(std::io::Error::other("it is no ordinary file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= FILE_BYTES_MAX);
    Ok(fits.then_some(bytes))
}
