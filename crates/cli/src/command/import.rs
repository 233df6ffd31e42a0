//! `casemate import`: a project of another platform, as a manifest and a report.

pub(super) mod place;

use crate::context::Context;
use crate::import::{self, Format, Said};
use crate::manifest::FILE_NAME;
use crate::shell::{program, quoted};
use crate::voice::safe;
use clap::Args;
use model::{Code, Problem};
use serde_json::json;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  casemate import                          the project of this directory
  casemate import shop --out shop-here     into another directory, with its code
  casemate import infra/template.yaml      the file itself
  casemate import --from knative app.yaml --source server

Reads AWS SAM and CloudFormation, Serverless Framework, Functions Framework, wrangler.toml,
Knative and Cloud Run, OpenFaaS. Nothing is deployed, nothing is fetched, and no value that looks
like a secret is written or printed.";

/// Make a manifest of another platform's project
///
/// Writes a casemate.toml and says what each function becomes, what it was granted there beyond
/// what it names, and what is left out, each with its line. docs/guides/import.md says what becomes
/// of what.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Import {
    /// The project's directory, or its file
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Where to write casemate.toml, with copies of the code [default: beside the project's file]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Whose project it is, if that cannot be told from its files
    #[arg(long, value_enum, value_name = "FORMAT")]
    from: Option<Format>,
    /// What to call the application
    #[arg(long, value_name = "NAME")]
    application: Option<String>,
    /// Where the code lies of functions that are only known as a container image
    #[arg(long, value_name = "DIR")]
    source: Option<String>,
    /// Write over a casemate.toml that is there
    #[arg(long)]
    force: bool,
}

impl Import {
    /// Reads, writes and reports.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let (format, file) = import::find(&self.path, self.from)?;
        let root = directory(&file);
        let out = self.out.clone().unwrap_or_else(|| root.clone());
        let written = out.join(FILE_NAME);
        if !self.force && written.symlink_metadata().is_ok() {
            return Err(occupied(&written).into());
        }
        let said = Said { source: self.source, application: self.application };
        let imported = import::import((format, &file), &root, &said)?;
        let report = &imported.report;
        for link in place::put(&root, &out, report.paths(), self.force)? {
            let link = link.display().to_string();
            context.voice.warn(format_args!("{} is a link, and was not copied", safe(&link)));
        }
        place::write(&written, &imported.text, self.force)?;
        let shown = written.display().to_string();
        let next = next(&out, report.functions.iter().any(|it| it.build.is_some()));
        if context.voice.is_json() {
            let mut value = serde_json::to_value(report)?;
            if let Some(object) = value.as_object_mut() {
                object.insert("manifest".to_owned(), json!(shown));
                object.insert("next".to_owned(), json!(next));
            }
            return context.voice.document(&value);
        }
        report.print(&context.voice)?;
        context.voice.line(format_args!("\nwrote {}; read it, then:\n", safe(&shown)))?;
        next.iter().try_for_each(|command| context.voice.line(format_args!("  {}", safe(command))))
    }
}

/// What to type next.
fn next(out: &Path, builds: bool) -> Vec<String> {
    let (program, out) = (quoted(&program()), quoted(&out.display().to_string()));
    let build = builds.then(|| format!("{program} build {out}"));
    build.into_iter().chain([format!("{program} deploy {out}")]).collect()
}

/// The directory that a file lies in.
fn directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Files are there already.
pub(super) fn occupied(file: &Path) -> Problem {
    Problem::new(Code::WouldOverwrite)
        .detail(format!("`{}` is there already", file.display()))
        .hint("choose another place with `--out DIR`, or write over it with `--force`")
}
