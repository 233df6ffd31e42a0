//! What called a function, in words.

use crate::TriggerName;
use crate::wire::v1::Trigger;

/// What called a function, as records and lists say it.
pub(super) fn by(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Http { method, route } => format!("http {method} {route}"),
        Trigger::Direct { method } => format!("invoke {method}"),
        Trigger::Call { method } => format!("call {method}"),
        Trigger::WebSocket { event, route } => {
            format!("websocket {} {route}", event.word())
        }
        Trigger::Queue { method, route, attempt } if route.is_empty() => {
            format!("queue invoke {method}, attempt {attempt}")
        }
        Trigger::Queue { method, route, attempt } => {
            format!("queue http {method} {route}, attempt {attempt}")
        }
        Trigger::Schedule { name, planned, attempt } => {
            format!("schedule {name} {planned}, attempt {attempt}")
        }
        Trigger::Event { name, publisher, attempt } => {
            format!("event {name} from {publisher}, attempt {attempt}")
        }
        Trigger::Batch { name, messages } => {
            let (what, count) = (waited(name.as_ref()), messages.len());
            let ids: Vec<String> = messages.iter().map(ToString::to_string).collect();
            format!("batch of {count}, {what}: {}", ids.join(" "))
        }
        Trigger::Batched { name, publisher, batch, attempt } => {
            let from = publisher.as_ref().map(|it| format!(" from {it}")).unwrap_or_default();
            let what = waited(name.as_ref());
            format!("{what}{from} in batch {batch}, attempt {attempt}")
        }
    }
}

/// What waited: events of a trigger, or asynchronous calls.
fn waited(name: Option<&TriggerName>) -> String {
    name.map_or_else(|| "queue".to_owned(), |name| format!("event {name}"))
}
