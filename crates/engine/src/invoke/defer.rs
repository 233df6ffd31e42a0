//! Calls that are accepted now and run later: the stages up to the permit, and then the queue in
//! the place of the function.
//!
//! Invariant: nothing is accepted that could not be called right now, nor for a caller without a
//! credential; and 202 is said when the call is on disk.

use super::permit::ask;
use super::{Outcomes, Refusal};
use crate::data;
use crate::function::Function;
use crate::publish::due;
use crate::reply::ReplyBody;
use crate::request::check_length;
use crate::stage::{Identified, Permitted, Received};
use crate::wiring::Engine;
use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt;
use model::wire::queued::Call;
use model::wire::v1::Trigger;
use model::{Code, FunctionRef, InvocationId, Problem};
use policy::CallPermit;
use ports::executor::{BodyError, RequestBody};
use ports::queue::Message;
use std::sync::Arc;
use std::time::Duration;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const ASYNC: &str = "respond-async";

/// Whether a request over HTTP prefers an answer before the work is done (RFC 7240, section 4.1).
pub(super) fn preferred(identified: &Identified) -> bool {
    let headers = identified.throttled.received.request.headers();
    let is_it = |preference: &str| {
        let name = preference.split(';').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case(ASYNC)
    };
    let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(is_it)
}

impl Engine {
    /// Accepts a call of the operator that runs later. Gives its id when it is on disk.
    ///
    /// # Errors
    /// A [`Refusal`]: nothing was accepted.
    pub async fn submit(
        self: &Arc<Self>,
        function: &FunctionRef,
        request: http::Request<RequestBody>,
    ) -> Outcomes<InvocationId> {
        let permitted = self.permit_direct(function, request)?;
        self.submit_permitted(permitted).await
    }

    /// Accepts a call that names a function and not a route.
    pub(crate) async fn submit_permitted(
        self: &Arc<Self>,
        permitted: Permitted,
    ) -> Outcomes<InvocationId> {
        if permitted.identified.function.shelf.is_some() {
            let name = &permitted.identified.function.reference().name;
            return Err(Problem::new(Code::NotQueueable).detail(name).into());
        }
        let policies = Arc::clone(&permitted.identified.function.policies);
        let later = policies.decide_async(&ask(&permitted.identified), &permitted.permit);
        let later = later.map_err(|denial| {
            let problem = Problem::new(denial.code).internal(&denial);
            Problem { hint: denial.hint.as_deref().map(str::to_owned), ..problem }
        })?;
        self.enqueue(permitted, later).await
    }

    /// Whether the caller's preference to have it done later is granted. Where it is not, the
    /// preference is ignored, as its specification has it: the call is permitted, and what a
    /// function can do is nobody's business who may only call it.
    pub(super) fn may_defer(&self, permitted: &Permitted) -> Option<CallPermit> {
        let function = &permitted.identified.function;
        if function.shelf.is_some() {
            return None;
        }
        let ask = ask(&permitted.identified);
        match function.policies.decide_async(&ask, &permitted.permit) {
            Ok(later) => Some(later),
            Err(denial) => {
                tracing::debug!(%denial, "a preference for an answer later is not granted");
                None
            }
        }
    }

    /// Accepts a call over HTTP.
    pub(super) async fn accept(
        self: &Arc<Self>,
        permitted: Permitted,
        later: CallPermit,
    ) -> Outcomes<http::Response<ReplyBody>> {
        let id = self.enqueue(permitted, later).await?;
        let text = format!("{{\"invocation\":\"{id}\"}}");
        let mut response = http::Response::new(ReplyBody::whole(Bytes::from(text)));
        *response.status_mut() = http::StatusCode::ACCEPTED;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("preference-applied", HeaderValue::from_static(ASYNC));
        headers.insert("vary", HeaderValue::from_static("prefer"));
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(id.to_string())) {
            headers.insert("casemate-invocation", value);
        }
        Ok(response)
    }

    async fn enqueue(
        self: &Arc<Self>,
        permitted: Permitted,
        _later: CallPermit,
    ) -> Outcomes<InvocationId> {
        self.within_caps(&permitted)?;
        let permitted = match self.data_of(&permitted.identified.function) {
            Some(_) => Box::pin(self.take_in(permitted)).await?,
            None => permitted,
        };
        // The seat counts it on the node until it is on disk.
        let Identified { throttled, caller, vouched, function, trigger, .. } = permitted.identified;
        let Received { mut request, peer, id, at, taken, .. } = throttled.received;
        data::mark(&mut request, taken.as_deref());
        let _seat = throttled.seat;
        let most = self.config.queue.body_bytes_max.min(function.unit.limits.request_body_bytes);
        let too_large = |_: Problem| {
            Problem::new(Code::QueuedTooLarge).detail(format!("at most {most} bytes are taken"))
        };
        check_length(&request, most).map_err(too_large)?;
        let (head, body) = request.into_parts();
        let wall = Duration::from_millis(function.unit.limits.wall_ms);
        let body = tokio::time::timeout(wall, whole(body, most)).await;
        let body = body.unwrap_or_else(|_| Err(Code::ClientSlow.into()))?;
        let route = match &trigger {
            Trigger::Http { route, .. } => route.to_string(),
            _ => String::new(),
        };
        let call = Call {
            claims: vouched.as_ref().map(|it| Call::kept(&it.claims)).unwrap_or_default(),
            passed: vouched.as_ref().and_then(|it| it.passed.as_ref()).map(|it| it.to_vec()),
            caller,
            source: peer,
            route,
            method: head.method.as_str().to_owned(),
            target: head.uri.to_string(),
            headers: kept(&head.headers),
            version: function.unit.around.version,
            cause: None,
        };
        let payload = call
            .encode(&body)
            .map_err(|error| Refusal::from(Problem::new(Code::Internal).internal(error)))?;
        let due = due(&function, at);
        let message = Message {
            id,
            function: function.reference().as_ref().clone(),
            payload: payload.into(),
            queued: due,
            due,
            order: self.order_of(&function, &head.headers),
            lot: self.lot_of_call(&function, &call),
        };
        let put = self.parts.queue.put(message, self.config.queue.quota).await;
        put.map_err(|error| Refusal::from(Problem::from(error)).of(id))?;
        self.backlog.wake();
        Ok(id)
    }
}

impl Engine {
    /// Which calls belong together, where the function says that a field says so.
    fn order_of(&self, function: &Function, headers: &HeaderMap) -> Option<[u8; 16]> {
        let name = function.row.spec.later.as_ref()?.ordered_by.as_deref()?;
        let key = headers.get(name)?;
        Some(self.order(function, &String::from_utf8_lossy(key.as_bytes())))
    }
}

/// The headers that the function will see: all but the preference, which is fulfilled.
fn kept(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let own = headers.iter().filter(|(name, _)| **name != PREFER);
    own.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// The whole body, if it is no longer than `most`.
pub(crate) async fn whole(mut body: RequestBody, most: u64) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error {
            BodyError::TooLarge => Problem::new(Code::BodyTooLarge),
            BodyError::Slow => Problem::new(Code::ClientSlow),
            _ => Problem::new(Code::Malformed).internal(error),
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if (bytes.len() + data.len()) as u64 > most {
            return Err(Problem::new(Code::QueuedTooLarge)
                .detail(format!("at most {most} bytes are taken")));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}
