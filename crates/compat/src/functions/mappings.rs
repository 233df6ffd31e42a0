//! Event-source mappings: event triggers with batches, in AWS's words.
//!
//! The queue of an ARN is a trigger: its function is called with the events that are published to the
//! function's application, as messages of SQS. A mapping of a function that was made here is written
//! into its revision; those of others are shown as their manifests have them.

mod pattern;

use super::Doing;
use super::facts::{Facts, Mapping};
use super::shown::uuid;
use super::target::Target;
use super::wanted::Wanted;
use crate::arn::{self, Named};
use crate::fault::Fault;
use crate::route::parameter;
use crate::{ACCOUNT, LATEST};
use model::manifest::{BATCH_MAX, Contract, EventShape, EventTrigger, FunctionSpec};
use model::unit::Duration;
use model::{Action, FunctionRow, Grant, Principal, TriggerName};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Messages at a time of which nobody said how many, as on AWS.
const BATCH_DEFAULT: u16 = 10;
/// Most that AWS takes.
const AWS_BATCH_MAX: u64 = 10_000;
/// Longest time that a message waits for others, in seconds.
const WINDOW_MAX_S: u64 = 300;
/// Mappings in a list.
const LIST_MAX: usize = 10_000;
/// The only thing that a function can say of a batch.
const REPORT: &str = "ReportBatchItemFailures";

/// A mapping, and the function that it is of.
struct Found {
    row: FunctionRow,
    queue: TriggerName,
    mapping: Mapping,
}

impl Doing<'_> {
    pub(super) async fn create_mapping(&self, body: &[u8]) -> Result<Value, Fault> {
        let mut wanted = Wanted::read(body)?;
        let function = wanted.text("FunctionName")?;
        let function = function
            .ok_or_else(|| Fault::constraint("null", "functionName", "Member must not be null"))?;
        let Some(queue) = wanted.text("EventSourceArn")? else {
            // A source without an ARN is named by something else.
            wanted.done()?;
            return Err(Fault::invalid(
                "Unrecognized event source: name a queue as EventSourceArn.",
            ));
        };
        let queue = self.queue(&queue)?;
        let (target, mut facts) = self.mapped(&function)?;
        if facts.mappings.contains_key(queue.as_str()) {
            let message = format!(
                "An event source mapping with SQS arn (\" {} \") and function (\" {} \") already exists. Please update or delete the existing mapping with UUID {}",
                self.queue_arn(&queue),
                target.name(),
                self.id(&target.row, &queue),
            );
            return Err(Fault::new(409, "ResourceConflictException", message));
        }
        let mut mapping = Mapping { enabled: true, batch: BATCH_DEFAULT, ..Mapping::default() };
        apply(&mut wanted, &mut mapping)?;
        wanted.done()?;
        self.put_mapping(target.row, &mut facts, queue, Some(mapping)).await
    }

    pub(super) fn get_mapping(&self, id: &str) -> Result<Value, Fault> {
        let found = self.mapping(id)?;
        Ok(self.shown_mapping(&found, None))
    }

    pub(super) fn list_mappings(&self) -> Result<Value, Fault> {
        let given = |name| parameter(self.query, name).filter(|text| !text.is_empty());
        let function = given("FunctionName").map(|text| Named::read(&text, None)).transpose()?;
        let queue = given("EventSourceArn").map(|text| self.queue(&text)).transpose()?;
        let is_it = |found: &Found| {
            function.as_ref().is_none_or(|it| it.name == found.row.function.name.as_str())
                && queue.as_ref().is_none_or(|it| *it == found.queue)
        };
        let all = self.all_mappings().into_iter().filter(is_it);
        let all = all.map(|it| (self.id(&it.row, &it.queue), self.shown_mapping(&it, None)));
        self.page("EventSourceMappings", &all.collect::<Vec<_>>(), LIST_MAX)
    }

    pub(super) async fn update_mapping(&self, id: &str, body: &[u8]) -> Result<Value, Fault> {
        let Found { row, queue, mut mapping } = self.mapping(id)?;
        let (target, mut facts) = self.mapped(row.function.name.as_str())?;
        let mut wanted = Wanted::read(body)?;
        let function = wanted.text("FunctionName")?.filter(|text| !text.is_empty());
        let function = function.map(|text| Named::read(&text, None)).transpose()?;
        if function.is_some_and(|it| it.name != row.function.name.as_str()) {
            return Err(Fault::invalid(
                "This node's mappings stay with their function: make one of the other function.",
            ));
        }
        apply(&mut wanted, &mut mapping)?;
        wanted.done()?;
        self.put_mapping(target.row, &mut facts, queue, Some(mapping)).await
    }

    pub(super) async fn delete_mapping(&self, id: &str) -> Result<Value, Fault> {
        let Found { row, queue, .. } = self.mapping(id)?;
        let (target, mut facts) = self.mapped(row.function.name.as_str())?;
        self.put_mapping(target.row, &mut facts, queue, None).await
    }

    /// A function that was made here, as a whole: triggers call what is active.
    fn mapped(&self, function: &str) -> Result<(Target, Facts), Fault> {
        let (target, facts) = self.ours(function)?;
        match target.qualifier.as_deref() {
            None | Some(LATEST) => Ok((target, facts)),
            Some(_) => Err(Fault::invalid(
                "This node's mappings call what is active: name the function without a version or an alias.",
            )),
        }
    }

    /// Deploys the function with its mapping, and gives what that is then; without one, with none.
    async fn put_mapping(
        &self,
        row: FunctionRow,
        facts: &mut Facts,
        queue: TriggerName,
        mapping: Option<Mapping>,
    ) -> Result<Value, Fault> {
        let mut spec = row.spec.clone();
        spec.on.retain(|trigger| trigger.name != queue);
        let (state, mapping) = match mapping {
            Some(mapping) => {
                let mapping = Mapping { modified: self.engine.now(), ..mapping };
                facts.mappings.insert(queue.to_string(), mapping.clone());
                (None, mapping)
            }
            None => (Some("Deleting"), facts.mappings.remove(queue.as_str()).unwrap_or_default()),
        };
        let mut grants = Vec::new();
        if state.is_none() && mapping.enabled {
            spec.on.push(trigger(&queue, &mapping)?);
            let action = Action::Invoke { function: row.function.name.clone() };
            grants.push(Grant { who: Principal::Trigger(queue.clone()), action });
        }
        self.deploy(spec, facts.clone(), row.deployment, grants).await?;
        Ok(self.shown_mapping(&Found { row, queue, mapping }, state))
    }

    /// All that there are.
    fn all_mappings(&self) -> Vec<Found> {
        let all = self.engine.functions(&self.signer.scope);
        let rows = all.into_iter().filter_map(|it| self.row(&it.name));
        rows.flat_map(|row| {
            let own = mappings(&row.spec);
            own.into_iter().map(move |(queue, mapping)| Found { row: row.clone(), queue, mapping })
        })
        .collect()
    }

    fn mapping(&self, id: &str) -> Result<Found, Fault> {
        let mut all = self.all_mappings().into_iter();
        let found = all.find(|it| self.id(&it.row, &it.queue) == id);
        found.ok_or_else(|| Fault::not_found("The resource you requested does not exist."))
    }

    /// Its UUID: the same as long as the function and the queue have their names.
    fn id(&self, row: &FunctionRow, queue: &TriggerName) -> String {
        let text = format!("event-source-mapping\n{}\n{queue}", row.function);
        uuid(&engine::sha256(text.as_bytes()))
    }

    fn queue_arn(&self, queue: &TriggerName) -> String {
        format!("arn:aws:sqs:{}:{ACCOUNT}:{queue}", self.signer.region)
    }

    /// The trigger that an ARN of a queue means.
    fn queue(&self, arn: &str) -> Result<TriggerName, Fault> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, service, region, account, name] = parts.as_slice() else {
            let why = "Member must satisfy regular expression pattern: arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}(-gov)?(-iso([a-z])?)?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)";
            return Err(Fault::constraint(arn, "eventSourceArn", why));
        };
        if *service != "sqs" {
            let service: String = service.chars().take(40).collect();
            return Err(Fault::invalid(format!(
                "This node has no event sources of {service}: the ARN of a queue names a trigger, and what is elsewhere is a source in the node's configuration."
            )));
        }
        if *region != self.signer.region || *account != ACCOUNT {
            return Err(Fault::invalid(format!(
                "Queues are here as arn:aws:sqs:{}:{ACCOUNT}:NAME; others cannot be reached.",
                self.signer.region
            )));
        }
        TriggerName::parse(name).map_err(|error| {
            Fault::invalid(format!("This node has no queues of such names: {error}"))
        })
    }

    fn shown_mapping(&self, found: &Found, state: Option<&str>) -> Value {
        let Found { row, queue, mapping } = found;
        let id = self.id(row, queue);
        let region = &self.signer.region;
        let own = if mapping.enabled { "Enabled" } else { "Disabled" };
        let mut said = json!({
            "UUID": id,
            "EventSourceMappingArn":
                format!("arn:aws:lambda:{region}:{ACCOUNT}:event-source-mapping:{id}"),
            "EventSourceArn": self.queue_arn(queue),
            "FunctionArn": arn::arn(region, row.function.name.as_str()),
            "BatchSize": mapping.batch,
            "MaximumBatchingWindowInSeconds": mapping.window_s,
            "FunctionResponseTypes": if mapping.report { vec![REPORT] } else { Vec::new() },
            "State": state.unwrap_or(own),
            "StateTransitionReason": "USER_INITIATED",
            "LastModified": mapping.modified.0 / 1_000_000,
        });
        if let (Some(members), false) = (said.as_object_mut(), mapping.patterns.is_empty()) {
            let filters = mapping.patterns.iter().map(|text| json!({ "Pattern": text }));
            let filters: Vec<Value> = filters.collect();
            members.insert("FilterCriteria".to_owned(), json!({ "Filters": filters }));
        }
        said
    }
}

/// The mappings of a function: as it was made with, or as its manifest has triggers with batches.
fn mappings(spec: &FunctionSpec) -> BTreeMap<TriggerName, Mapping> {
    if let Some(facts) = Facts::of(spec) {
        let named = |(name, mapping): (String, Mapping)| {
            TriggerName::parse(&name).ok().map(|name| (name, mapping))
        };
        return facts.mappings.into_iter().filter_map(named).collect();
    }
    if spec.native.as_ref().is_none_or(|native| native.contract != Contract::Lambda) {
        return BTreeMap::new();
    }
    let shown = |trigger: &EventTrigger| {
        let window_s = trigger.batch_window.map_or(0, |window| window.ms.div_ceil(1000));
        let batch = trigger.batch?;
        let mapping =
            Mapping { enabled: true, batch, window_s, report: true, ..Mapping::default() };
        Some((trigger.name.clone(), mapping))
    };
    spec.on.iter().filter_map(shown).collect()
}

/// What a request says of a mapping.
fn apply(wanted: &mut Wanted, mapping: &mut Mapping) -> Result<(), Fault> {
    if wanted.has("Enabled") {
        mapping.enabled = wanted.flag("Enabled")?;
    }
    if let Some(size) = wanted.number("BatchSize", 1, AWS_BATCH_MAX)? {
        let size = u16::try_from(size).ok().filter(|size| *size <= BATCH_MAX);
        mapping.batch = size.ok_or_else(|| {
            Fault::invalid(format!("This node's batches have at most {BATCH_MAX} messages."))
        })?;
    }
    if let Some(window) = wanted.number("MaximumBatchingWindowInSeconds", 0, WINDOW_MAX_S)? {
        mapping.window_s = window;
    }
    if let Some(types) = wanted.list("FunctionResponseTypes")? {
        if let Some(other) = types.iter().find(|it| *it != REPORT) {
            let why = "Member must satisfy enum value set: [ReportBatchItemFailures]";
            return Err(Fault::constraint(other, "functionResponseTypes", why));
        }
        mapping.report = !types.is_empty();
    }
    if let Some(mut scaling) = wanted.part("ScalingConfig")? {
        if scaling.number("MaximumConcurrency", 2, 1000)?.is_some() {
            return Err(Fault::invalid(
                "This node has no ScalingConfig.MaximumConcurrency: PutFunctionConcurrency limits the function.",
            ));
        }
        scaling.done()?;
    }
    if let Some(criteria) = wanted.part("FilterCriteria")? {
        mapping.patterns = pattern::texts(criteria)?;
    }
    Ok(())
}

/// The trigger of a mapping.
fn trigger(queue: &TriggerName, mapping: &Mapping) -> Result<EventTrigger, Fault> {
    Ok(EventTrigger {
        name: queue.clone(),
        kind: None,
        source: None,
        subject: None,
        filter: pattern::filters(&mapping.patterns)?,
        ordered_by: None,
        batch: Some(mapping.batch),
        batch_window: (mapping.window_s > 0).then(|| Duration::seconds(mapping.window_s)),
        shape: EventShape::default(),
    })
}
