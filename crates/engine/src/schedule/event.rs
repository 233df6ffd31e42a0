//! What a function is given when a time of its schedule comes: a CloudEvent 1.0 in HTTP's binary
//! mode, or what AWS Lambda's functions get from EventBridge.

use crate::function::Function;
use bytes::Bytes;
use model::manifest::{Contract, ScheduleSpec};
use model::wire::queued::Cause;
use model::{InvocationId, Timestamp};
use ports::queue::TriggerRef;
use serde_json::json;

/// The type of the event.
const TYPE: &str = "dev.casemate.schedule.tick";
/// The account and the region that Lambda's functions are told.
const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";

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

/// Whether the function gets an event and no request: one of AWS Lambda's, or a Worker, which has a
/// handler for that alone.
pub(crate) fn is_event(function: &Function) -> bool {
    matches!(contract(function), Some(Contract::Lambda | Contract::Workers))
}

fn contract(function: &Function) -> Option<Contract> {
    function.row.spec.native.as_ref().map(|native| native.contract)
}

/// The body as the function expects it. As with EventBridge, data that the schedule names stands in
/// the place of the event.
pub(crate) fn shape(
    function: &Function,
    cause: Option<&Cause>,
    id: InvocationId,
    body: Bytes,
) -> Bytes {
    let Some(Cause::Schedule { name, planned }) = cause else { return body };
    if contract(function) != Some(Contract::Lambda) || !body.is_empty() {
        return body;
    }
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
    Bytes::from(event.to_string())
}

/// RFC 3339 in whole seconds.
fn seconds(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_second(time.0.div_euclid(1_000_000)).unwrap_or_default();
    time.to_string()
}
