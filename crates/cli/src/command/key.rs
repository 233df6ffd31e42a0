//! `casemate key`: the root key, which everything is sealed with.
//!
//! Invariant: a passphrase is read from a file, and never stands on a command line, where every
//! process of the machine could read it.

mod handing;
mod moving;

use crate::client::Client;
use crate::context::Context;
use crate::local::{self, KeyPlace};
use crate::voice::{Table, safe};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use handing::{Export, Import, Public};
use model::api::{KeyEpoch, KeySeal, Keys};
use model::key::Epoch;
use model::{Code, Secret};
use moving::{Retire, Rewrap};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  casemate key status
  casemate key rotate
  casemate key rewrap --wait
  casemate key backup root.key.backup --passphrase-file passphrase";

/// Make, show, rotate, back up and restore the root key, and hand keys to another home
///
/// The root key seals whatever a node stores. It has epochs: a rotation adds one with a root of
/// its own, new things are sealed with the newest, and what older ones sealed can still be read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Key {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(Init),
    Status(Status),
    Rotate(Rotate),
    Rewrap(Rewrap),
    Retire(Retire),
    Backup(Backup),
    Restore(Restore),
    Public(Public),
    Export(Export),
    Import(Import),
}

impl Key {
    /// Runs the subcommand.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            Command::Init(init) => init.run(context),
            Command::Status(status) => status.run(context),
            Command::Rotate(rotate) => rotate.run(context),
            Command::Rewrap(rewrap) => rewrap.run(context),
            Command::Retire(retire) => retire.run(context),
            Command::Backup(backup) => backup.run(context),
            Command::Restore(restore) => restore.run(context),
            Command::Public(public) => public.run(context),
            Command::Export(export) => export.run(context),
            Command::Import(import) => import.run(context),
        }
    }
}

/// Which root key, where no node says it.
#[derive(Debug, Args)]
struct Which {
    /// The root key of a home whose node does not run, if it is not in the home
    #[arg(long, value_name = "FILE")]
    root_key_file: Option<PathBuf>,
    /// The passphrase that it is sealed with, in a file that only its owner can read
    #[arg(long, value_name = "FILE")]
    root_key_passphrase_file: Option<PathBuf>,
}

impl Which {
    fn place(self, context: &Context) -> KeyPlace {
        KeyPlace {
            home: context.global.home.clone(),
            file: self.root_key_file,
            passphrase_file: self.root_key_passphrase_file,
        }
    }

    /// The node that has the root key; none if a file is named, or if no node runs.
    fn node(&self, context: &Context) -> anyhow::Result<Option<Client>> {
        if self.root_key_file.is_some() {
            return Ok(None);
        }
        match context.client() {
            Err(problem) if problem.code == Code::NotRunning => Ok(None),
            client => Ok(Some(client?)),
        }
    }
}

const INIT_EXAMPLES: &str = "\
Examples:
  casemate key init --root-key-passphrase-file passphrase
  casemate key init --root-key-file /mnt/keys/root.key";

/// Make a root key before the first start, sealed with a passphrase if you name one
///
/// Without it, the first `casemate up` makes one, readable by you alone. A root key that is there
/// is never overwritten.
#[derive(Debug, Args)]
#[command(after_help = INIT_EXAMPLES)]
struct Init {
    #[command(flatten)]
    which: Which,
}

impl Init {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let place = self.which.place(context);
        let keys = place.init()?;
        if context.voice.is_json() {
            return context.voice.document(&keys);
        }
        let file = place.file()?;
        let fingerprint = keys.items.first().and_then(|item| item.fingerprint.as_deref());
        context.voice.line(format_args!(
            "made {}, fingerprint {}, {}",
            safe(&file.display().to_string()),
            fingerprint.unwrap_or_default(),
            sealed(keys.sealed.as_ref())
        ))?;
        context.voice.hint("casemate key backup FILE --passphrase-file FILE");
        Ok(())
    }
}

fn sealed(seal: Option<&KeySeal>) -> String {
    match seal {
        Some(KeySeal { memory_kib, passes, .. }) => format!(
            "sealed with a passphrase (Argon2id, {} MiB, {passes} passes)",
            memory_kib / 1024
        ),
        None => "not sealed, readable by its owner only".to_owned(),
    }
}

const STATUS_EXAMPLES: &str = "\
Examples:
  casemate key status
  casemate key status --format json
  casemate key status --home /srv/casemate --root-key-file /mnt/keys/root.key";

/// Show the root key's epochs, and how many things are sealed with each
///
/// Works with and without a running node, and needs no passphrase. Of files of blobs and of
/// certificates only a running node knows the epoch.
#[derive(Debug, Args)]
#[command(after_help = STATUS_EXAMPLES)]
struct Status {
    #[command(flatten)]
    which: Which,
}

impl Status {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let keys = match self.which.node(context)? {
            Some(client) => client.keys()?,
            None => self.which.place(context).status()?,
        };
        if voice.is_json() {
            return voice.document(&keys);
        }
        voice.line(format_args!("root key: {}", sealed(keys.sealed.as_ref())))?;
        let mut table = Table::new(["EPOCH", "MADE", "FINGERPRINT", "USE", "SEALED WITH IT"]);
        for item in &keys.items {
            table.row([
                item.epoch.to_string(),
                item.made.map_or_else(|| "unknown".to_owned(), |at| at.to_string()),
                item.fingerprint.clone().unwrap_or_else(|| "missing".to_owned()),
                used(&keys, item),
                things(item),
            ]);
        }
        table.print(voice)?;
        if !keys.uncounted.is_empty() {
            let kinds = keys.uncounted.join(", ");
            voice.line(format_args!("not counted: {}", safe(&kinds)))?;
        }
        handing::show(voice, &keys.handed)?;
        keys.rewrap.as_ref().map_or(Ok(()), |shown| voice.line(moving::said(shown)))
    }
}

/// What an epoch is used for.
fn used(keys: &Keys, item: &KeyEpoch) -> String {
    let mut uses = Vec::new();
    uses.extend((item.epoch == keys.newest).then_some("seals"));
    uses.extend((item.epoch != keys.newest).then_some("reads"));
    uses.extend((item.epoch == keys.founding).then_some("signs the ledger"));
    uses.join(", ")
}

fn things(item: &KeyEpoch) -> String {
    let all = item.things.iter().map(|things| format!("{} {}", things.count, things.kind));
    let all = all.collect::<Vec<_>>().join(", ");
    if all.is_empty() { "nothing".to_owned() } else { all }
}

const ROTATE_EXAMPLES: &str = "\
Examples:
  casemate key rotate
  casemate key rotate --from 3     only if 3 is the newest epoch";

/// Add an epoch to the root key, with a root of its own
///
/// New things are sealed with it from then on, on a running node at once. What is there stays
/// sealed with the epoch that it has, and can be read. If somebody else rotates at the same time,
/// one of you is told so. Make a new backup afterwards: older ones do not have the new epoch.
#[derive(Debug, Args)]
#[command(after_help = ROTATE_EXAMPLES)]
struct Rotate {
    /// Only if this is the newest epoch [default: the one that is the newest now]
    #[arg(long, value_name = "EPOCH")]
    from: Option<u32>,
    #[command(flatten)]
    which: Which,
}

impl Rotate {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let rotated = match self.which.node(context)? {
            Some(client) => {
                let from = self.from.map_or_else(|| client.keys().map(|keys| keys.newest), Ok)?;
                client.rotate_key(from)?
            }
            None => {
                let place = self.which.place(context);
                let newest = || place.status().map(|keys| keys.newest);
                place.rotate(Epoch(self.from.map_or_else(newest, Ok)?))?
            }
        };
        if voice.is_json() {
            return voice.document(&rotated);
        }
        let entry = match rotated.leaf {
            Some(leaf) => format!("ledger entry {leaf}"),
            None => "the next start writes it into the ledger".to_owned(),
        };
        voice.line(format_args!(
            "rotated to epoch {}, fingerprint {} ({entry})",
            rotated.epoch, rotated.fingerprint
        ))?;
        voice.hint("make a new backup of the root key: casemate key backup FILE");
        voice.hint("move what is there to the new epoch: casemate key rewrap --wait");
        Ok(())
    }
}

const BACKUP_EXAMPLES: &str = "\
Examples:
  casemate key backup root.key.backup --passphrase-file passphrase
  casemate key backup root.key.copy --plain      keep this file as safe as the key itself";

/// Write a copy of the root key into a file, sealed with a passphrase
///
/// The copy is a root key file like any other. The ledger of a running node says that there is one.
#[derive(Debug, Args)]
#[command(after_help = BACKUP_EXAMPLES)]
struct Backup {
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Seal the copy with the passphrase in this file, which only its owner can read
    #[arg(long, value_name = "FILE", required_unless_present = "plain", conflicts_with = "plain")]
    passphrase_file: Option<PathBuf>,
    /// Do not seal the copy: whoever reads it can read everything
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    which: Which,
}

impl Backup {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let shown = self.file.display().to_string();
        if self.file.exists() {
            anyhow::bail!("`{shown}` exists already, and may be the only copy of a root key");
        }
        let copy = match self.which.node(context)? {
            Some(client) => {
                let passphrase = self.passphrase_file.as_deref().map(local::passphrase);
                client.copy_key(passphrase.transpose()?.as_ref())?
            }
            None => self.which.place(context).copy(self.passphrase_file.as_deref())?,
        };
        write_new(&self.file, &copy)?;
        if voice.is_json() {
            return voice.document(&json!({ "file": shown, "sealed": !self.plain }));
        }
        voice.line(format_args!("backed up the root key to {}", safe(&shown)))?;
        if self.plain {
            voice.hint("the file is the root key: whoever reads it can read everything");
        } else {
            voice.hint("keep the passphrase in another place than the file");
        }
        Ok(())
    }
}

/// Writes a file that only its owner can read, and that was not there.
fn write_new(path: &Path, copy: &Secret<Vec<u8>>) -> anyhow::Result<()> {
    let writing = || format!("cannot write `{}`", path.display());
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(writing)?;
    let written = file.write_all(copy.expose()).and_then(|()| file.sync_all());
    if written.is_err() {
        // What is there is no copy and must not be taken for one.
        let _already_failing = std::fs::remove_file(path);
    }
    written.with_context(writing)?;
    // The name is only safe when the directory is.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new("."))).and_then(|d| d.sync_all())?;
    Ok(())
}

const RESTORE_EXAMPLES: &str = "\
Examples:
  casemate key restore root.key.backup --passphrase-file passphrase --home ./restored
  casemate key restore root.key.copy --root-key-file /mnt/keys/root.key";

/// Put a copy of the root key back into a home whose node does not run
///
/// The copy must have every epoch that the home was used with, and it never replaces another root
/// key. The file becomes as a new one would be: readable by you alone, and sealed if you name a
/// passphrase for it with --root-key-passphrase-file.
#[derive(Debug, Args)]
#[command(after_help = RESTORE_EXAMPLES)]
struct Restore {
    /// The copy
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The passphrase that the copy is sealed with, in a file that only its owner can read
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

impl Restore {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let place = self.which.place(context);
        let put = place.restore(&self.file, self.passphrase_file.as_deref())?;
        let file = put.file.display().to_string();
        if voice.is_json() {
            return voice.document(&json!({
                "file": file, "written": put.written, "newest": put.newest,
                "fingerprint": put.fingerprint,
            }));
        }
        let done = if put.written { "restored" } else { "nothing to restore: it is there" };
        voice.line(format_args!(
            "{done}: {}, newest epoch {}, fingerprint {}",
            safe(&file),
            put.newest,
            put.fingerprint
        ))
    }
}
