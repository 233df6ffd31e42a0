//! What calls functions with events, and how often it did.

use crate::function::Function;
use crate::publish::KIND;
use crate::wiring::Engine;
use model::api::{EventTriggerInfo, EventTriggers};
use model::wire::v1::{Record, Trigger};
use model::{Problem, Scope, Timestamp, TriggerName};
use ports::journal::RecordQuery;
use std::collections::BTreeMap;

impl Engine {
    /// The event triggers and webhooks of a scope, with the calls that began at `since` or later.
    /// Reads all records from then on.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn event_triggers(
        &self,
        scope: &Scope,
        since: Timestamp,
    ) -> Result<EventTriggers, Problem> {
        let mut found: BTreeMap<TriggerName, EventTriggerInfo> = {
            let catalog = self.catalog.load();
            let view = catalog.view(scope).into_iter();
            let functions = view.flat_map(|view| view.functions.values());
            functions.flat_map(|it| shown(it)).map(|it| (it.name.clone(), it)).collect()
        };
        if !found.is_empty() {
            let query =
                RecordQuery { scope: scope.clone(), since: Some(since), ..RecordQuery::default() };
            self.each_record(query, |record| count(&mut found, record)).await?;
        }
        let partial = self.is_partial(since);
        Ok(EventTriggers { items: found.into_values().collect(), partial })
    }
}

fn shown(function: &Function) -> impl Iterator<Item = EventTriggerInfo> {
    let one = |name: &TriggerName, kind: &str, wants: String| {
        let denial = function.admits(name, KIND).err();
        EventTriggerInfo {
            name: name.clone(),
            kind: kind.to_owned(),
            application: function.row.application.clone(),
            function: function.row.function.name.clone(),
            wants,
            state: if denial.is_some() { "not granted" } else { "granted" }.to_owned(),
            came: 0,
            last: None,
            invocation: None,
            outcome: None,
            grant: denial.and_then(|denial| denial.hint.as_deref().map(str::to_owned)),
        }
    };
    let spec = &function.row.spec;
    let on = spec.on.iter().map(move |it| one(&it.name, "event", it.wanted()));
    let webhooks = spec.webhooks.iter();
    on.chain(webhooks.map(move |it| one(&it.name, "webhook", it.kind.word().to_owned())))
}

/// Counts a record, of which newer ones come first.
fn count(found: &mut BTreeMap<TriggerName, EventTriggerInfo>, record: &Record) {
    let Trigger::Event { name, attempt, .. } = &record.start.trigger else { return };
    let Some(row) = found.get_mut(name) else { return };
    row.came += u64::from(*attempt == 1);
    if row.last.is_none() {
        row.last = Some(record.start.start_us.to_string());
        row.invocation = Some(record.start.id);
        row.outcome = Some(record.outcome.word().to_owned());
    }
}
