//! `casemate backup` and `restore`: a home in a file, and back.

use crate::context::Context;
use crate::local;
use crate::voice::{Voice, safe, usage};
use anyhow::Context as _;
use clap::Args;
use rustix::fs::{RenameFlags, renameat_with};
use serde_json::json;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const BACKUP_EXAMPLES: &str = "\
Examples:
  casemate backup casemate-$(date +%F).tar
  casemate backup full.tar --include-root-key     keep this file as safe as the key itself
  casemate backup latest.tar --force              replace an older one";

/// Back up the running node's home into a file
///
/// The node goes on working meanwhile. The file appears when it is complete and on disk, readable
/// by you alone. Without --include-root-key it holds everything but the root key, and cannot be
/// used without it: keep the key in another place. Without --include-salts, values that can be erased
/// do not come back after a restore.
#[derive(Debug, Args)]
#[command(after_help = BACKUP_EXAMPLES)]
pub(crate) struct Backup {
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Put the root key into the backup
    #[arg(long)]
    include_root_key: bool,
    /// Put in the salts of values that can be erased: what is erased later is not erased there
    #[arg(long)]
    include_salts: bool,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

impl Backup {
    /// Writes the backup.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        if self.file.exists() && !self.force {
            return Err(self.taken());
        }
        let mut stream = context.client()?.backup(self.include_root_key, self.include_salts)?;
        let part = part_of(&self.file);
        let progress = voice.progress("backing up");
        let copied = copy(&mut stream, &part).and_then(|bytes| self.put_in_place(&part, bytes));
        drop(progress);
        if copied.is_err() {
            // What is there is no backup and must not be taken for one.
            let _already_failing = fs::remove_file(&part);
        }
        self.say(voice, copied?)
    }

    fn taken(&self) -> anyhow::Error {
        anyhow::anyhow!("`{}` exists already; --force replaces it", self.file.display())
    }

    /// Gives the complete file its name, without ever replacing one unasked.
    fn put_in_place(&self, part: &Path, bytes: u64) -> anyhow::Result<u64> {
        let here = rustix::fs::CWD;
        let flags = if self.force { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
        match renameat_with(here, part, here, &self.file, flags) {
            Err(rustix::io::Errno::EXIST) => return Err(self.taken()),
            result => result.with_context(|| format!("cannot write `{}`", self.file.display()))?,
        }
        // The name is only safe when the directory is.
        let directory = self.file.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new("."))).and_then(|d| d.sync_all())?;
        Ok(bytes)
    }

    fn say(&self, voice: &Voice, bytes: u64) -> anyhow::Result<()> {
        let file = self.file.display().to_string();
        if voice.is_json() {
            return voice.document(&json!({
                "file": file, "bytes": bytes, "root_key": self.include_root_key,
                "salts": self.include_salts,
            }));
        }
        voice.line(format_args!("backed up to {} ({bytes} bytes)", safe(&file)))?;
        if self.include_root_key {
            voice.hint("the file holds the root key: whoever reads it can read everything");
        } else {
            voice.hint("the root key is not in it: keep a copy of it in another place, or the backup cannot be used");
        }
        Ok(())
    }
}

/// The name under which an incomplete backup is written.
fn part_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn copy(from: &mut dyn Read, part: &Path) -> anyhow::Result<u64> {
    let writing = || format!("cannot write `{}`", part.display());
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(writing);
        }
        _ => {}
    }
    // A new file: neither its permissions nor what a link points to are somebody else's choice.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(part)
        .with_context(writing)?;
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let count = from.read(&mut buffer).context("the node ended the backup before its end")?;
        let Some(block) = buffer.get(..count).filter(|block| !block.is_empty()) else { break };
        file.write_all(block).with_context(writing)?;
        bytes += block.len() as u64;
    }
    file.sync_all().with_context(writing)?;
    Ok(bytes)
}

const RESTORE_EXAMPLES: &str = "\
Examples:
  casemate restore casemate-2026-11-22.tar --home ./restored
  casemate restore full.tar --home ./restored --root-key-file /mnt/keys/root.key
  casemate up --home ./restored";

/// Unpack a backup into an empty home
///
/// Works without a node. The home must not exist or be empty; nothing is ever merged into one.
#[derive(Debug, Args)]
#[command(after_help = RESTORE_EXAMPLES)]
pub(crate) struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The root key that the backup was made with, if it is not in it
    #[arg(long, value_name = "FILE")]
    root_key_file: Option<PathBuf>,
}

impl Restore {
    /// Unpacks the backup.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let Some(home) = context.global.home.as_deref() else {
            return Err(usage("`restore` needs `--home DIR`: the new home, which must be empty"));
        };
        let file = self.file.display();
        let mut backup = File::open(&self.file).with_context(|| format!("cannot read `{file}`"))?;
        let progress = voice.progress("restoring");
        let restored = local::restore(&mut backup, home, self.root_key_file.as_deref())?;
        drop(progress);
        let home = home.display().to_string();
        if voice.is_json() {
            return voice.document(&json!({
                "home": home, "components": restored.components, "files": restored.files,
                "root_key": restored.root_key,
            }));
        }
        voice.line(format_args!(
            "restored {} components ({} files) into {}",
            restored.components,
            restored.files,
            safe(&home)
        ))?;
        if !restored.root_key && self.root_key_file.is_none() {
            voice.note("the backup holds no root key: the node starts only with the one that it was made with");
            let home = safe(&home);
            voice.hint(format_args!(
                "`casemate key restore FILE --home {home}` puts a copy of it into the home; \
                 with one that lies elsewhere: casemate up --home {home} --root-key-file FILE"
            ));
        } else {
            voice.hint(format_args!("casemate up --home {}", safe(&home)));
        }
        Ok(())
    }
}
