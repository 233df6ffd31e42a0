//! `casemate data`: which sensitive data went where, what it was, and that it goes away.

mod erase;
mod map;
mod reveal;
mod svg;

use crate::client::RecordFilter;
use crate::clock::{self, Since};
use crate::context::Context;
use crate::voice::Table;
use clap::{Args, Subcommand};
use map::DataMap;
use model::FunctionName;

const EXAMPLES: &str = "\
Examples:
  casemate data map
  casemate data map --since 1d --svg > map.svg
  casemate data reveal --class pan --purpose 'chargeback 4711' tok_pan_1_...
  casemate data erase --class email --subject customer-4711";

/// See which sensitive data went where or what it was, or erase it
///
/// Classes of data that contracts name (`[function.data]` of the manifest) or that were found, as
/// records have them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Data {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Map(Map),
    Reveal(reveal::Reveal),
    Erase(erase::Erase),
}

impl Data {
    /// Runs the subcommand.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            Command::Map(map) => map.run(context),
            Command::Reveal(reveal) => reveal.run(context),
            Command::Erase(erase) => erase.run(context),
        }
    }
}

const MAP_EXAMPLES: &str = "\
Examples:
  casemate data map
  casemate data map --function shop --since 1h
  casemate data map --format json | jq '.reveals'
  casemate data map --svg > map.svg";

/// Show which class of data went from where to where, and what was revealed
///
/// Computed from records. What an invocation was known to contain may be in everything that it
/// sent and wrote after that, so a flow out of a function says what it may have carried; reveals
/// are exact.
#[derive(Debug, Args)]
#[command(after_help = MAP_EXAMPLES)]
struct Map {
    /// Of this function only
    #[arg(long, value_name = "NAME")]
    function: Option<FunctionName>,
    /// Of records that began then or later: how long ago, such as `10m`, or a time in RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// Of the newest so many records
    #[arg(short = 'n', long = "count", value_name = "COUNT", default_value_t = 10_000)]
    count: usize,
    /// Write it as a picture
    #[arg(long)]
    svg: bool,
}

impl Map {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let filter = RecordFilter {
            function: self.function,
            since: self.since.map(|since| since.resolve(clock::now())),
            ..RecordFilter::default()
        };
        let map = DataMap::of(&context.client()?.records(&filter, self.count)?);
        if self.svg {
            return voice.line(svg::draw(&map));
        }
        if voice.is_json() {
            return voice.document(&map);
        }
        if map.flows.is_empty() && map.reveals.is_empty() && map.found.is_empty() {
            voice.note(format_args!("nothing in {} record(s) was classified", map.records));
            voice.hint("write `[[function.data.in]]` in a manifest to name sensitive fields");
            return Ok(());
        }
        let mut flows = Table::new(["DATA", "FROM", "TO", "INVOCATIONS"]);
        for flow in &map.flows {
            let (from, to) = (flow.from.to_string(), flow.to.to_string());
            flows.row([flow.data.clone(), from, to, flow.invocations.to_string()]);
        }
        flows.print(voice)?;
        map.print_found(voice)?;
        if map.reveals.is_empty() {
            return Ok(());
        }
        voice.line("")?;
        let mut reveals =
            Table::new(["REVEALED", "BY", "TO", "PURPOSE", "REQUESTS", "VALUES", "DENIED"]);
        for reveal in &map.reveals {
            reveals.row([
                reveal.class.clone(),
                reveal.function.clone(),
                reveal.to.clone(),
                reveal.purpose.clone(),
                reveal.requests.to_string(),
                reveal.values.to_string(),
                reveal.denied.to_string(),
            ]);
        }
        reveals.print(voice)
    }
}
