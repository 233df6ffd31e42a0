//! Batches: messages of the queue that a function is called with at once.
//!
//! What may go together is said where a message is put (its lot), and looked at again when it runs:
//! by then a manifest may say something else. Messages of one lot have one caller and are asked for
//! in one way, so one call can stand for all of them.

mod form;

pub(crate) use form::{Piece, Said, gathered};

use crate::function::Function;
use crate::publish::takes_documents;
use crate::wiring::Engine;
use model::manifest::{Contract, EventShape, EventTrigger, FunctionSpec};
use model::unit::Duration;
use model::wire::queued::{Call, Cause};
use model::wire::v1::Caller;
use model::{CloudEvent, FunctionRef, TriggerName};
use ports::queue::{Leased, Lot};
use std::sync::Arc;

/// Most bytes of a batch, as those of an invocation of AWS Lambda.
const BYTES_MAX: u64 = 6 << 20;
/// The attribute of an event of a batch that says which message it is.
pub(crate) const MESSAGE: &str = "casematemessage";

/// How a function gets messages that go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batching {
    /// The trigger; none for asynchronous calls.
    pub(crate) name: Option<TriggerName>,
    /// Most messages.
    pub(crate) most: usize,
    pub(crate) form: Form,
}

impl Batching {
    /// What the queue of a function's messages is called.
    pub(crate) fn queue<'a>(&'a self, function: &'a FunctionRef) -> &'a str {
        self.name.as_ref().map_or(function.name.as_str(), |name| name.as_str())
    }
}

/// Whether a function is called with batches as with events, and not with requests.
pub(crate) fn is_event(spec: &FunctionSpec) -> bool {
    let worker = spec.native.as_ref().is_some_and(|it| it.contract == Contract::Workers);
    worker || takes_documents(spec)
}

/// The shapes of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// CloudEvents, as a request.
    Events,
    /// What AWS Lambda makes of messages of SQS, and of what each of them says.
    Sqs(EventShape),
    /// What our module in a Worker makes a `MessageBatch` of.
    Queue,
}

impl Engine {
    /// What an event of a trigger is gathered with.
    pub(crate) fn lot_of_event(&self, function: &Function, trigger: &EventTrigger) -> Option<Lot> {
        let text = format!("lot\n{}\nevent\n{}", function.reference(), trigger.name);
        let key = (self.parts.digest)(text.as_bytes());
        lot(function, key, trigger.batch?, trigger.batch_window)
    }

    /// What an asynchronous call is gathered with: those that differ in fields and bodies only, and
    /// in where they came from.
    pub(crate) fn lot_of_call(&self, function: &Function, call: &Call) -> Option<Lot> {
        let later = function.row.spec.later.as_deref()?;
        let most = later.batch?;
        let said = common(call).encode(b"").ok()?;
        let text = format!("lot\n{}\ncall\n", function.reference());
        let key = (self.parts.digest)(&[text.as_bytes(), &said].concat());
        lot(function, key, most, later.batch_window)
    }

    /// How the message is done with others, by what its function says now. Nothing if alone.
    pub(crate) fn batching(&self, leased: &Leased) -> Option<Batching> {
        let version = Call::version_in(&leased.payload);
        let catalog = self.catalog.load();
        let view = catalog.view(&leased.function.scope)?;
        let function = view.function(&leased.function.name, version)?;
        batching(function, &leased.payload)
    }
}

fn batching(function: &Arc<Function>, payload: &[u8]) -> Option<Batching> {
    let spec = &function.row.spec;
    let calls = spec.later.as_deref().and_then(|later| later.batch);
    if calls.is_none() && spec.on.iter().all(|trigger| trigger.batch.is_none()) {
        return None;
    }
    let (call, _body) = Call::decode(payload).ok()?;
    let (name, most, shape) = match &call.cause {
        // What tells of the end of a call comes as the function that was called.
        Some(Cause::Event { name, .. }) if matches!(call.caller, Caller::Trigger(_)) => {
            let trigger = spec.on.iter().find(|trigger| trigger.name == *name)?;
            (Some(name.clone()), trigger.batch?, trigger.shape)
        }
        Some(_) => return None,
        None => (None, calls?, EventShape::default()),
    };
    let form = match spec.native.as_ref().map(|native| native.contract) {
        Some(Contract::Lambda) => Form::Sqs(shape),
        Some(Contract::Workers) => Form::Queue,
        // Deployments of these with a batch are refused.
        _ if takes_documents(spec) => return None,
        _ => Form::Events,
    };
    Some(Batching { name, most: usize::from(most), form })
}

/// What messages of one lot have in common. Who published an event, and the address that a call came
/// from, may differ; what each of them may is asked for each of them.
pub(crate) fn common(call: &Call) -> Call {
    Call { headers: Vec::new(), source: None, cause: None, ..call.clone() }
}

fn lot(function: &Function, key: [u8; 16], most: u16, window: Option<Duration>) -> Option<Lot> {
    let window_us = window.map_or(0, |it| i64::try_from(it.ms * 1000).unwrap_or(i64::MAX));
    Some(Lot { key, most, bytes: most_bytes(function), window_us })
}

/// Most bytes that a function is called with at once.
pub(crate) fn most_bytes(function: &Function) -> u64 {
    function.unit.limits.request_body_bytes.min(BYTES_MAX)
}

/// The event with the message's id in it, whoever else said one.
fn numbered(event: &CloudEvent, id: &str) -> Result<String, model::event::Error> {
    if event.get(MESSAGE).is_some() {
        return Ok(event.clone().with(MESSAGE, id.to_owned())?.to_json());
    }
    // Beside the limits of what publishers may say.
    let text = event.to_json();
    let rest = text.strip_prefix('{').unwrap_or_default();
    Ok(format!("{{\"{MESSAGE}\":\"{id}\",{rest}"))
}
