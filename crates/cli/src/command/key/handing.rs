//! Keys of data classes on their way to another home, sealed for it and nobody else.

use crate::context::Context;
use crate::voice::{Table, Voice, safe, usage};
use anyhow::Context as _;
use clap::Args;
use model::api::{KeyExportRequest, KeyHanded, KeyImportRequest};
use model::{DataClass, EnvironmentName, Scope, Secret, TenantName};
use serde_json::json;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

/// More than a file of keys has.
const FILE_BYTES_MAX: u64 = 256 << 10;

const PUBLIC_EXAMPLES: &str = "\
Examples:
  casemate key public
  casemate key public --tenant shop --env test";

/// Show the public key with which other homes seal keys of classes for this one
///
/// Each tenant's environment has its own. Tell the other home's people on a way on which nobody can
/// put in another one, and compare the fingerprint.
#[derive(Debug, Args)]
#[command(after_help = PUBLIC_EXAMPLES)]
pub(super) struct Public {}

impl Public {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let public = context.client()?.public_key()?;
        if context.voice.is_json() {
            return context.voice.document(&public);
        }
        context.voice.line(safe(&public.key))?;
        context.voice.note(format_args!("fingerprint {}", safe(&public.fingerprint)));
        Ok(())
    }
}

const EXPORT_EXAMPLES: &str = "\
Examples:
  casemate key export --class email --class iban --to ckx_51c4... --out keys.casemate";

/// Seal the keys of data classes for another home, which can then give values back
///
/// Only the home that has the public key can open the file. It can then make and undo what these
/// classes' values become, now and later: what was handed over cannot be taken back. The ledger
/// says what was handed to whom. Values that can be erased stay here.
#[derive(Debug, Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(super) struct Export {
    /// A class, such as `email`; may be given several times
    #[arg(long = "class", value_name = "CLASS", required = true)]
    classes: Vec<DataClass>,
    /// What `casemate key public` prints on the other home
    #[arg(long, value_name = "KEY")]
    to: String,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Export {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let shown = self.out.display().to_string();
        if self.out.exists() {
            return Err(usage(format!("`{shown}` exists already")));
        }
        let request = KeyExportRequest { classes: self.classes, to: self.to };
        let exported = context.client()?.export_keys(&request)?;
        super::write_new(&self.out, &Secret::new(exported.file.into_bytes()))?;
        if voice.is_json() {
            return voice.document(&json!({ "file": shown, "leaf": exported.leaf }));
        }
        voice.line(format_args!(
            "wrote the keys to {} (ledger entry {})",
            safe(&shown),
            exported.leaf
        ))?;
        voice.hint("there: casemate key import FILE --from KEY, with what `key public` says here");
        Ok(())
    }
}

const IMPORT_EXAMPLES: &str = "\
Examples:
  casemate key import keys.casemate --from ckx_8b0d...
  casemate key import keys.casemate --from ckx_8b0d... --use
  casemate key import keys.casemate --from ckx_8b0d... --of shop/main --tenant branch";

/// Take keys of data classes that another home sealed for this one
///
/// Tokens that the other home made are then revealed here as its own are. With `--use`, values of
/// these classes are protected with the other home's keys from now on, so equal values become equal
/// in both homes; what this home's own keys made is still revealed. A class uses the keys of one
/// other home, and for good. Taking the same file twice changes nothing.
#[derive(Debug, Args)]
#[command(after_help = IMPORT_EXAMPLES)]
pub(super) struct Import {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What `casemate key public` prints on the home that it is from
    #[arg(long, value_name = "KEY")]
    from: String,
    /// The tenant and environment that the keys are of there, if they have other names
    #[arg(long, value_name = "TENANT/ENVIRONMENT", value_parser = scope)]
    of: Option<Scope>,
    /// Protect values with these keys from now on
    #[arg(long = "use")]
    used: bool,
}

impl Import {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let reading = || format!("cannot read `{}`", self.file.display());
        let mut file = String::new();
        let input = File::open(&self.file).with_context(reading)?;
        input.take(FILE_BYTES_MAX + 1).read_to_string(&mut file).with_context(reading)?;
        let request = KeyImportRequest { file, from: self.from, of: self.of, used: self.used };
        let imported = context.client()?.import_keys(&request)?;
        if voice.is_json() {
            return voice.document(&imported);
        }
        let classes: Vec<_> = imported.keys.iter().map(|key| key.class.to_string()).collect();
        let classes = classes.join(", ");
        match imported.leaf {
            Some(leaf) => {
                voice.line(format_args!("took the keys of {classes} (ledger entry {leaf})"))
            }
            None => voice.line(format_args!("nothing to take: the keys of {classes} are there")),
        }
    }
}

/// Reads `TENANT/ENVIRONMENT`.
fn scope(text: &str) -> Result<Scope, String> {
    let parts = text.split_once('/').ok_or("write TENANT/ENVIRONMENT, such as default/main")?;
    let tenant = TenantName::parse(parts.0).map_err(|error| error.to_string())?;
    let environment = EnvironmentName::parse(parts.1).map_err(|error| error.to_string())?;
    Ok(Scope { tenant, environment })
}

/// Shows what other homes handed over.
pub(super) fn show(voice: &Voice, handed: &[KeyHanded]) -> anyhow::Result<()> {
    if handed.is_empty() {
        return Ok(());
    }
    voice.line("")?;
    let mut table = Table::new(["CLASS", "IN", "KEYS OF", "THERE", "VERSION", "USE"]);
    for key in handed {
        table.row([
            key.class.to_string(),
            key.scope.to_string(),
            key.from.clone(),
            key.of.to_string(),
            key.version.to_string(),
            if key.used { "protects, reveals" } else { "reveals" }.to_owned(),
        ]);
    }
    table.print(voice)
}
