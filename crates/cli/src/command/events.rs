//! `casemate events sample`: an event to try a function with.

use crate::context::Context;
use clap::{Args, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  casemate events sample http
  casemate events sample cloudevent | casemate invoke orders \\
    --data - -H 'content-type: application/cloudevents+json'";

/// Events to try functions with
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Events {
    #[command(subcommand)]
    command: EventsCommand,
}

#[derive(Debug, Subcommand)]
enum EventsCommand {
    Sample(Sample),
}

/// Print an example of an event, as a function gets it in its body
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
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
    /// Prints the sample.
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<()> {
        let EventsCommand::Sample(Sample { kind }) = self.command;
        let text = match kind {
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
