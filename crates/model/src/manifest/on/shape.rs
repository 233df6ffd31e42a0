//! In which shape a function gets an event.

use crate::manifest::{Contract, FunctionSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// In which shape a native function gets an event that has one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventShape {
    /// As a CloudEvent.
    #[default]
    Cloudevent,
    /// As AWS EventBridge sends it, for functions with `contract = "lambda"`.
    Eventbridge,
    /// As a notification of Amazon SNS, for functions with `contract = "lambda"`.
    Sns,
    /// As Amazon S3 tells of an object, for functions with `contract = "lambda"`.
    S3,
    /// As a record of a stream of Amazon DynamoDB, for functions with `contract = "lambda"`.
    Dynamodb,
    /// As a message of a queue (`queueTrigger`), for functions with `contract = "azure"`.
    Queue,
    /// In Event Grid's own schema (`eventGridTrigger`), for functions with `contract = "azure"`.
    Eventgrid,
    /// As Eventarc tells of a message of Pub/Sub, for `functions-framework` and `cloud-run`.
    Pubsub,
    /// As Google's background functions had it before CloudEvents, for `functions-framework` and
    /// `cloud-run`.
    Background,
}

impl EventShape {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Cloudevent,
        Self::Eventbridge,
        Self::Sns,
        Self::S3,
        Self::Dynamodb,
        Self::Queue,
        Self::Eventgrid,
        Self::Pubsub,
        Self::Background,
    ];

    /// Whether nothing was said.
    #[must_use]
    pub const fn is_default(&self) -> bool {
        matches!(self, Self::Cloudevent)
    }

    /// As a manifest writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cloudevent => "cloudevent",
            Self::Eventbridge => "eventbridge",
            Self::Sns => "sns",
            Self::S3 => "s3",
            Self::Dynamodb => "dynamodb",
            Self::Queue => "queue",
            Self::Eventgrid => "eventgrid",
            Self::Pubsub => "pubsub",
            Self::Background => "background",
        }
    }

    /// The contracts of functions that understand it; none if that is all of them.
    const fn contracts(self) -> &'static [Contract] {
        match self {
            Self::Cloudevent => &[],
            Self::Eventbridge | Self::Sns | Self::S3 | Self::Dynamodb => &[Contract::Lambda],
            Self::Queue | Self::Eventgrid => &[Contract::Azure],
            Self::Pubsub | Self::Background => &[Contract::FunctionsFramework, Contract::CloudRun],
        }
    }

    /// Refuses one that the function does not understand, or that has no form for several events.
    pub(in crate::manifest) fn check(
        self,
        batched: bool,
        spec: &FunctionSpec,
    ) -> Result<(), (&'static str, String)> {
        let contracts = self.contracts();
        let own = spec.native.as_ref().map(|native| native.contract);
        if !contracts.is_empty() && !own.is_some_and(|own| contracts.contains(&own)) {
            let words: Vec<String> = match contracts {
                [one] => vec![format!("`contract = \"{}\"`", one.word())],
                all => all.iter().map(|one| format!("`{}`", one.word())).collect(),
            };
            let why = format!("`{}` is for functions with {}", self.word(), words.join(", "));
            return Err(("as", why));
        }
        let alone = matches!(self, Self::Dynamodb | Self::Pubsub | Self::Background);
        if batched && alone {
            let why = format!("is not for events as `{}`, which come one by one", self.word());
            return Err(("batch", why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_written_as_it_is_read() {
        for shape in EventShape::ALL {
            let written = serde_json::to_value(shape).expect("JSON");
            assert_eq!(written, shape.word());
            assert_eq!(shape.is_default(), shape == EventShape::default());
        }
    }
}
