//! Which file of a directory is another platform's, and whose it is.

use super::yaml;
use model::{Code, Problem};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Whose a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// AWS SAM and CloudFormation: `template.yaml`
    Sam,
    /// Serverless Framework, for AWS: `serverless.yml`
    Serverless,
    /// Google's Functions Framework: `package.json`, `requirements.txt`
    FunctionsFramework,
    /// Cloudflare Workers: `wrangler.toml`, `wrangler.jsonc`
    Workers,
    /// Knative Serving and Cloud Run: `service.yaml`
    Knative,
    /// OpenFaaS: `stack.yml`
    Openfaas,
}

/// File names, in the order in which they are looked for.
const NAMES: &[(&str, Format)] = &[
    ("template.yaml", Format::Sam),
    ("template.yml", Format::Sam),
    ("template.json", Format::Sam),
    ("serverless.yml", Format::Serverless),
    ("serverless.yaml", Format::Serverless),
    ("serverless.json", Format::Serverless),
    ("wrangler.toml", Format::Workers),
    ("wrangler.jsonc", Format::Workers),
    ("wrangler.json", Format::Workers),
    ("service.yaml", Format::Knative),
    ("service.yml", Format::Knative),
    ("stack.yaml", Format::Openfaas),
    ("stack.yml", Format::Openfaas),
];
/// Files that say by what they depend on whether they are of the Functions Framework.
const DEPENDING: &[&str] = &["package.json", "requirements.txt", "go.mod"];

impl Format {
    /// As `--from` takes it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Sam => "sam",
            Self::Serverless => "serverless",
            Self::FunctionsFramework => "functions-framework",
            Self::Workers => "workers",
            Self::Knative => "knative",
            Self::Openfaas => "openfaas",
        }
    }
}

/// The file that `path` names or has in it, and its format.
///
/// # Errors
/// E0156: there is none, or there are several formats.
pub(crate) fn find(path: &Path, from: Option<Format>) -> Result<(Format, PathBuf), Problem> {
    let unreadable = |why: String| Problem::new(Code::ImportUnreadable).detail(why);
    let shown = path.display();
    if !path.exists() {
        return Err(unreadable(format!("there is no `{shown}`")));
    }
    if !path.is_dir() {
        let format = from.or_else(|| of_file(path));
        return format.map(|format| (format, path.to_owned())).ok_or_else(|| {
            unreadable(format!("`{shown}` is of no format that is known by its name or its keys"))
                .hint(format!("casemate import --from sam {shown}"))
        });
    }
    let mut found: Vec<(Format, PathBuf)> = Vec::new();
    let named = NAMES.iter().map(|(name, format)| (*format, path.join(name)));
    for (format, file) in named.filter(|(_, file)| file.is_file()) {
        let first = found.iter().all(|(known, _)| *known != format);
        if first && from.is_none_or(|from| from == format) {
            found.push((format, file));
        }
    }
    if found.is_empty() && from.is_none_or(|from| from == Format::FunctionsFramework) {
        let mut files = DEPENDING.iter().map(|name| path.join(name)).filter(|file| file.is_file());
        let depends = |file: &PathBuf| of_file(file) == Some(Format::FunctionsFramework);
        found.extend(files.find(depends).map(|file| (Format::FunctionsFramework, file)));
    }
    match found.as_slice() {
        [(format, file)] => Ok((*format, file.clone())),
        [] => Err(unreadable(format!("there is no file of another platform's in `{shown}`"))
            .hint("name the file itself, such as `casemate import infra/template.yaml`")),
        several => {
            let names = several.iter().map(|(_, file)| format!("`{}`", file.display()));
            let names = names.collect::<Vec<_>>().join(", ");
            let first = several.first().map_or("sam", |(format, _)| format.word());
            Err(unreadable(format!("there are several: {names}"))
                .hint(format!("casemate import --from {first} {shown}")))
        }
    }
}

/// The format of a file, by its name and then by what it says.
fn of_file(file: &Path) -> Option<Format> {
    let name = file.file_name()?.to_str()?;
    let by_name = NAMES.iter().find(|(known, _)| *known == name).map(|(_, format)| *format);
    // These two names are anybody's: what is in them decides.
    let anybodys = matches!(by_name, Some(Format::Knative | Format::Openfaas)) || by_name.is_none();
    if !anybodys {
        return by_name;
    }
    let text = super::text_of(file).ok()?;
    if DEPENDING.contains(&name) {
        return text.contains("functions-framework").then_some(Format::FunctionsFramework);
    }
    by_keys(&text).or(by_name)
}

/// The format of YAML or JSON, by its keys.
fn by_keys(text: &str) -> Option<Format> {
    let documents = yaml::read(text).ok()?;
    let has = |path: &[&str]| documents.iter().any(|document| document.at(path).is_some());
    if has(&["Resources"]) {
        return Some(Format::Sam);
    }
    let knative = |document: &yaml::Node| {
        document.text_at("apiVersion").is_some_and(|it| it.starts_with("serving.knative.dev/"))
    };
    if documents.iter().any(knative) {
        return Some(Format::Knative);
    }
    if has(&["functions"])
        && documents
            .iter()
            .any(|it| it.at(&["provider", "name"]).and_then(yaml::Node::text) == Some("openfaas"))
    {
        return Some(Format::Openfaas);
    }
    (has(&["service"]) && has(&["provider"])).then_some(Format::Serverless)
}
