//! `casemate logs`: what functions wrote.

use crate::client::{Client, LogFilter};
use crate::clock::{self, Since};
use crate::context::Context;
use crate::voice::{Tone, Voice, safe};
use anyhow::Context as _;
use clap::Args;
use model::api::Log;
use model::wire::v1::Level;
use model::{FunctionName, InvocationId};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

const EXAMPLES: &str = "\
Examples:
  casemate logs                                  the last lines of all functions
  casemate logs -f --function hello              follow one function until Ctrl-C
  casemate logs --since 10m --level error
  casemate logs --invocation 0198c3f2-…          everything that one call wrote
  casemate logs -f --format json | jq .text      one JSON document per line

Levels, from quiet to loud: info (standard output), error (standard error), platform.";

/// Most lines that a node gives at once.
const LINES_MAX: i64 = 1000;

/// Show what functions wrote
///
/// Lines come with their time (UTC), level, function and invocation. Control characters in them
/// are shown as escapes, so that a log line cannot act on your terminal.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Logs {
    /// Go on with new lines as they come
    #[arg(short, long)]
    follow: bool,
    /// Of this function only
    #[arg(long, value_name = "NAME")]
    function: Option<FunctionName>,
    /// Of this invocation only
    #[arg(long, value_name = "ID", value_parser = super::records::invocation_id)]
    invocation: Option<InvocationId>,
    /// From then on: how long ago, such as `10m`, or a time in RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// At this level or louder
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<Level>,
    /// The newest so many lines, at most 1000
    #[arg(
        short = 'n', long = "lines", value_name = "COUNT", default_value_t = 100,
        value_parser = clap::value_parser!(u16).range(..=LINES_MAX)
    )]
    lines: u16,
}

fn level(word: &str) -> Result<Level, String> {
    Level::parse(word).ok_or_else(|| "write `info`, `error` or `platform`".to_owned())
}

impl Logs {
    /// Shows the newest lines, and new ones if asked.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let client = context.client()?;
        let filter = LogFilter {
            function: self.function,
            invocation: self.invocation,
            level: self.level,
            since: self.since.map(|since| since.resolve(clock::now())),
        };
        let mut page = client.logs(&filter, self.lines.into())?;
        // A node gives at least one.
        page.items.truncate(self.lines.into());
        if page.items.is_empty() && !self.follow {
            voice.note("no log lines match");
            voice.hint("casemate logs -f shows lines as they come");
        }
        page.items.iter().try_for_each(|line| print(voice, line))?;
        if self.follow { follow(voice, &client, &filter, page.next) } else { Ok(()) }
    }
}

fn print(voice: &Voice, line: &Log) -> anyhow::Result<()> {
    if voice.is_json() {
        return voice.item(line);
    }
    let level = format!("{:<8}", safe(&line.level));
    let level = match line.level.as_str() {
        "error" => voice.paint(Tone::Bad, &level),
        "platform" => voice.paint(Tone::Warn, &level),
        _ => level,
    };
    let cut = if line.cut { " […]" } else { "" };
    let (time, text) = (safe(&line.time), safe(&line.text));
    voice.line(format_args!("{time} {level} {} {} {text}{cut}", line.function, line.invocation))
}

/// What the follower waits for.
enum Event {
    Line(anyhow::Result<Box<Log>>),
    End,
    Interrupted,
}

/// Prints lines as they come, until the stream ends or Ctrl-C. Reading and the signal have
/// threads of their own, since a blocked read cannot be interrupted; both end with the process.
fn follow(
    voice: &Voice,
    client: &Client,
    filter: &LogFilter,
    after: Option<String>,
) -> anyhow::Result<()> {
    let (sender, events) = sync_channel(1024);
    listen_for_interrupt(sender.clone())?;
    let lines = client.follow(filter, after)?;
    thread::Builder::new().name("logs".to_owned()).spawn(move || {
        for line in lines {
            if sender.send(Event::Line(line.map(Box::new))).is_err() {
                return;
            }
        }
        let _nobody_waits = sender.send(Event::End);
    })?;
    for event in events {
        match event {
            Event::Line(line) => print(voice, &*line?)?,
            Event::End => {
                voice.note("the node ended the stream of log lines");
                return Ok(());
            }
            Event::Interrupted => return Ok(()),
        }
    }
    Ok(())
}

fn listen_for_interrupt(sender: SyncSender<Event>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot wait for Ctrl-C")?;
    thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            let _nobody_waits = sender.send(Event::Interrupted);
        }
    })?;
    Ok(())
}
