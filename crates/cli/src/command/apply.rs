//! `casemate apply`: what a directory says becomes what is deployed.

use super::deploy::deploy;
use super::diff::print;
use crate::client::Client;
use crate::context::Context;
use crate::manifest::changes::{self, Change};
use crate::manifest::{self, Bare, Plan};
use crate::voice::Voice;
use clap::Args;
use model::{ApplicationName, Code, Problem};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  casemate apply -f apps/                    deploy every application below apps/ that differs
  casemate apply -f apps/ --dry-run          only say what would be done
  casemate apply -f apps/ --prune            remove applications that are not there, too

Made for a repository that says what is to run: the same directory twice changes nothing. Each
application is deployed as a whole or not at all; nothing is removed unless everything that the
directory says was deployed.";

/// Make what is deployed be what a directory says
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Apply {
    /// The directory; every casemate.toml below it is an application
    #[arg(short = 'f', long = "file", value_name = "DIR")]
    directory: PathBuf,
    /// Remove the applications that the directory does not have
    #[arg(long)]
    prune: bool,
    /// Write the grants that the manifests ask for
    #[arg(long)]
    grant: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// Directories that hold what others made.
const SKIPPED: &[&str] = &["target", "node_modules", "dist", "build", "venv"];
/// Deepest directory that is looked into.
const DEPTH_MAX: usize = 16;

/// What became of an application.
#[derive(Serialize)]
struct Outcome {
    application: String,
    /// `unchanged`, `deployed` or `removed`.
    outcome: &'static str,
    changes: Vec<Change>,
}

impl Apply {
    /// Reads everything first, then deploys what differs, then removes.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let plans = plans(&self.directory)?;
        let client = context.client()?;
        let mut outcomes = Vec::new();
        let named: Vec<ApplicationName> = plans.keys().cloned().collect();
        for plan in plans.into_values() {
            outcomes.push(self.one(&client, plan, voice)?);
        }
        if self.prune {
            for gone in client.applications()?.items {
                if !named.contains(&gone.application) {
                    outcomes.push(self.remove(&client, &gone.application, voice)?);
                }
            }
        }
        if voice.is_json() {
            return voice.document(&outcomes);
        }
        let count = |outcome| outcomes.iter().filter(|it| it.outcome == outcome).count();
        let would = if self.dry_run { "would be " } else { "" };
        voice.line(format_args!(
            "{would}deployed {}, removed {}, unchanged {}",
            count("deployed"),
            count("removed"),
            count("unchanged")
        ))
    }

    fn one(&self, client: &Client, plan: Plan, voice: &Voice) -> anyhow::Result<Outcome> {
        let application = plan.manifest.application.clone();
        let active = client.application(&application)?;
        let changes = changes::between(active.as_ref().map(|row| &row.manifest), &plan.manifest);
        if !voice.is_json() {
            let deployment = active.map(|row| row.deployment);
            print(voice, application.as_str(), deployment, &changes)?;
        }
        let differs = !changes.is_empty();
        if differs && !self.dry_run {
            let deployed = deploy(client, plan, self.grant, voice)?;
            for grant in &deployed.wanted {
                voice.note(format_args!("  not granted: casemate grant {grant}"));
            }
        }
        let outcome = if differs { "deployed" } else { "unchanged" };
        Ok(Outcome { application: application.to_string(), outcome, changes })
    }

    fn remove(
        &self,
        client: &Client,
        application: &ApplicationName,
        voice: &Voice,
    ) -> anyhow::Result<Outcome> {
        if !voice.is_json() {
            voice.line(format_args!("{application}: the directory does not have it"))?;
        }
        if !self.dry_run {
            client.remove(application)?;
        }
        Ok(Outcome {
            application: application.to_string(),
            outcome: "removed",
            changes: Vec::new(),
        })
    }
}

/// Every application below a directory, read whole before anything is sent.
fn plans(directory: &Path) -> anyhow::Result<BTreeMap<ApplicationName, Plan>> {
    let mut files = Vec::new();
    find(directory, 0, &mut files)?;
    files.sort();
    let none = || {
        Problem::new(Code::ManifestUnreadable)
            .detail(format!("there is no `casemate.toml` below `{}`", directory.display()))
            .hint("name the directory that holds the applications")
    };
    if files.is_empty() {
        return Err(none().into());
    }
    let mut found: BTreeMap<ApplicationName, (PathBuf, Plan)> = BTreeMap::new();
    for file in files {
        let plan = manifest::read(&file, &Bare::default())?;
        let name = plan.manifest.application.clone();
        if let Some((other, _)) = found.get(&name) {
            let detail = format!(
                "`{}` and `{}` are both the application `{name}`",
                other.display(),
                file.display()
            );
            return Err(Problem::new(Code::ManifestValue)
                .detail(detail)
                .hint("give one of them another `application`")
                .into());
        }
        found.insert(name, (file, plan));
    }
    Ok(found.into_iter().map(|(name, (_, plan))| (name, plan)).collect())
}

fn find(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Problem> {
    let unreadable = |error: std::io::Error| {
        Problem::new(Code::ManifestUnreadable).detail(format!("`{}`: {error}", directory.display()))
    };
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Symbolic links are not followed: they may lead in a circle, or out.
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_file() && name == manifest::FILE_NAME {
            files.push(entry.path());
        }
        let skipped = name.starts_with('.') || SKIPPED.contains(&name.as_str());
        if kind.is_dir() && !skipped && depth < DEPTH_MAX {
            find(&entry.path(), depth + 1, files)?;
        }
    }
    Ok(())
}
