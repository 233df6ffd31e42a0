//! `casemate events`: what calls functions with events, and events to try functions with.

use crate::clock::{self, Since};
use crate::context::Context;
use crate::voice::Table;
use clap::{Args, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  casemate events list
  casemate events sample cloudevent";

const LIST_EXAMPLES: &str = "\
Examples:
  casemate events list
  casemate events list --since 7d
  casemate events list --format json";

const SAMPLE_EXAMPLES: &str = "\
Examples:
  casemate events sample http
  casemate events sample cloudevent | casemate invoke orders \\
    --data - -H 'content-type: application/cloudevents+json'";

/// See what calls functions with events, and print events to try them with
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Events {
    #[command(subcommand)]
    command: EventsCommand,
}

#[derive(Debug, Subcommand)]
enum EventsCommand {
    List(List),
    Sample(Sample),
}

/// List event triggers and webhooks: what they want, how often they called, missing grants
///
/// A manifest declares them as `[[function.on]]` and `[[function.webhook]]`. Each acts as
/// `trigger:NAME`, and calls nothing without a grant. What they called is counted from the flight
/// records, so it goes back as far as they do.
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
struct List {
    /// Count calls that began then or later: how long ago, such as `7d`, or a time in RFC 3339
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: Since,
}

impl List {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let voice = &context.voice;
        let since = self.since.resolve(clock::now());
        let triggers = context.client()?.event_triggers(since)?;
        if voice.is_json() {
            return voice.document(&triggers);
        }
        if triggers.items.is_empty() {
            voice.note("no function is called with events");
            return Ok(());
        }
        if triggers.partial {
            voice.note("the records do not go back that far: this is what is left of them");
        }
        let headings = [
            "NAME",
            "KIND",
            "APPLICATION",
            "FUNCTION",
            "STATE",
            "CAME",
            "LAST",
            "OUTCOME",
            "WANTS",
        ];
        let mut table = Table::new(headings);
        let mut wanted = Vec::new();
        for trigger in triggers.items {
            wanted.extend(trigger.grant);
            table.row([
                trigger.name.to_string(),
                trigger.kind,
                trigger.application.to_string(),
                trigger.function.to_string(),
                trigger.state,
                trigger.came.to_string(),
                trigger.last.unwrap_or_default(),
                trigger.outcome.unwrap_or_default(),
                trigger.wants,
            ]);
        }
        table.print(voice)?;
        for grant in wanted {
            voice.note(format_args!("not granted: {grant}"));
        }
        Ok(())
    }
}

/// Print an example of an event, as a function gets it in its body
#[derive(Debug, Args)]
#[command(after_help = SAMPLE_EXAMPLES)]
struct Sample {
    /// What kind of event
    #[arg(value_name = "KIND")]
    kind: Kind,
}

/// The kinds that there are samples of.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// A JSON body of an ordinary request.
    Http,
    /// A CloudEvent 1.0 in structured JSON.
    Cloudevent,
    /// Three CloudEvents in one batch.
    CloudeventBatch,
    /// The same event as the first one, as AWS EventBridge sends it.
    Eventbridge,
    /// A form, as a browser posts it.
    Form,
}

impl Events {
    /// Runs the subcommand.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            EventsCommand::List(list) => list.run(context),
            EventsCommand::Sample(sample) => sample.run(context),
        }
    }
}

impl Sample {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let text = match self.kind {
            Kind::Http => include_str!("events/http.json"),
            Kind::Cloudevent => include_str!("events/cloudevent.json"),
            Kind::CloudeventBatch => include_str!("events/cloudevent-batch.json"),
            Kind::Eventbridge => include_str!("events/eventbridge.json"),
            Kind::Form => include_str!("events/form.txt"),
        };
        context.voice.line(text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn cloudevents_have_the_attributes_that_the_specification_requires() {
        let one: serde_json::Value =
            serde_json::from_str(include_str!("events/cloudevent.json")).expect("JSON");
        let many: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("events/cloudevent-batch.json")).expect("JSON");
        assert_eq!(many.len(), 3);
        let read = |text: &str| model::CloudEvent::from_json(text.as_bytes()).map(drop);
        assert_eq!(read(include_str!("events/cloudevent.json")), Ok(()));
        let batch = include_str!("events/cloudevent-batch.json").as_bytes();
        assert_eq!(model::CloudEvent::from_batch(batch).map(|all| all.len()), Ok(3));
        for event in many.iter().chain([&one]) {
            assert_eq!(event["specversion"], "1.0");
            for required in ["id", "source", "type"] {
                assert!(event[required].as_str().is_some_and(|text| !text.is_empty()), "{event}");
            }
        }
        let ids: std::collections::BTreeSet<_> = many.iter().map(|it| it["id"].as_str()).collect();
        assert_eq!(ids.len(), 3, "source and id together are unique");
    }
}
