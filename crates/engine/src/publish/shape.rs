//! An event in the shape that its function expects: a request in HTTP's binary mode, or a document.

use crate::batch::Said;
use crate::function::Function;
use crate::invoke::{Outcomes, whole};
use crate::stage::{Permitted, Received};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use model::manifest::{Contract, EventShape, FunctionSpec};
use model::wire::v1::{Caller, Trigger};
use model::{CloudEvent, Code, Problem, Timestamp, TriggerName};
use render::event::{Shaped, Told};

/// How a function gets an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As a request, with the attributes in header fields.
    Request,
    /// As a document.
    Document(EventShape),
}

/// How a function gets the events of a trigger.
pub(crate) fn form(function: &Function, name: &TriggerName) -> Form {
    let spec = &function.row.spec;
    if !takes_documents(spec) {
        return Form::Request;
    }
    Form::Document(shape(function, name))
}

/// Whether a function is called with documents.
pub(crate) fn takes_documents(spec: &FunctionSpec) -> bool {
    spec.native.as_ref().is_some_and(|native| {
        matches!(
            native.contract,
            Contract::Lambda
                | Contract::LambdaWeb
                | Contract::Openwhisk
                | Contract::Actionloop
                | Contract::Azure
                | Contract::Alibaba
        )
    })
}

/// How the function of a trigger gets its events, as its manifest says.
fn shape(function: &Function, name: &TriggerName) -> EventShape {
    let spec = &function.row.spec;
    let on = spec.on.iter().find(|trigger| trigger.name == *name).map(|it| it.shape);
    let from = || spec.from.iter().find(|source| source.name == *name).map(|it| it.shape);
    on.or_else(from).unwrap_or_default()
}

/// The call of an event, after its payload went through the function's contract.
pub(crate) async fn shaped(mut permitted: Permitted) -> Outcomes<Permitted> {
    let identified = &permitted.identified;
    let Trigger::Event { name, attempt, .. } = &identified.trigger else { return Ok(permitted) };
    let (name, attempt) = (name.clone(), *attempt);
    let how = form(&identified.function, &name);
    let shape = shape(&identified.function, &name);
    if how == Form::Request && shape.is_default() {
        // In the binary mode, as it was put.
        return Ok(permitted);
    }
    let tells_of_an_end = matches!(identified.caller, Caller::Function(_));
    let clock = Clock::of(&identified.function, &identified.throttled.received);
    let received = &mut permitted.identified.throttled.received;
    let (mut head, body) = std::mem::take(&mut received.request).into_parts();
    let body = whole(body, u64::MAX).await?;
    let broken = |error| Problem::new(Code::QueueDamaged).internal(error);
    // What tells of the end of a call is whole in the body. What was published never is, whatever
    // its data says of itself.
    let event = match tells_of_an_end {
        true => CloudEvent::from_json(&body).map_err(broken)?,
        false => CloudEvent::binary(&head.headers, &body).map_err(broken)?,
    };
    let (id, trigger) = (received.id.to_string(), name.as_str());
    let shaped = render::event::shaped(shape, &event, &clock.told(&id, trigger, attempt));
    let shaped = shaped.map_err(|why| Problem::new(Code::EventShapeless).detail(why))?;
    let body = match shaped {
        Shaped::Document(kind, text) => {
            if how == Form::Request {
                without_attributes(&mut head.headers);
            }
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            Bytes::from(text)
        }
        Shaped::Event(event) => {
            without_attributes(&mut head.headers);
            for (name, value) in event.headers() {
                if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.try_into()) {
                    head.headers.insert(name, value);
                }
            }
            Bytes::copy_from_slice(event.data())
        }
    };
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    let received = &mut permitted.identified.throttled.received;
    received.request = http::Request::from_parts(head, body);
    Ok(permitted)
}

/// The event that came is told in other words.
fn without_attributes(headers: &mut HeaderMap) {
    let own: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("ce-")).cloned().collect();
    for name in own {
        headers.remove(name);
    }
}

/// What is known of a call's times.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    queued: Timestamp,
    expires: Option<Timestamp>,
    hidden: Timestamp,
    now: Timestamp,
}

impl Clock {
    /// Of a call that runs now. Its id was made when it was put.
    pub(crate) fn of(function: &Function, received: &Received) -> Self {
        let (queued, now) = (Timestamp(received.id.time_us()), received.at);
        let us = |ms: u64| i64::try_from(ms.saturating_mul(1000)).unwrap_or(i64::MAX);
        let age = function.row.spec.later.as_ref().and_then(|later| later.max_age);
        Self {
            queued,
            expires: age.map(|age| queued.plus_us(us(age.ms))),
            hidden: now.plus_us(us(function.unit.limits.wall_ms)),
            now,
        }
    }

    /// What is told of a call.
    pub(crate) const fn told<'a>(&self, id: &'a str, trigger: &'a str, attempt: u32) -> Told<'a> {
        let Self { queued, expires, hidden, now } = *self;
        Told { id, trigger, attempt, queued, expires, hidden, now }
    }
}

/// What a message says that is done with others, after its payload went through the function's
/// contract. Of its request, only where it goes to is left.
pub(crate) async fn said_in(permitted: &mut Permitted) -> Outcomes<Said> {
    let identified = &mut permitted.identified;
    let received = &mut identified.throttled.received;
    let (head, body) = std::mem::take(&mut received.request).into_parts();
    received.request.uri_mut().clone_from(&head.uri);
    let body = whole(body, u64::MAX).await?;
    if !matches!(identified.trigger, Trigger::Event { .. }) {
        return Ok(Said::Call(head.headers, body));
    }
    let event = CloudEvent::binary(&head.headers, &body);
    let event = event.map_err(|error| Problem::new(Code::QueueDamaged).internal(error))?;
    Ok(Said::Event(event))
}
