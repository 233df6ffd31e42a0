//! `casemate protect`: protects the sensitive fields of a file, and gives them back.

mod contract;
mod output;
mod serve;

use crate::context::Context;
use crate::local::DataKeys;
use crate::voice::{Progress, Voice, safe, usage};
use ::protect::contract::{Bound, Direction, Done, Fault, Stream};
use ::protect::outside::{KeyFile, Outside};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use output::Output;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  casemate protect --contract orders.toml orders.csv -o orders.protected.csv
  casemate protect --contract orders.toml --undo orders.protected.csv -o orders.csv
  cat events.jsonl | casemate protect --contract events.toml --as jsonl | gzip > events.gz
  casemate protect --contract orders.toml orders.csv --root-key-file /mnt/keys/root.key
  casemate protect --contract orders.toml --serve 127.0.0.1:8099 --callers callers.toml
  casemate protect --contract orders.toml --write-keys keys.json

A contract names the fields:
  [[field]]
  at = \"csv:card\"
  class = \"pan\"
  transform = \"token\"";

/// How much is read at a time, in bytes.
const PIECE: usize = 1 << 18;

/// What is about files, and means nothing beside `--serve` and `--write-keys`.
const OF_FILES: [&str; 6] = ["file", "undo", "partial", "form", "output", "force"];

/// Protect the sensitive fields of a file, or give them back
///
/// Works without a node, with the root key of the home. Files of any size are read in pieces. What
/// the contract does not name is copied byte for byte. If a record does not fit the contract, the
/// command fails, names its line, and leaves no output file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Protect {
    /// The file; `-` or nothing is standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The data contract, in TOML
    #[arg(long, value_name = "FILE")]
    contract: PathBuf,
    /// Give protected values back
    #[arg(long)]
    undo: bool,
    /// With --undo: leave fields as they are that cannot be undone
    #[arg(long, requires = "undo")]
    partial: bool,
    /// How the file is written, if its name does not end with .csv, .jsonl, .ndjson, .json or .txt
    #[arg(long = "as", value_name = "FORM", value_enum)]
    form: Option<Form>,
    /// The file to write, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long)]
    force: bool,
    /// Serve the contract over HTTP instead, for programs outside of the platform
    #[arg(long, value_name = "ADDRESS", requires = "callers", conflicts_with_all = OF_FILES)]
    serve: Option<SocketAddr>,
    /// With --serve: who may ask for what, in TOML
    #[arg(long, value_name = "FILE", requires = "serve")]
    callers: Option<PathBuf>,
    /// Write the keys of the contract's classes to a file instead, for programs with the library
    #[arg(long, value_name = "FILE", conflicts_with_all = OF_FILES, conflicts_with = "serve")]
    write_keys: Option<PathBuf>,
    /// With the keys of this other home, which handed them over, and no longer this one's
    #[arg(long, value_name = "KEY")]
    keys_of: Option<String>,
    /// The root key, if it is not the home's root.key
    #[arg(long, value_name = "FILE")]
    root_key_file: Option<PathBuf>,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// A table; the contract's `[csv]` says how it is written.
    Csv,
    /// A JSON document on each line.
    Jsonl,
    /// One JSON document.
    Json,
    /// A value on each line.
    Text,
}

impl Form {
    fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match ending.as_str() {
            "csv" | "tsv" => Self::Csv,
            "jsonl" | "ndjson" => Self::Jsonl,
            "json" => Self::Json,
            "txt" | "text" => Self::Text,
            _ => return None,
        })
    }
}

impl From<Form> for ::protect::contract::Format {
    fn from(form: Form) -> Self {
        match form {
            Form::Csv => Self::Csv,
            Form::Jsonl => Self::JsonLines,
            Form::Json => Self::Json,
            Form::Text => Self::Text,
        }
    }
}

impl Protect {
    /// Transforms the file.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        if let Some(address) = self.serve {
            let outside = self.outside(context)?;
            let callers = self.callers.as_deref().unwrap_or(Path::new(""));
            return serve::run(outside, callers, address, voice);
        }
        if let Some(path) = &self.write_keys {
            return self.keys(context, path);
        }
        let form = self.form.or_else(|| self.path().and_then(Form::of));
        let Some(form) = form else {
            return Err(usage(
                "say how the file is written: `--as csv`, `jsonl`, `json` or `text`",
            ));
        };
        let bound = self.bind(context)?;
        let mut input = self.open()?;
        let mut output = Output::open(self.output.as_deref(), self.force)?;
        let progress = voice.progress(self.doing());
        let whole = self.path().and_then(|path| path.metadata().ok()).map(|meta| meta.len());
        let done = self.transform(&bound, form, &mut input, &mut output, (&progress, whole));
        drop(progress);
        let done = done?;
        output.finish()?;
        self.say(voice, &done)
    }

    fn doing(&self) -> &'static str {
        if self.undo { "giving back" } else { "protecting" }
    }

    /// The input file, if it is one.
    fn path(&self) -> Option<&Path> {
        self.file.as_deref().filter(|path| *path != Path::new("-"))
    }

    fn open(&self) -> anyhow::Result<Box<dyn Read>> {
        let Some(path) = self.path() else { return Ok(Box::new(io::stdin())) };
        let file = File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        Ok(Box::new(file))
    }

    fn root(&self, context: &Context) -> Result<DataKeys, model::Problem> {
        let (home, key) = (context.global.home.as_deref(), self.root_key_file.as_deref());
        let keys = DataKeys::open(home, key, context.scope())?;
        Ok(keys.with_keys_of(self.keys_of.as_deref()))
    }

    /// The contract for programs outside of the platform.
    fn outside(&self, context: &Context) -> anyhow::Result<Outside> {
        let contract = contract::read(&self.contract)?;
        let keys = self.root(context)?;
        let tenant = &context.global.tenant;
        let outside = Outside::new(&contract, tenant, &mut |class| keys.of(class));
        Ok(outside.map_err(|problem| contract::named(problem, &self.contract))?)
    }

    /// Writes the keys of the contract's classes.
    fn keys(&self, context: &Context, path: &Path) -> anyhow::Result<()> {
        let contract = contract::read(&self.contract)?;
        let keys = self.root(context)?;
        let classes: BTreeSet<_> = contract.fields.iter().map(|field| &field.class).collect();
        let count = classes.len();
        let file = KeyFile::of(context.scope(), classes, &mut |class| keys.of(class))?;
        let mut output = Output::open(Some(path), false)?;
        output.write(file.write()?.as_bytes())?;
        output.finish()?;
        let (path, noun) = (path.display(), if count == 1 { "class" } else { "classes" });
        context.voice.note(format_args!("wrote the keys of {count} {noun} to `{path}`"));
        Ok(())
    }

    fn bind(&self, context: &Context) -> anyhow::Result<Bound> {
        let contract = contract::read(&self.contract)?;
        let direction = match (self.undo, self.partial) {
            (false, _) => Direction::Protect,
            (true, false) => Direction::Undo,
            (true, true) => Direction::UndoPartly,
        };
        let keys = self.root(context)?;
        let bound = contract.bind(&context.global.tenant, direction, &mut |class| keys.of(class));
        Ok(bound.map_err(|problem| contract::named(problem, &self.contract))?)
    }

    fn transform(
        &self,
        bound: &Bound,
        form: Form,
        input: &mut dyn Read,
        output: &mut Output,
        (progress, whole): (&Progress, Option<u64>),
    ) -> anyhow::Result<Vec<Done>> {
        let mut stream = Stream::new(bound, form.into()).map_err(|fault| self.fault(&fault))?;
        let (mut piece, mut made, mut bytes) = (vec![0; PIECE], Vec::new(), 0_u64);
        loop {
            let count =
                input.read(&mut piece).with_context(|| format!("cannot read {}", self.name()))?;
            let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else { break };
            stream.push(read, &mut made).map_err(|fault| self.fault(&fault))?;
            output.write(&made)?;
            made.clear();
            bytes += count as u64;
            progress.doing(self.progress(bytes, whole));
        }
        let done = stream.finish(&mut made).map_err(|fault| self.fault(&fault))?;
        output.write(&made)?;
        Ok(done)
    }

    fn progress(&self, bytes: u64, whole: Option<u64>) -> String {
        let mib = |bytes: u64| bytes >> 20;
        match whole.filter(|whole| *whole > 0) {
            Some(whole) => format!("{}, {} of {} MiB", self.doing(), mib(bytes), mib(whole)),
            None => format!("{}, {} MiB", self.doing(), mib(bytes)),
        }
    }

    /// What the input is called in messages.
    fn name(&self) -> String {
        self.path()
            .map_or_else(|| "standard input".to_owned(), |path| format!("`{}`", path.display()))
    }

    /// A fault with the name of the file that it is in.
    fn fault(&self, fault: &Fault) -> model::Problem {
        let mut problem = fault.problem();
        problem.detail = problem.detail.map(|detail| format!("{}: {detail}", self.name()));
        problem
    }

    /// Says what was done, beside the data if that goes to standard output.
    fn say(&self, voice: &Voice, done: &[Done]) -> anyhow::Result<()> {
        if let (true, Some(output)) = (voice.is_json(), &self.output) {
            let fields = done.iter().map(|done| {
                json!({
                    "at": done.at, "class": done.class, "transform": done.transform,
                    "values": done.values,
                })
            });
            let (file, fields) = (output.display().to_string(), fields.collect::<Vec<_>>());
            return voice.document(&json!({ "file": file, "fields": fields }));
        }
        for done in done {
            let word = done.transform.word();
            let values = if done.values == 1 { "value" } else { "values" };
            voice.note(format_args!(
                "{}: {} {values} ({}, {word})",
                safe(&done.at),
                done.values,
                done.class
            ));
        }
        Ok(())
    }
}
