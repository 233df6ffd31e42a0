//! `casemate export`: an application for another platform, and what is lost there.

use super::import::occupied;
use super::import::place::{directory, refuse_link};
use crate::context::Context;
use crate::export::{self, Exported, LOST, Platform, Said, Written};
use crate::voice::{Tone, Voice, safe};
use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  casemate export --to lambda                 zip files and a SAM template
  casemate export shop --to cloudrun --out gcp
  casemate export shop --to knative --format json

Nothing is sent anywhere. The code is written as it would be deployed here, byte for byte, and
CONTROLS-LOST.md says which controls do not hold there.";

/// Write an application for another platform
///
/// Writes what that platform takes: artifacts, the file that describes them there, and
/// CONTROLS-LOST.md with the controls that hold here and not there. Native functions only;
/// docs/guides/export.md says which contracts go where.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    /// The directory with a casemate.toml, or the file
    #[arg(value_name = "DIR | casemate.toml", default_value = ".")]
    path: PathBuf,
    /// For which platform
    #[arg(long, value_enum)]
    to: Platform,
    /// Where to write it [default: export-PLATFORM]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
}

impl Export {
    /// Reads, writes and reports.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let out = self.out.unwrap_or_else(|| PathBuf::from(format!("export-{}", self.to.word())));
        let Exported { files, report } = export::export(&self.path, self.to)?;
        let taken = files.iter().map(|file| out.join(&file.path));
        if let Some(taken) =
            taken.into_iter().find(|file| !self.force && file.symlink_metadata().is_ok())
        {
            return Err(occupied(&taken).into());
        }
        for file in &files {
            write(&out, file)
                .with_context(|| format!("cannot write {}", out.join(&file.path).display()))?;
        }
        let voice = &context.voice;
        if voice.is_json() {
            let mut value = serde_json::to_value(&report)?;
            if let Some(object) = value.as_object_mut() {
                let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
                object.insert("files".to_owned(), json!(paths));
                object.insert("out".to_owned(), json!(out.display().to_string()));
            }
            return voice.document(&value);
        }
        print(voice, &report, &out)
    }
}

fn write(out: &Path, file: &Written) -> anyhow::Result<()> {
    let place = out.join(&file.path);
    fs::create_dir_all(out)?;
    directory(out, place.parent().unwrap_or(out))?;
    refuse_link(&place)?;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&place)?
        .write_all(&file.content)?;
    if file.executable {
        fs::set_permissions(&place, Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn print(voice: &Voice, report: &export::Report, out: &Path) -> anyhow::Result<()> {
    let names = report.functions.join(", ");
    let shown = out.display().to_string();
    voice.line(format_args!(
        "`{}` for {}, in {}: {names}",
        report.application,
        report.to.word(),
        safe(&shown)
    ))?;
    let line = |word: &str, said: &Said| {
        let name = said.function.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        voice.line(format_args!("  {word}  {name}{}", safe(&said.what)))
    };
    report.left_out.iter().try_for_each(|said| line("left out", said))?;
    let word = voice.paint(Tone::Warn, "lost");
    report.controls_lost.iter().try_for_each(|said| line(&format!("{word}    "), said))?;
    voice.line(format_args!(
        "\n{LOST} says it all, with what is lost for every function. next, in {}:\n",
        safe(&shown)
    ))?;
    report.next.iter().try_for_each(|command| voice.line(format_args!("  {}", safe(command))))
}
