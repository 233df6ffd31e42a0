//! What a function is given when a time of its schedule comes: a CloudEvent 1.0 in HTTP's binary
//! mode, what AWS Lambda's functions get from EventBridge, or a timer of Azure's.

use crate::function::Function;
use bytes::Bytes;
use model::manifest::{Contract, ScheduleSpec};
use model::wire::queued::Cause;
use model::{InvocationId, Timestamp, TriggerName};
use ports::queue::TriggerRef;
use render::azure::trigger::{self, Tick};
use render::event::{ACCOUNT, REGION};
use serde_json::json;

/// The type of the event.
const TYPE: &str = "dev.casemate.schedule.tick";
/// How late a time may run and still be in time, for who is told of that: as late as it may be looked at.
const GRACE_MS: u64 = 60_000;

/// The event's attributes, as header fields. `spec` is the schedule's.
pub(super) fn headers(
    trigger: &TriggerRef,
    planned: Timestamp,
    id: &str,
    spec: &ScheduleSpec,
) -> Vec<(String, Vec<u8>)> {
    let scope = &trigger.scope;
    let source = format!(
        "/tenants/{}/environments/{}/schedules/{}",
        scope.tenant, scope.environment, trigger.name
    );
    let mut fields = vec![
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", id.to_owned()),
        ("ce-source", source),
        ("ce-type", TYPE.to_owned()),
        ("ce-time", planned.to_string()),
    ];
    // An extension of ours: Workers are told which of their times it is by that.
    if let Some(cron) = &spec.cron {
        fields.push(("ce-cron", cron.clone()));
    }
    if spec.data.is_some() {
        fields.push(("content-type", "application/json".to_owned()));
    }
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect()
}

/// Whether the function gets an event and no request: one of AWS Lambda's or Azure's, or a Worker,
/// which has a handler for that alone.
pub(crate) fn is_event(function: &Function) -> bool {
    matches!(contract(function), Some(Contract::Lambda | Contract::Workers | Contract::Azure))
}

fn contract(function: &Function) -> Option<Contract> {
    function.row.spec.native.as_ref().map(|native| native.contract)
}

/// The body as the function expects it, with its content type if that is another one than the call's. As
/// with EventBridge, data that the schedule names stands in the place of the event.
pub(crate) fn shape(
    function: &Function,
    cause: Option<&Cause>,
    id: InvocationId,
    now: Timestamp,
    body: Bytes,
) -> (Option<&'static str>, Bytes) {
    let Some(Cause::Schedule { name, planned }) = cause else { return (None, body) };
    match contract(function) {
        Some(Contract::Lambda) if body.is_empty() => {
            let event = json!({
                "version": "0",
                "id": id,
                "detail-type": "Scheduled Event",
                "source": "aws.events",
                "account": ACCOUNT,
                "time": seconds(*planned),
                "region": REGION,
                "resources": [format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}")],
                "detail": {},
            });
            (None, Bytes::from(event.to_string()))
        }
        Some(Contract::Azure) if body.is_empty() => {
            let timer = trigger::timer(&tick(function, name, *planned, now));
            (Some(trigger::KIND), Bytes::from(timer.to_json()))
        }
        _ => (None, body),
    }
}

/// What a timer is told of a time.
fn tick(function: &Function, name: &TriggerName, planned: Timestamp, now: Timestamp) -> Tick {
    let schedule = function.schedules.iter().find(|schedule| schedule.spec.name == *name);
    // Of a run between two times, which an operator asked for, the next one is still to come.
    let before = planned.plus_us(-1);
    let jitter = schedule.and_then(|it| it.spec.jitter).map_or(0, |jitter| jitter.ms);
    let grace_us = i64::try_from((GRACE_MS + jitter).saturating_mul(1000)).unwrap_or(i64::MAX);
    Tick {
        last: schedule.and_then(|it| it.rhythm.between(Timestamp(0), before, 1).pop()),
        next: schedule.and_then(|it| it.rhythm.next(before)),
        late: now > planned.plus_us(grace_us),
    }
}

/// RFC 3339 in whole seconds.
fn seconds(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_second(time.0.div_euclid(1_000_000)).unwrap_or_default();
    time.to_string()
}
