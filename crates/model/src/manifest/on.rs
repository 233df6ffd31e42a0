//! An event trigger of a function: which events of its application it is called with.

mod shape;
mod words;

pub use shape::EventShape;

use super::FunctionSpec;
use super::batch;
use crate::event::{CloudEvent, VALUE_BYTES_MAX, is_name};
use crate::unit::Duration;
use crate::{Code, Problem, TriggerName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most event triggers of one function.
pub const EVENT_TRIGGERS_MAX: usize = 100;
/// Most conditions of one trigger, those within others among them.
const CONDITIONS_MAX: usize = 100;
/// How deep conditions may lie in one another.
const DEPTH_MAX: usize = 8;

/// A condition on an event, as in the filters of CloudEvents' subscriptions. What an event does not
/// say fulfils no condition but `not`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// Each of these attributes is exactly this.
    Exact(BTreeMap<String, String>),
    /// Each of these attributes begins so.
    Prefix(BTreeMap<String, String>),
    /// Each of these attributes ends so.
    Suffix(BTreeMap<String, String>),
    /// All of these hold.
    All(Vec<Self>),
    /// One of these holds.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
}

/// Events that a function is called with. It asks to call the function as `trigger:NAME`, and a
/// grant makes that true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventTrigger {
    /// Its name, unique in the environment.
    pub name: TriggerName,
    /// The type of the events, such as `com.example.order.paid`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Their source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Their subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What else has to hold of them, all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter: Vec<Filter>,
    /// The attribute that says which events belong together, such as `partitionkey` or `subject`:
    /// the function is called with them one after the other, in the order in which they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_by: Option<String>,
    /// The function is called with up to so many events at once, 1 to 100. Default: with each alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u16>,
    /// How long an event waits at most for others of its batch, up to `5m`. Default `0s`: the batch
    /// is what waits when there is room to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_window: Option<Duration>,
    /// In which shape the function gets them. Default `cloudevent`.
    #[serde(rename = "as", default, skip_serializing_if = "EventShape::is_default")]
    pub shape: EventShape,
}

impl Filter {
    /// Whether it holds of an event.
    #[must_use]
    pub fn holds(&self, event: &CloudEvent) -> bool {
        let each = |texts: &BTreeMap<String, String>, fits: fn(&str, &str) -> bool| {
            texts.iter().all(|(name, text)| event.get(name).is_some_and(|said| fits(said, text)))
        };
        match self {
            Self::Exact(texts) => each(texts, |said, text| said == text),
            Self::Prefix(texts) => each(texts, |said, text| said.starts_with(text)),
            Self::Suffix(texts) => each(texts, |said, text| said.ends_with(text)),
            Self::All(all) => all.iter().all(|one| one.holds(event)),
            Self::Any(any) => any.iter().any(|one| one.holds(event)),
            Self::Not(one) => !one.holds(event),
        }
    }

    /// What is wrong with it. `left` counts the conditions that may still come.
    fn check(&self, depth: usize, left: &mut usize) -> Result<(), String> {
        let Some(rest) = left.checked_sub(1).filter(|_| depth < DEPTH_MAX) else {
            return Err(format!(
                "has more than {CONDITIONS_MAX} conditions, or more than {DEPTH_MAX} within one another"
            ));
        };
        *left = rest;
        match self {
            Self::Exact(texts) | Self::Prefix(texts) | Self::Suffix(texts) => {
                if texts.is_empty() {
                    return Err("names an attribute with each condition".to_owned());
                }
                for (name, text) in texts {
                    if !is_name(name) {
                        return Err(format!(
                            "`{}` is no attribute of an event: they are written in small letters and digits",
                            name.chars().take(80).collect::<String>().escape_debug()
                        ));
                    }
                    if text.is_empty() || text.len() > VALUE_BYTES_MAX {
                        return Err(format!(
                            "`{name}` is compared with 1 to {VALUE_BYTES_MAX} bytes"
                        ));
                    }
                }
                Ok(())
            }
            Self::All(some) | Self::Any(some) => {
                if some.is_empty() {
                    return Err("`all` and `any` hold at least one condition".to_owned());
                }
                some.iter().try_for_each(|one| one.check(depth + 1, left))
            }
            Self::Not(one) => one.check(depth + 1, left),
        }
    }
}

impl EventTrigger {
    /// Whether the function is called with an event.
    #[must_use]
    pub fn wants(&self, event: &CloudEvent) -> bool {
        let own = [("type", &self.kind), ("source", &self.source), ("subject", &self.subject)];
        let fits = |(name, text): &(&str, &Option<String>)| {
            text.as_deref().is_none_or(|text| event.get(name) == Some(text))
        };
        own.iter().all(fits) && self.filter.iter().all(|one| one.holds(event))
    }

    fn check(&self, spec: &FunctionSpec) -> Result<(), (&'static str, String)> {
        let own = [("type", &self.kind), ("source", &self.source), ("subject", &self.subject)];
        for (key, text) in own {
            if text.as_ref().is_some_and(|text| text.is_empty() || text.len() > VALUE_BYTES_MAX) {
                return Err((key, format!("must be 1 to {VALUE_BYTES_MAX} bytes")));
            }
        }
        if self.ordered_by.as_deref().is_some_and(|name| !is_name(name)) {
            let why = "is no attribute of an event: they are written in small letters and digits";
            return Err(("ordered_by", why.to_owned()));
        }
        let mut left = CONDITIONS_MAX;
        for filter in &self.filter {
            filter.check(0, &mut left).map_err(|why| ("filter", why))?;
        }
        batch::check(self.batch, self.batch_window, spec)?;
        self.shape.check(self.batch.is_some(), spec)
    }
}

impl FunctionSpec {
    /// Refuses event triggers that make no sense.
    ///
    /// # Errors
    /// E0104, naming the function, the trigger and the key.
    pub(super) fn check_events(&self) -> Result<(), Problem> {
        let wrong = |why: String, place: String| {
            Err(Problem::new(Code::ManifestValue).detail(why).below(place))
        };
        if self.on.len() > EVENT_TRIGGERS_MAX {
            let why =
                format!("function `{}` has more than {EVENT_TRIGGERS_MAX} of `on`", self.name);
            return wrong(why, "/on".to_owned());
        }
        for (at, trigger) in self.on.iter().enumerate() {
            if let Err((key, why)) = trigger.check(self) {
                let name = &trigger.name;
                let why = format!("function `{}`, trigger `{name}`, `{key}`: {why}", self.name);
                return wrong(why, format!("/on/{at}/{key}"));
            }
        }
        Ok(())
    }

    /// The names of all its triggers, each with where it is written.
    pub fn triggers(&self) -> impl Iterator<Item = (&TriggerName, String)> {
        let schedules = self.schedules.iter().enumerate();
        let schedules = schedules.map(|(at, it)| (&it.name, format!("/schedule/{at}/name")));
        let on = self.on.iter().enumerate().map(|(at, it)| (&it.name, format!("/on/{at}/name")));
        let webhooks = self.webhooks.iter().enumerate();
        let webhooks = webhooks.map(|(at, it)| (&it.name, format!("/webhook/{at}/name")));
        let from = self.from.iter().enumerate();
        let from = from.map(|(at, it)| (&it.name, format!("/from/{at}/name")));
        schedules.chain(on).chain(webhooks).chain(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::Ceiling;
    use crate::manifest::Manifest;

    fn event(more: &str) -> CloudEvent {
        let text = format!(
            r#"{{"specversion":"1.0","id":"1","source":"/shop","type":"com.x.paid"{more}}}"#
        );
        CloudEvent::from_json(text.as_bytes()).expect("an event")
    }

    fn check(on: &str) -> Result<(), String> {
        let text = format!(
            r#"{{"manifest":1,"application":"a","function":[{{"name":"f","on":[{on}],"schedule":[{{"name":"s","every":"1s"}}]}}]}}"#
        );
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        manifest.check(&Ceiling::DEFAULT).map_err(|problem| problem.detail.unwrap_or_default())
    }

    #[test]
    fn filters_are_those_of_cloudevents_subscriptions() {
        let wants = |trigger: &str, more: &str| {
            let text = format!(r#"{{"name":"a"{trigger}}}"#);
            let trigger: EventTrigger = serde_json::from_str(&text).expect(&text);
            trigger.wants(&event(more))
        };
        let subject = r#","subject":"orders/7""#;
        for (trigger, more, expect) in [
            ("", "", true),
            (r#","type":"com.x.paid""#, "", true),
            (r#","type":"com.x.Paid""#, "", false),
            (r#","subject":"orders/7""#, "", false),
            (r#","subject":"orders/7""#, subject, true),
            (r#","filter":[{"prefix":{"type":"com.x."}}]"#, "", true),
            (r#","filter":[{"prefix":{"type":"com.y."}}]"#, "", false),
            (r#","filter":[{"suffix":{"type":".paid","source":"op"}}]"#, "", true),
            (r#","filter":[{"suffix":{"type":".paid","source":"/x"}}]"#, "", false),
            (r#","filter":[{"exact":{"region":"eu"}}]"#, r#","region":"eu""#, true),
            (r#","filter":[{"exact":{"region":"eu"}}]"#, "", false),
            (r#","filter":[{"not":{"exact":{"region":"eu"}}}]"#, "", true),
            (r#","filter":[{"exact":{"specversion":"1.0"}}]"#, "", true),
            (r#","filter":[{"any":[{"exact":{"n":"1"}},{"exact":{"n":"2"}}]}]"#, r#","n":2"#, true),
            (
                r#","filter":[{"all":[{"exact":{"n":"2"}},{"not":{"prefix":{"type":"com"}}}]}]"#,
                r#","n":2"#,
                false,
            ),
        ] {
            assert_eq!(wants(trigger, more), expect, "{trigger} {more}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_place() {
        let deep = |depth: usize| {
            format!(
                r#"{{"name":"a","filter":[{}{{"exact":{{"n":"1"}}}}{}]}}"#,
                r#"{"not":"#.repeat(depth),
                "}".repeat(depth)
            )
        };
        let many = vec![r#"{"exact":{"n":"1"}}"#; 101].join(",");
        let many = format!(r#"{{"name":"a","filter":[{many}]}}"#);
        assert_eq!(check(&deep(7)), Ok(()));
        for (on, why) in [
            (deep(8).as_str(), "within one another"),
            (many.as_str(), "more than 100 conditions"),
            (r#"{"name":"a","filter":[{"exact":{"Type":"x"}}]}"#, "`Type` is no attribute"),
            (r#"{"name":"a","filter":[{"exact":{"type":""}}]}"#, "`type` is compared with"),
            (r#"{"name":"a","filter":[{"exact":{}}]}"#, "names an attribute"),
            (r#"{"name":"a","filter":[{"any":[]}]}"#, "at least one"),
            (r#"{"name":"a","filter":[{"sql":"type = 'x'"}]}"#, "unknown variant"),
            (r#"{"name":"a","type":""}"#, "`type`: must be"),
            (r#"{"name":"a","as":"eventbridge"}"#, "is for functions with"),
            (
                r#"{"name":"a","as":"queue"}"#,
                "`queue` is for functions with `contract = \"azure\"`",
            ),
            (r#"{"name":"a","as":"pubsub"}"#, "`functions-framework`, `cloud-run`"),
            (r#"{"name":"a","as":"sqs"}"#, "unknown variant"),
            (r#"{"name":"a","batch":0}"#, "`batch`: must be 1 to 100"),
            (r#"{"name":"a","batch":101}"#, "`batch`: must be 1 to 100"),
            (r#"{"name":"a","batch_window":"1s"}"#, "`batch_window`: is for what has a `batch`"),
            (r#"{"name":"a","batch":2,"batch_window":"6m"}"#, "`batch_window`: must be at most 5m"),
            (r#"{"name":"s"}"#, "declared by `f` and by `f`"),
            (r#"{"name":"a","typ":"x"}"#, "unknown field"),
        ] {
            let said = check(on).expect_err(on);
            assert!(said.contains(why), "{on}: {said}");
        }
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        let trigger: EventTrigger = serde_json::from_str(r#"{"name":"a"}"#).expect("a trigger");
        assert_eq!(serde_json::to_string(&trigger).expect("JSON"), r#"{"name":"a"}"#);
    }
}
