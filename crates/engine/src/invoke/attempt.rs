//! A call of the queue, tried: the stages of [`crate::stage`] once more, with the caller of then and
//! the grants of now.
//!
//! Invariant: a call that waited is authorised again by what holds when it runs. What the caller's
//! credential said is believed as of when it was accepted.

use super::permit::ask;
use super::{Origin, Refusal};
use crate::data::Taken;
use crate::function::{Endpoint, Function};
use crate::host::Purse;
use crate::publish::{labels_in, shaped};
use crate::reply::{Ending, Keeps, Seen};
use crate::schedule::shape;
use crate::slots::CallerKey;
use crate::stage::{Funded, Identified, Permitted, Received};
use crate::wiring::Engine;
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use http_body_util::{BodyExt, Full};
use identity::jwt::Vouched;
use model::wire::queued::{Call, Cause};
use model::wire::v1::{Caller, Outcome, Trigger};
use model::{Claims, Code, FunctionRef, InvocationId, Problem};
use ports::executor::RequestBody;
use ports::queue::Leased;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Landed {
    /// The function did it.
    Done,
    /// It failed, and may succeed later.
    Failed(String),
    /// It will not succeed, however often it is tried.
    Hopeless(String),
    /// It waited for longer than its function has calls wait.
    TooOld,
    /// It was not tried: there is no room.
    NoRoom,
    /// It is not its turn yet: it did not fit, or waits for one before it.
    NotYet,
    /// It was not tried: a cap is reached for so long.
    Capped(Duration),
}

impl Engine {
    /// Tries a call once. Gives what the function answered, if it did; with its reply if that is to
    /// be kept.
    pub(crate) async fn attempt(
        self: &Arc<Self>,
        leased: &Leased,
        keeps: bool,
    ) -> (Landed, Option<Seen>) {
        let funded = match self.funded(leased).await {
            Ok(funded) => funded,
            Err(landed) => return (landed, None),
        };
        let keeps = if keeps { Keeps::Leaving } else { Keeps::Nothing };
        match self.take_off(funded).unseen(keeps).await {
            Ok(seen) if asks_again(&seen) => {
                (Landed::Failed(format!("the function answered {}", seen.status)), Some(seen))
            }
            Ok(seen) => (Landed::Done, Some(seen)),
            Err(ending) => (Landed::Failed(short(&ending)), None),
        }
    }

    /// All that comes before the function runs.
    async fn funded(self: &Arc<Self>, leased: &Leased) -> Result<Funded, Landed> {
        let permitted = self.reopen(leased)?;
        self.within_caps(&permitted).map_err(|refusal| landed(&refusal))?;
        let permitted = self.through_contract(permitted).await?;
        let shaped = shaped(permitted).await;
        let permitted = shaped.map_err(|refusal| Landed::Hopeless(code_of(&refusal.problem)))?;
        self.fund(permitted).await.map_err(|refusal| landed(&refusal))
    }

    /// What comes is read as the function's contract on data says.
    pub(super) async fn through_contract(
        self: &Arc<Self>,
        permitted: Permitted,
    ) -> Result<Permitted, Landed> {
        match self.data_of(&permitted.identified.function) {
            Some(_) => match Box::pin(self.take_in(permitted)).await {
                Ok(permitted) => Ok(permitted),
                // What does not fit the contract now never will.
                Err(refusal) => match landed(&refusal) {
                    Landed::Failed(why) => Err(Landed::Hopeless(why)),
                    later => Err(later),
                },
            },
            None => Ok(permitted),
        }
    }

    /// From a message to a permit.
    pub(super) fn reopen(&self, leased: &Leased) -> Result<Permitted, Landed> {
        let id = leased.claim.id;
        let (call, at) = Call::decode(&leased.payload)
            .map_err(|error| Landed::Hopeless(format!("{}: {error}", Code::QueueDamaged)))?;
        if let Some(Cause::Unfit { why, .. }) = call.cause {
            return Err(Landed::Hopeless(why));
        }
        let body = leased.payload.slice(at.min(leased.payload.len())..);
        let function = self.find(&leased.function, call.version)?;
        let caller = call.caller.clone();
        let vouched = vouched(&call)?;
        let now = self.parts.clock.wall();
        let (kind, body) = shape(&function, call.cause.as_ref(), id, now, body);
        let mut request = request(&call, body)?;
        if let Some(kind) = kind {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let mut received = Received { request, ..self.receive_again(id) };
        if let Some(Cause::Event { from, depth, .. }) = &call.cause {
            self.hang_below(&mut received, *from, *depth);
        }
        // Its address had its share of the node when the call came.
        let mut throttled = self.throttle(received).map_err(|refusal| landed(&refusal))?;
        throttled.received.peer = call.source;
        let trigger = trigger_of(&call, leased.attempt);
        let identified = Identified {
            throttled,
            caller_key: CallerKey::of(&caller),
            caller,
            vouched,
            function,
            // Its limit was applied when the call came.
            endpoint: None,
            trigger,
        };
        self.permit_again(identified, &call.route)
    }

    /// Makes the call of an event one of the tree that the event comes from, and gives it what the
    /// event is known to contain. Its purse is its own: nothing is left of the publisher's.
    fn hang_below(
        &self,
        received: &mut Received,
        from: Option<(InvocationId, InvocationId)>,
        depth: u16,
    ) {
        let labels = labels_in(received.request.headers());
        if !labels.is_empty() {
            received.taken = Some(Box::new(Taken { labels, ..Taken::default() }));
        }
        let purse = || Arc::new(Purse::new(&self.config.host.budget));
        received.origin = from.map(|(parent, root)| Origin {
            root,
            parent: Some(parent),
            depth,
            purse: purse(),
            taken: None,
        });
    }

    fn find(&self, wanted: &FunctionRef, version: Option<u32>) -> Result<Arc<Function>, Landed> {
        let catalog = self.catalog.load();
        let found = catalog.view(&wanted.scope).and_then(|it| it.function(&wanted.name, version));
        match found {
            Some(function) if function.shelf.is_none() => Ok(Arc::clone(function)),
            Some(_) => Err(hopeless(Code::NotQueueable)),
            None => Err(hopeless(Code::NoSuchFunction)),
        }
    }

    fn receive_again(&self, id: InvocationId) -> Received {
        let nothing = http::Request::new(Full::default().map_err(|no| match no {}).boxed_unsync());
        Received { id, ..self.receive_direct(nothing) }
    }

    /// Everything that was asked when the call came is asked again: what the route requires, the
    /// grants and policies about invoking, and those about doing it later.
    fn permit_again(&self, identified: Identified, route: &str) -> Result<Permitted, Landed> {
        let function = Arc::clone(&identified.function);
        let source = identified.throttled.received.peer;
        let trigger = function.row.spec.http.iter().find(|http| http.route.to_string() == route);
        let why = trigger.and_then(|http| {
            Endpoint::new(&function, http).turns_away(
                &identified.caller,
                identified.claims(),
                source,
            )
        });
        if let Some(why) = why {
            return Err(self.no_longer(&identified, &why));
        }
        if let Err(denial) = function.policies.decide_invoke(&ask(&identified)) {
            return Err(self.no_longer(&identified, &denial.to_string()));
        }
        let permitted = match self.permit(identified) {
            Ok(permitted) => permitted,
            Err(refusal) => return Err(Landed::Hopeless(code_of(&refusal.problem))),
        };
        let asked = ask(&permitted.identified);
        match function.policies.decide_async(&asked, &permitted.permit) {
            Ok(_later) => Ok(permitted),
            Err(denial) => {
                let why = format!("asynchronous calls: {denial}");
                Err(self.no_longer(&permitted.identified, &why))
            }
        }
    }

    /// The caller may not any more, and the record says so.
    fn no_longer(&self, identified: &Identified, why: &str) -> Landed {
        let ending = Ending::new(Outcome::Denied, Code::Denied, why);
        self.record_refused(identified, 0, 0, ending);
        hopeless(Code::Denied)
    }
}

/// What caused an attempt of a call.
pub(crate) fn trigger_of(call: &Call, attempt: u32) -> Trigger {
    match &call.cause {
        Some(Cause::Schedule { name, planned }) => {
            Trigger::Schedule { name: name.clone(), planned: *planned, attempt }
        }
        Some(Cause::Event { name, publisher, .. }) => {
            Trigger::Event { name: name.clone(), publisher: publisher.clone(), attempt }
        }
        Some(Cause::Unfit { name, .. }) => {
            let publisher = Caller::Trigger(name.clone());
            Trigger::Event { name: name.clone(), publisher, attempt }
        }
        None => Trigger::Queue {
            method: Cow::Owned(call.method.clone()),
            route: call.route.as_str().into(),
            attempt,
        },
    }
}

/// What an issuer said about the caller, when the call came.
fn vouched(call: &Call) -> Result<Option<Arc<Vouched>>, Landed> {
    let claims: Claims = call.claims().ok_or_else(|| hopeless(Code::QueueDamaged))?;
    let Caller::Jwt { issuer, subject } = &call.caller else { return Ok(None) };
    let passed = call.passed.clone().map(Bytes::from);
    Ok(Some(Arc::new(Vouched::kept(issuer.clone(), subject.clone(), claims, passed))))
}

fn request(call: &Call, body: Bytes) -> Result<http::Request<RequestBody>, Landed> {
    let mut request = http::Request::builder().method(call.method.as_str()).uri(&call.target);
    for (name, value) in &call.headers {
        request = request.header(name, value.as_slice());
    }
    let length = body.len();
    let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    let mut request = request.body(body).map_err(|_| hopeless(Code::QueueDamaged))?;
    // All of it is here, so whoever reads it need not be told in chunks.
    let has_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    let headers = request.headers_mut();
    headers.remove(TRANSFER_ENCODING);
    headers.remove(CONTENT_LENGTH);
    if has_body || length > 0 {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(request)
}

fn hopeless(code: Code) -> Landed {
    Landed::Hopeless(code_of(&Problem::new(code)))
}

/// What a function says by such a status is that somebody should try again.
pub(super) const fn asks_again(seen: &Seen) -> bool {
    seen.status >= 500 || seen.status == 429
}

/// A code and its title. Nothing that a guest or a caller said: it stands beside the message in
/// the clear.
pub(super) fn code_of(problem: &Problem) -> String {
    format!("{}: {}", problem.code, problem.code.title())
}

pub(super) fn short(ending: &Ending) -> String {
    let code = ending.code.map(|code| format!("{code}: {}", code.title()));
    code.unwrap_or_else(|| ending.outcome.word().to_owned())
}

/// What a refusal before the start of the guest means for a call that can wait.
pub(super) fn landed(refusal: &Refusal) -> Landed {
    match refusal.problem.code {
        Code::Overloaded
        | Code::FunctionBusy
        | Code::CallerBusy
        | Code::Draining
        | Code::JournalRefuses => Landed::NoRoom,
        Code::CapReached => {
            Landed::Capped(Duration::from_secs(refusal.retry_after_s.unwrap_or(1).into()))
        }
        _ => Landed::Failed(code_of(&refusal.problem)),
    }
}
