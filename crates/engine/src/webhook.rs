//! Webhooks: `POST /.casemate/webhooks/NAME` of the public listener, from senders that sign.
//!
//! The whole body is read and its signature compared before anything else looks at it. What is
//! believed goes into the queue as an event, once, and is answered at once: senders wait for seconds
//! only, and the function works later, as the webhook's trigger.

mod reading;
#[cfg(test)]
mod tests;
mod verify;

use crate::function::Function;
use crate::guard::{Origin, network};
use crate::invoke::{Outcomes, Refusal, whole};
use crate::publish::{KIND, Publisher, message};
use crate::rate::RateKey;
use crate::reply::ReplyBody;
use crate::request::{check_length, request_host};
use crate::slots::CallerKey;
use crate::stage::{Received, Throttled};
use crate::wiring::Engine;
use bytes::Bytes;
use http::Method;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use model::manifest::WebhookSpec;
use model::wire::v1::Caller;
use model::{Claims, Code, Problem, Scope, TriggerName};
use ports::queue::{Post, Publication};
use reading::Reading;
use std::sync::Arc;
use std::time::Duration;
use verify::Message;

/// What the path of a webhook begins with.
pub(crate) const PATH: &str = "/.casemate/webhooks/";
/// How long the body may take.
const PATIENCE: Duration = Duration::from_secs(30);

impl Engine {
    /// Takes a message for a webhook.
    pub(crate) async fn webhook(
        self: &Arc<Self>,
        throttled: Throttled,
    ) -> Outcomes<http::Response<ReplyBody>> {
        let Throttled { received, seat } = throttled;
        if received.request.method() != Method::POST {
            let allow = vec![Method::POST];
            return Err(Refusal { allow, ..Code::MethodNotAllowed.into() });
        }
        let origin = Origin::of(received.peer, None);
        if let Some(wait) = self.guard.wait(origin, received.began) {
            return Err(Refusal::later(Code::TooManyFailures, wait));
        }
        self.paced_webhook(&received)?;
        let most = self.config.queue.body_bytes_max;
        let too_large = |problem: Problem| match problem.code {
            Code::BodyTooLarge | Code::QueuedTooLarge => crate::invoke::too_large(most),
            _ => problem,
        };
        let refused = |why: String| {
            tracing::debug!(why, "a message for a webhook is refused");
            self.guard.failed(origin, received.began);
            Refusal::from(Code::WebhookRefused)
        };
        let found = self.webhook_of(&received);
        check_length(&received.request, most).map_err(too_large)?;
        let (head, body) = received.request.into_parts();
        let body = tokio::time::timeout(PATIENCE, whole(body, most)).await;
        let body = body.unwrap_or_else(|_| Err(Code::ClientSlow.into())).map_err(too_large)?;
        let Some((scope, function, spec)) = found else {
            return Err(refused("there is none of this name".to_owned()));
        };
        let now = self.parts.clock.wall();
        let (method, uri, headers) = (&head.method, &head.uri, &head.headers);
        let message = Message { method, uri, headers, body: &body, now };
        let key = match &spec.secret {
            Some(name) => Some(self.value_named(&scope, name).await.map_err(|problem| {
                tracing::warn!(webhook = %spec.name, %problem, "the secret of a webhook cannot be read");
                Refusal::from(Code::WebhookRefused)
            })?),
            None => None,
        };
        verify::believe(&spec, key.as_ref(), &message).map_err(|why| refused(why.to_string()))?;
        let reading = reading::read(&spec, &message)
            .map_err(|why| Refusal::from(Problem::new(Code::BadEvent).internal(why)))?;
        let answer = self.hand_in((&scope, &function, &spec), reading).await?;
        // It counts on the node until it is on disk.
        drop(seat);
        Ok(answer)
    }

    /// Whose webhook a request is for.
    fn webhook_of(&self, received: &Received) -> Option<(Scope, Arc<Function>, WebhookSpec)> {
        let name = received.request.uri().path().strip_prefix(PATH)?;
        let name = TriggerName::parse(name).ok()?;
        let catalog = self.catalog.load();
        let host = request_host(&received.request);
        let (scope, view) = catalog.serving_scope(host.as_deref(), &self.config.scope)?;
        let function = view.webhook(&name)?;
        let spec = function.row.spec.webhooks.iter().find(|webhook| webhook.name == name)?;
        Some((scope.clone(), Arc::clone(function), spec.clone()))
    }

    /// Puts what a message says, once.
    async fn hand_in(
        &self,
        (scope, function, spec): (&Scope, &Arc<Function>, &WebhookSpec),
        reading: Reading,
    ) -> Outcomes<http::Response<ReplyBody>> {
        let Reading { event, mark, answer } = reading;
        if let Some(event) = event {
            function.admits(&spec.name, KIND).map_err(|denial| {
                let hint = denial.hint.as_deref().unwrap_or_default();
                tracing::warn!(webhook = %spec.name, %denial, hint, "a webhook may not call its function");
                Refusal::from(Problem::new(Code::WebhookDenied).internal(&denial))
            })?;
            let now = self.parts.clock.wall();
            let caller = Caller::Trigger(spec.name.clone());
            let publisher = Publisher {
                caller: &caller,
                source: None,
                claims: Claims::NONE,
                from: None,
                depth: 0,
            };
            let message = message(&spec.name, function, &publisher, &event, now)?;
            let head = format!("webhook\n{}\n", spec.name);
            let mark = (self.parts.digest)(&[head.as_bytes(), &mark].concat());
            let window = i64::try_from(self.config.events.window.as_micros()).unwrap_or(i64::MAX);
            let posts = vec![Post { mark, messages: vec![message] }];
            let until = now.plus_us(window);
            let publication = Publication { scope: scope.clone(), posts, now, until };
            let put = self.parts.queue.publish(publication, self.config.queue.quota).await;
            put.map_err(Problem::from)?;
            self.backlog.wake();
        }
        let mut response = http::Response::new(ReplyBody::whole(Bytes::from(answer.body)));
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if answer.status == http::StatusCode::OK {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(response)
    }

    /// Counts a message for the limit that routes have which name none.
    fn paced_webhook(&self, received: &Received) -> Outcomes<()> {
        let Some(limit) = self.config.limit else { return Ok(()) };
        let whose = CallerKey::of(&received.peer.map(network));
        let key = RateKey::of(&(PATH, received.request.uri().path(), whose));
        let taken = self.rates.take(key, limit.into(), received.began);
        taken.map_err(|wait| Refusal::later(Code::RateLimited, wait))
    }
}
