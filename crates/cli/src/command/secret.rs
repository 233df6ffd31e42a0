//! `casemate secret`: values that functions use and never read.
//!
//! Invariant: a value is read from standard input or a file, and never stands on a command line,
//! where every process of the machine could read it.

use crate::context::Context;
use crate::voice::Table;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use model::api::SecretWritten;
use model::vault::VALUE_BYTES_MAX;
use model::{Code, FunctionName, Problem, Secret as Hidden, SecretName};
use std::fs::File;
use std::io::{IsTerminal as _, Read};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  casemate secret set stripe --file stripe.key
  printf %s \"$KEY\" | casemate secret set stripe
  casemate secret list";

/// Set, list, rotate and remove secrets
///
/// A secret is put into outgoing requests by the platform, where a function's manifest asks for it
/// and a grant allows it. The function never sees it, and nobody can read it back.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Secret {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Set(Set),
    List(List),
    Rotate(Rotate),
    Remove(Remove),
}

impl Secret {
    /// Runs the subcommand.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            Command::Set(Set { put }) => put.run(context, false),
            Command::List(list) => list.run(context),
            Command::Rotate(Rotate { put }) => put.run(context, true),
            Command::Remove(remove) => remove.run(context),
        }
    }
}

/// Which secret, and where its value is.
#[derive(Debug, Args)]
struct Put {
    /// The secret
    #[arg(value_name = "NAME")]
    name: SecretName,
    /// Read the value from this file [default: standard input]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

const SET_EXAMPLES: &str = "\
Examples:
  casemate secret set stripe --file stripe.key
  printf %s \"$KEY\" | casemate secret set stripe";

/// Give a secret its first value
///
/// The value is read from standard input or a file; one line end after it is cut off. A value
/// that is there already is not replaced: that is what `rotate` does.
#[derive(Debug, Args)]
#[command(after_help = SET_EXAMPLES)]
struct Set {
    #[command(flatten)]
    put: Put,
}

const ROTATE_EXAMPLES: &str = "\
Examples:
  casemate secret rotate stripe --file new.key
  printf %s \"$KEY\" | casemate secret rotate stripe";

/// Replace a secret's value
///
/// Calls that begin from then on use the new value; those under way end with the one that they
/// have. The old value is not kept.
#[derive(Debug, Args)]
#[command(after_help = ROTATE_EXAMPLES)]
struct Rotate {
    #[command(flatten)]
    put: Put,
}

impl Put {
    fn run(self, context: &Context, rotate: bool) -> anyhow::Result<()> {
        let voice = &context.voice;
        let client = context.client()?;
        let (value, was_cut) = match &self.file {
            Some(file) => {
                let opened = File::open(file);
                read(opened.with_context(|| format!("cannot read `{}`", file.display()))?)
            }
            None => {
                let input = std::io::stdin();
                if input.is_terminal() {
                    voice.note("type the value, then press Ctrl-D; it is shown while you type");
                }
                read(input.lock())
            }
        }
        .context("cannot read the value")?;
        let written = client.put_secret(&self.name, &value, rotate)?;
        if was_cut {
            voice.note("the line end after the value was cut off");
        }
        if written.secret.weak {
            voice.warn(format_args!(
                "the value is short or plain, so `{}` is used and not covered where it comes back: use 16 random characters or more",
                self.name
            ));
        }
        if voice.is_json() {
            return voice.document(&written);
        }
        let SecretWritten { secret, leaf } = written;
        let verb = if rotate { "rotated" } else { "set" };
        voice.line(format_args!(
            "{verb} secret {}, version {} (ledger entry {leaf})",
            secret.name, secret.version
        ))
    }
}

/// The value, and whether a line end was cut off.
fn read(from: impl Read) -> anyhow::Result<(Hidden<Vec<u8>>, bool)> {
    // Room for all of it from the start, so that no copy is left behind by growing.
    let mut bytes = Vec::with_capacity(VALUE_BYTES_MAX + 3);
    from.take(VALUE_BYTES_MAX as u64 + 3).read_to_end(&mut bytes)?;
    let whole = bytes.len();
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    let was_cut = bytes.len() < whole;
    let value = Hidden::new(bytes);
    let length = value.expose().len();
    if length == 0 || length > VALUE_BYTES_MAX {
        let what = if length == 0 { "it is empty" } else { "it has more than 65536 bytes" };
        return Err(Problem::new(Code::SecretValue).detail(what).into());
    }
    Ok((value, was_cut))
}

const LIST_EXAMPLES: &str = "\
Examples:
  casemate secret list
  casemate secret list --format json";

/// List secrets, without their values
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
struct List {}

impl List {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let page = context.client()?.secrets()?;
        if voice.is_json() {
            return voice.document(&page);
        }
        if page.items.is_empty() {
            voice.note(format_args!("no secrets in {}", context.scope()));
            voice.hint("casemate secret set NAME --file FILE");
            return Ok(());
        }
        let mut table = Table::new(["NAME", "VERSION", "SET", "COVERED", "USED BY"]);
        for secret in page.items {
            if let Some(source) = &secret.source {
                let (name, source) = (secret.name.to_string(), format!("from its {source}"));
                let unknown = || "-".to_owned();
                table.row([name, unknown(), source, unknown(), users(&secret.used_by)]);
                continue;
            }
            table.row([
                secret.name.to_string(),
                secret.version.to_string(),
                secret.set.to_string(),
                if secret.weak { "no: weak" } else { "yes" }.to_owned(),
                users(&secret.used_by),
            ]);
        }
        table.print(voice)
    }
}

const REMOVE_EXAMPLES: &str = "\
Examples:
  casemate secret remove stripe";

/// Take a secret's value away
///
/// Functions that ask for it go on running; their next request that needs it is refused. Cannot
/// be undone.
#[derive(Debug, Args)]
#[command(after_help = REMOVE_EXAMPLES)]
struct Remove {
    /// The secret
    #[arg(value_name = "NAME")]
    name: SecretName,
}

impl Remove {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let written = context.client()?.remove_secret(&self.name)?;
        if !written.secret.used_by.is_empty() {
            let users = users(&written.secret.used_by);
            voice.warn(format_args!("{users} asks for it, and is refused from now on"));
        }
        if voice.is_json() {
            return voice.document(&written);
        }
        voice.line(format_args!("removed secret {} (ledger entry {})", self.name, written.leaf))
    }
}

fn users(functions: &[FunctionName]) -> String {
    let names: Vec<String> = functions.iter().map(ToString::to_string).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_cut_off_and_no_more() {
        for (given, value, was_cut) in [
            ("key", "key", false),
            ("key\n", "key", true),
            ("key\r\n", "key", true),
            ("key\n\n", "key\n", true),
            (" key ", " key ", false),
        ] {
            let (read, cut) = read(given.as_bytes()).expect(given);
            assert_eq!((read.expose().as_slice(), cut), (value.as_bytes(), was_cut), "{given:?}");
        }
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        let most = vec![b'x'; VALUE_BYTES_MAX];
        assert!(read([&most[..], b"\n"].concat().as_slice()).is_ok());
        for bad in [b"".to_vec(), b"\n".to_vec(), [&most[..], b"x"].concat()] {
            assert!(read(bad.as_slice()).is_err(), "{}", bad.len());
        }
    }
}
