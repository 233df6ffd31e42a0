//! What holds for the calls of a function that wait, and where their end is told: its destinations.
//!
//! What tells of an end is put in the transaction that settles the call, so no crash can lose it or
//! double it. It is sent by the function, and needs a grant of the function's own. It is one deeper
//! in the tree of calls, so a circle comes to an end.

use crate::data;
use crate::function::Function;
use crate::invoke::Landed;
use crate::publish::{Publisher, labelled, labels_in};
use crate::reply::Seen;
use crate::wiring::Engine;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use model::event::STRUCTURED;
use model::manifest::{AsyncSpec, Told};
use model::wire::queued::{self, Call};
use model::wire::v1::Caller;
use model::{
    ApplicationName, Claims, CloudEvent, Code, FunctionName, InvocationId, Labels, Problem,
    Timestamp, TriggerName,
};
use policy::{Asker, DESTINATION, Denial, InvokeAsk};
use ports::queue::{Leased, Message, Settled};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The types of the events, and the triggers that their calls are of.
const SUCCEEDED: (&str, &str) = ("dev.casemate.invocation.succeeded", "on-success");
const FAILED: (&str, &str) = ("dev.casemate.invocation.failed", "on-failure");
/// The attribute that says which classes of data an event is known to contain.
const LABELS_FIELD: &str = "ce-dataclassification";

/// What holds for a call that waits.
pub(super) struct Terms {
    /// How often it is tried.
    pub(super) attempts: u32,
    /// How old it becomes, in microseconds.
    pub(super) age_us: Option<i64>,
    function: Option<Arc<Function>>,
}

impl Terms {
    fn spec(&self) -> Option<&AsyncSpec> {
        self.function.as_ref()?.row.spec.later.as_deref()
    }

    /// Whether somebody is told what the function answers.
    pub(super) fn tells(&self) -> bool {
        self.spec().is_some_and(|spec| spec.told().next().is_some())
    }
}

/// Why a call came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It was done.
    Done,
    /// Its last attempt failed.
    Attempts,
    /// It waited for too long.
    Age,
    /// It may not run, or does not fit.
    Refused,
}

impl Cause {
    pub(super) const fn of(landed: &Landed) -> Self {
        match landed {
            Landed::Done | Landed::NoRoom | Landed::NotYet | Landed::Capped(_) => Self::Done,
            Landed::Failed(_) => Self::Attempts,
            Landed::TooOld => Self::Age,
            Landed::Hopeless(_) => Self::Refused,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Attempts => "attempts",
            Self::Age => "age",
            Self::Refused => "refused",
        }
    }
}

/// The end of a call.
struct End<'a> {
    leased: &'a Leased,
    function: &'a Arc<Function>,
    cause: Cause,
    error: Option<&'a str>,
    seen: Option<Seen>,
    now: Timestamp,
}

/// Where in the tree of calls what tells of an end is.
struct Below {
    root: InvocationId,
    depth: u16,
}

impl Engine {
    /// What holds for a call: what is said beside its function, in its manifest, or of the node.
    pub(super) fn terms(&self, leased: &Leased) -> Terms {
        let version = Call::version_in(&leased.payload);
        let function = {
            let catalog = self.catalog.load();
            let view = catalog.view(&leased.function.scope);
            view.and_then(|view| view.function(&leased.function.name, version)).cloned()
        };
        let beside = self.later(&leased.function, version);
        let spec = function.as_ref().and_then(|function| function.row.spec.later.as_deref());
        let retries = beside.and_then(|it| it.retries).or_else(|| spec?.retries);
        let attempts = retries.map_or(self.config.queue.attempts, |it| it.saturating_add(1));
        let own_ms = || spec?.max_age.map(|age| i64::try_from(age.ms).unwrap_or(i64::MAX));
        let age_ms = beside.and_then(|it| it.age_s).map(|age_s| i64::from(age_s) * 1000);
        let age_us = age_ms.or_else(own_ms).map(|age_ms| age_ms.saturating_mul(1000));
        Terms { attempts, age_us, function }
    }

    /// What tells of the end of a call, if it came to one and somebody is to be told.
    pub(super) fn then(
        &self,
        leased: &Leased,
        terms: &Terms,
        how: &Settled,
        cause: Cause,
        seen: Option<Seen>,
    ) -> Vec<Message> {
        let (Some(function), Some(spec)) = (&terms.function, terms.spec()) else {
            return Vec::new();
        };
        let (told, error) = match how {
            Settled::Done => (&spec.on_success, None),
            Settled::Dead { error } => (&spec.on_failure, Some(error.as_str())),
            Settled::Retry { .. } | Settled::Release { .. } => return Vec::new(),
        };
        let Some(told) = told else { return Vec::new() };
        let now = self.parts.clock.wall();
        let end = End { leased, function, cause, error, seen, now };
        self.telling(&end, told).unwrap_or_else(|problem| {
            let (id, code) = (leased.claim.id, problem.code);
            let why = problem.internal.as_deref().unwrap_or_default();
            let hint = problem.hint.as_deref().unwrap_or_default();
            tracing::error!(%id, function = %leased.function, why, hint, "{code}: {}", code.title());
            Vec::new()
        })
    }

    fn telling(&self, end: &End<'_>, told: &Told) -> Result<Vec<Message>, Problem> {
        let unreadable = |error| Problem::new(Code::QueueDamaged).internal(error);
        let (call, _body) = Call::decode(&end.leased.payload).map_err(unreadable)?;
        let below = self.below(&call, end.leased.claim.id)?;
        let event = labelled(end.event()?, &end.labels(&call))?;
        match told {
            Told::Invoke(name) => Ok(vec![self.to_function(end, name, &event, &below)?]),
            Told::Publish(application) => self.to_application(end, application, event, &below),
        }
    }

    /// One deeper than the call that came to its end, as far as the budget goes.
    fn below(&self, call: &Call, id: InvocationId) -> Result<Below, Problem> {
        let (root, depth) = match &call.cause {
            Some(queued::Cause::Event { from: Some((_, root)), depth, .. }) => (*root, *depth),
            _ => (id, 0),
        };
        let depth = depth.saturating_add(1);
        if depth > self.config.host.budget.depth {
            return Err(Problem::new(Code::ToldLoop).internal(format!("depth {depth}")));
        }
        Ok(Below { root, depth })
    }

    fn to_function(
        &self,
        end: &End<'_>,
        name: &FunctionName,
        event: &CloudEvent,
        below: &Below,
    ) -> Result<Message, Problem> {
        let own = end.function.reference();
        let catalog = self.catalog.load();
        let found = catalog.view(&own.scope).and_then(|view| view.functions.get(name));
        let missing = || denied(&Denial::of(Code::Denied), &format!("`{name}` is not there"));
        let target = found.filter(|it| it.shelf.is_none()).ok_or_else(missing)?;
        let ask = InvokeAsk {
            principal: Asker::Function(&own.name),
            function: target.reference(),
            source: None,
            method: "POST",
            route: "",
            trigger: DESTINATION,
            claims: Claims::NONE,
        };
        let permit = target.policies.decide_invoke(&ask);
        let permit = permit.map_err(|it| denied(&it, &it.to_string()))?;
        let later = target.policies.decide_async(&ask, &permit);
        let _later = later.map_err(|it| denied(&it, &it.to_string()))?;
        let mut headers = vec![("content-type".to_owned(), STRUCTURED.as_bytes().to_vec())];
        let labels = event.get("dataclassification");
        headers.extend(labels.map(|it| (LABELS_FIELD.to_owned(), it.as_bytes().to_vec())));
        let publisher = Caller::Function(own.name.clone());
        let call = Call {
            caller: publisher.clone(),
            claims: Vec::new(),
            passed: None,
            source: None,
            route: String::new(),
            method: "POST".to_owned(),
            target: "/".to_owned(),
            headers,
            version: None,
            cause: Some(queued::Cause::Event {
                name: TriggerName::parse(end.words().1).map_err(internal)?,
                publisher,
                from: Some((end.leased.claim.id, below.root)),
                depth: below.depth,
            }),
        };
        let payload = call.encode(event.to_json().as_bytes()).map_err(internal)?;
        let id = InvocationId::from_parts(end.now.0, fastrand::u64(..).to_ne_bytes());
        let due = crate::publish::due(target, end.now);
        let function = target.reference().as_ref().clone();
        Ok(Message {
            id,
            function,
            payload: payload.into(),
            queued: due,
            due,
            order: None,
            lot: None,
        })
    }

    fn to_application(
        &self,
        end: &End<'_>,
        application: &ApplicationName,
        event: CloudEvent,
        below: &Below,
    ) -> Result<Vec<Message>, Problem> {
        let own = end.function.reference();
        let caller = Caller::Function(own.name.clone());
        let publisher = Publisher {
            caller: &caller,
            source: None,
            claims: Claims::NONE,
            from: Some((end.leased.claim.id, below.root)),
            depth: below.depth,
        };
        let catalog = self.catalog.load();
        let Some(view) = catalog.view(&own.scope) else { return Ok(Vec::new()) };
        let (place, events) = ((&own.scope, application), [event]);
        let permits = self.may_publish(place, view, &publisher, &events);
        let permits = permits.map_err(|it| denied(&it, &it.to_string()))?;
        let planned = self.planned(place, view, &publisher, &events, &permits)?;
        Ok(planned.into_messages())
    }
}

fn denied(denial: &Denial, why: &str) -> Problem {
    let problem = Problem::new(Code::ToldDenied).internal(why);
    Problem { hint: denial.hint.as_deref().map(str::to_owned), ..problem }
}

fn internal(error: impl std::fmt::Display) -> Problem {
    Problem::new(Code::Internal).internal(error)
}

impl End<'_> {
    /// The event's type and the trigger's name.
    const fn words(&self) -> (&'static str, &'static str) {
        if matches!(self.cause, Cause::Done) { SUCCEEDED } else { FAILED }
    }

    /// What is known of the request, and of all that the function saw while it answered.
    fn labels(&self, call: &Call) -> Labels {
        let mut labels = data::labels_kept(&call.headers);
        let mut fields = http::HeaderMap::new();
        let said = call.headers.iter().filter(|(name, _)| name == LABELS_FIELD);
        for value in said.filter_map(|(_, value)| http::HeaderValue::from_bytes(value).ok()) {
            fields.insert(LABELS_FIELD, value);
        }
        labels.join(&labels_in(&fields));
        if let Some(seen) = &self.seen {
            labels.join(&seen.labels);
        }
        labels
    }

    /// The event, in as many words as always: nothing of the request is in it but its id.
    fn event(&self) -> Result<CloudEvent, Problem> {
        let function = self.function.reference();
        let (scope, id) = (&function.scope, self.leased.claim.id);
        let source = format!(
            "/tenants/{}/environments/{}/functions/{}",
            scope.tenant, scope.environment, function.name
        );
        // A call that is tried again after its end comes to another one.
        let own = InvocationId::from_parts(self.now.0, fastrand::u64(..).to_ne_bytes());
        let attributes = [
            ("id", own.to_string()),
            ("source", source),
            ("type", self.words().0.to_owned()),
            ("subject", id.to_string()),
            ("time", self.now.to_string()),
            ("datacontenttype", "application/json".to_owned()),
        ];
        let attributes: BTreeMap<String, String> =
            attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        CloudEvent::new(attributes, self.data().to_string().into_bytes()).map_err(internal)
    }

    /// How often it was tried: what is too old was not, this time.
    fn attempts(&self) -> u32 {
        self.leased.attempt.saturating_sub(u32::from(self.cause == Cause::Age))
    }

    fn data(&self) -> serde_json::Value {
        let mut data = json!({
            "invocation": self.leased.claim.id,
            "function": self.function.reference().name,
            "cause": self.cause.word(),
            "attempts": self.attempts(),
        });
        let Some(fields) = data.as_object_mut() else { return data };
        if let Some(error) = self.error {
            fields.insert("error".to_owned(), error.into());
        }
        if let Some(seen) = &self.seen {
            fields.insert("reply".to_owned(), reply(seen));
        }
        data
    }
}

fn reply(seen: &Seen) -> serde_json::Value {
    let mut reply = json!({ "status": seen.status, "bytes": seen.bytes });
    let Some(fields) = reply.as_object_mut() else { return reply };
    if let Some(kind) = &seen.kind {
        fields.insert("content_type".to_owned(), kind.as_str().into());
    }
    if let Some(body) = &seen.body {
        match std::str::from_utf8(body) {
            Ok(text) => fields.insert("body".to_owned(), text.into()),
            Err(_) => fields.insert("body_base64".to_owned(), BASE64_STANDARD.encode(body).into()),
        };
    }
    reply
}
