//! `casemate records` and `record`: what was called and how it ended.

mod tree;
mod view;

pub(super) use view::{size, time};

use crate::client::RecordFilter;
use crate::clock::{self, Since};
use crate::context::Context;
use crate::voice::Table;
use clap::Args;
use model::api;
use model::wire::AskedFor;
use model::wire::v1::{Call, Caller, Outcome};
use model::{FunctionName, InvocationId, Timestamp};

/// Most invocations of a tree that are shown.
const TREE_MAX: usize = 1000;

const RECORDS_EXAMPLES: &str = "\
Examples:
  casemate records
  casemate records --function hello --since 1h
  casemate records --outcome trapped -n 5
  casemate records --caller jwt:shop/alice
  casemate records --calls host=api.example.com
  casemate records --format json | jq '.items[].cpu_us'

Outcomes: ok, denied, guest_error, timeout, cpu, memory, budget, trapped, interrupted, platform.";

/// List invocations and how they ended, newest first
///
/// Every invocation leaves a record, refused ones too. `casemate record ID` shows one in full.
#[derive(Debug, Args)]
#[command(after_help = RECORDS_EXAMPLES)]
pub(crate) struct Records {
    /// Of this function only
    #[arg(long, value_name = "NAME")]
    function: Option<FunctionName>,
    /// With this outcome only
    #[arg(long, value_name = "OUTCOME", value_parser = outcome)]
    outcome: Option<Outcome>,
    /// That this caller caused: `token:NAME`, `jwt:ISSUER/SUBJECT`, `mtls:NAME`, `function:NAME`, `anonymous` or `operator`
    #[arg(long, value_name = "CALLER")]
    caller: Option<Caller>,
    /// That asked the host for this, allowed or not: `host=NAME`, `store=NAME` or `function=NAME`
    #[arg(long, value_name = "WHAT")]
    calls: Option<AskedFor>,
    /// That began then or later: how long ago, such as `10m`, or a time in RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// The newest so many
    #[arg(short = 'n', long = "count", value_name = "COUNT", default_value_t = 20)]
    count: usize,
}

fn outcome(word: &str) -> Result<Outcome, String> {
    Outcome::parse(word).ok_or_else(|| {
        let words: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.word()).collect();
        format!("write one of {}", words.join(", "))
    })
}

/// Reads an invocation's id from the command line.
pub(super) fn invocation_id(text: &str) -> Result<InvocationId, String> {
    text.parse().map_err(|_| {
        "write an id as `casemate records` lists it, such as \
         0198c3f2-9d5e-7c21-8a4b-2f6d1e0c9b7a"
            .to_owned()
    })
}

impl Records {
    /// Lists the records.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let filter = RecordFilter {
            function: self.function,
            outcome: self.outcome,
            caller: self.caller,
            calls: self.calls,
            since: self.since.map(|since| since.resolve(clock::now())),
            ..RecordFilter::default()
        };
        let items = context.client()?.records(&filter, self.count)?;
        if voice.is_json() {
            return voice.document(&api::Page { items, next: None });
        }
        if items.is_empty() {
            voice.note("no records match");
            voice.hint("casemate invoke FUNCTION makes one");
            return Ok(());
        }
        let mut table =
            Table::new(["STARTED", "FUNCTION", "OUTCOME", "STATUS", "CODE", "TOOK", "CPU", "ID"]);
        for record in items {
            table.row([
                record.start.clone(),
                format!("{}@{}", record.function, record.revision),
                record.outcome.clone(),
                view::status(&record),
                record.code.clone().unwrap_or_else(|| "-".to_owned()),
                view::took(&record),
                time(record.usage.cpu_us),
                record.id.to_string(),
            ]);
        }
        table.print(voice)
    }
}

const RECORD_EXAMPLES: &str = "\
Examples:
  casemate record 0198c3f2-9d5e-7c21-8a4b-2f6d1e0c9b7a
  casemate record ID --format json";

/// Show the record of one invocation
///
/// What called what, how it ended and why, what was measured, and every ask of the host with
/// what was decided about it; then the same of everything that it caused, as a tree.
#[derive(Debug, Args)]
#[command(after_help = RECORD_EXAMPLES)]
pub(crate) struct Record {
    /// The invocation, as `casemate records` lists it or an answer's `casemate-invocation` says it
    #[arg(value_name = "ID", value_parser = invocation_id)]
    id: InvocationId,
}

impl Record {
    /// Shows the record.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let client = context.client()?;
        let record = client.record(&self.id)?;
        if context.voice.is_json() {
            return context.voice.document(&record);
        }
        view::print(&context.voice, &record)?;
        let calls = |call: &Call| call.operation == "call";
        if !record.calls.iter().any(calls) {
            return Ok(());
        }
        let since = Some(Timestamp(record.start_us));
        let tree = RecordFilter { root: Some(record.root), since, ..RecordFilter::default() };
        tree::print(&context.voice, &record, client.records(&tree, TREE_MAX)?)
    }
}
