//! By which way a request comes to a function, as a field of a data contract names it.
//!
//! What waited in the queue came by the way that put it there: if it were a way of its own, a caller
//! could choose it, and leave a contract behind.

use super::{DataField, DataSpec};
use crate::manifest::FunctionSpec;
use crate::{Code, Problem, TriggerName};

/// By which way a request comes to a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// By a route or an address of its own.
    Http,
    /// From the operator, or whoever names the function and no route.
    Invoke,
    /// From another function.
    Call,
    /// A time of the schedule of this name; of any, if none is named.
    Schedule(Option<TriggerName>),
    /// An event of the trigger, the webhook or the source of this name; of any, if none is named.
    Event(Option<TriggerName>),
}

impl Arrival {
    /// Reads `http`, `invoke`, `call`, `schedule`, `schedule:NAME`, `event` or `event:NAME`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (word, name) = match text.split_once(':') {
            Some((word, name)) => (word, Some(TriggerName::parse(name).ok()?)),
            None => (text, None),
        };
        Some(match (word, name) {
            ("http", None) => Self::Http,
            ("invoke", None) => Self::Invoke,
            ("call", None) => Self::Call,
            ("schedule", name) => Self::Schedule(name),
            ("event", name) => Self::Event(name),
            _ => return None,
        })
    }

    /// Whether what comes so comes in this way, too.
    #[must_use]
    pub fn takes_in(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Schedule(None), Self::Schedule(_)) | (Self::Event(None), Self::Event(_)) => true,
            _ => self == other,
        }
    }

    /// The ways for which these fields say something of their own: the five, and those with a name.
    /// Nothing if no field names any, so that all are alike.
    pub fn distinct<'f>(fields: impl Iterator<Item = &'f DataField>) -> Vec<Self> {
        let named: Vec<Self> = fields.filter_map(DataField::arrival).collect();
        if named.is_empty() {
            return named;
        }
        let mut all =
            vec![Self::Http, Self::Invoke, Self::Call, Self::Schedule(None), Self::Event(None)];
        for one in named {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }
}

impl DataField {
    /// The only way that it is about, if it names one. One that cannot be read is refused with the
    /// manifest.
    #[must_use]
    pub fn arrival(&self) -> Option<Arrival> {
        self.trigger.as_deref().and_then(Arrival::parse)
    }

    /// Whether it is about requests that come so.
    #[must_use]
    pub fn is_about(&self, arrival: &Arrival) -> bool {
        match &self.trigger {
            None => true,
            Some(text) => Arrival::parse(text).is_some_and(|own| own.takes_in(arrival)),
        }
    }
}

impl FunctionSpec {
    /// Whether each trigger that a field names is one that the function has.
    pub(super) fn check_arrivals(&self, data: &DataSpec) -> Result<(), Problem> {
        for (at, field) in data.intake.iter().enumerate() {
            let Some(text) = &field.trigger else { continue };
            let arrival = Arrival::parse(text);
            if !arrival.as_ref().is_some_and(|arrival| self.arrives(arrival)) {
                let shown: String = text.chars().take(80).collect();
                let what = format!(
                    "function `{}`, `data.in`: `{}` is no trigger of it",
                    self.name,
                    shown.escape_debug()
                );
                return Err(Problem::new(Code::DataNoTrigger)
                    .detail(what)
                    .below(format_args!("/data/in/{at}/trigger")));
            }
        }
        Ok(())
    }

    fn arrives(&self, arrival: &Arrival) -> bool {
        let schedules = || self.schedules.iter().map(|it| &it.name);
        let events = || {
            let webhooks = self.webhooks.iter().map(|it| &it.name);
            let from = self.from.iter().map(|it| &it.name);
            self.on.iter().map(|it| &it.name).chain(webhooks).chain(from)
        };
        match arrival {
            Arrival::Http | Arrival::Invoke | Arrival::Call => true,
            Arrival::Schedule(None) => !self.schedules.is_empty(),
            Arrival::Schedule(Some(name)) => schedules().any(|own| own == name),
            Arrival::Event(None) => events().next().is_some(),
            Arrival::Event(Some(name)) => events().any(|own| own == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(text: &str) -> Arrival {
        Arrival::parse(text).expect(text)
    }

    #[test]
    fn a_way_takes_in_those_with_a_name() {
        for (own, other, expect) in [
            ("http", "http", true),
            ("http", "invoke", false),
            ("event", "event:paid", true),
            ("event:paid", "event:paid", true),
            ("event:paid", "event", false),
            ("event:paid", "event:sent", false),
            ("schedule", "schedule:nightly", true),
            ("schedule", "event:nightly", false),
        ] {
            assert_eq!(arrival(own).takes_in(&arrival(other)), expect, "{own} {other}");
        }
        for text in ["queue", "http:a", "event:", "Event", "", "event:A B", "schedule:x:y"] {
            assert_eq!(Arrival::parse(text), None, "{text}");
        }
    }

    #[test]
    fn where_no_field_names_a_way_all_are_alike() {
        let field = |trigger: &str| -> DataField {
            let text = r#"{"at":"body:/a","class":"pan","transform":"token""#;
            serde_json::from_str(&format!("{text}{trigger}}}")).expect("a field")
        };
        let plain = field("");
        assert!(Arrival::distinct([&plain].into_iter()).is_empty());
        assert!(plain.is_about(&Arrival::Call));
        let event = field(r#","trigger":"event:paid""#);
        assert_eq!(Arrival::distinct([&plain, &event].into_iter()).len(), 6);
        assert!(event.is_about(&arrival("event:paid")) && !event.is_about(&Arrival::Event(None)));
        // A name that cannot be read is about nothing; the manifest with it is refused.
        assert!(!field(r#","trigger":"queue""#).is_about(&Arrival::Http));
    }
}
