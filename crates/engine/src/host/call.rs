//! Calls of other functions: requests to `http://NAME.fn.casemate.internal/`.
//!
//! No socket and no name look-up is in it. The call goes through the same stages as a request from
//! outside, with the calling function as who asks; its record hangs below the caller's, and both
//! spend from one purse.

use super::Broker;
use super::body::{Coming, driven, nothing};
use super::http::request;
use super::record::Step;
use crate::data::Told;
use crate::invoke::{Origin, Refusal};
use crate::router::Found;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use model::manifest::Dialect;
use model::wire::v1::Caller;
use model::{Code, FunctionName, Labelled, Labels};
use policy::Denial;
use ports::executor::{BodyError, RequestBody};
use ports::host::{Answer, Body, HostError, HostReply, HttpCall};
use ports::outbound::Failure;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Where functions are called. Nothing outside has such a name (RFC 8375 keeps `internal` free).
const SUFFIX: &str = ".fn.casemate.internal";
/// Where events are published.
const EVENTS: &str = "events.casemate.internal";
/// Every name that means something within the platform.
const INTERNAL: &str = ".casemate.internal";

/// What a request's host means within the platform.
pub(super) enum Inside {
    /// A function.
    Function(FunctionName),
    /// Where events are published.
    Events,
    /// Nothing that there is.
    Nothing,
}

/// What `host` means within the platform; `None` for places outside.
pub(super) fn inside(host: &str) -> Option<Inside> {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if let Some(name) = host.strip_suffix(SUFFIX) {
        return Some(FunctionName::parse(name).map_or(Inside::Nothing, Inside::Function));
    }
    if host == EVENTS {
        return Some(Inside::Events);
    }
    let own = host.ends_with(INTERNAL) || host == INTERNAL.trim_start_matches('.');
    own.then_some(Inside::Nothing)
}

impl Broker {
    /// What a request means to a function that was written for another platform; `None` for places
    /// outside.
    pub(super) fn inside_application(&self, call: &HttpCall) -> Option<Inside> {
        let row = &self.function.row;
        let Some(Dialect::Spin) = row.spec.dialect else { return None };
        let host = call.uri.host()?;
        if let Some(component) = crate::spin::component(host) {
            let name = Dialect::function(&row.application, component);
            return Some(name.map_or(Inside::Nothing, Inside::Function));
        }
        if host != crate::spin::SELF {
            return None;
        }
        let catalog = self.engine.catalog.load();
        let router = &catalog.view(&row.function.scope)?.router;
        match router.find(call.method.as_str(), None, call.uri.path()) {
            Ok(Found::Route { target, .. })
                if target.function.row.application == row.application =>
            {
                Some(Inside::Function(target.function.row.function.name.clone()))
            }
            _ => Some(Inside::Nothing),
        }
    }

    pub(super) async fn call_inside(
        self: Arc<Self>,
        inside: Inside,
        call: HttpCall,
        labels: Labels,
        body: Option<Body>,
    ) -> Result<Answer, HostError> {
        if matches!(inside, Inside::Events) {
            return self.publish(call, labels, body).await;
        }
        let host = call.uri.host().unwrap_or_default();
        let resource = format!("{} {host}{}", call.method, call.uri.path());
        let arguments = format!("{} {}", call.method, call.uri);
        let step = self.begin("call", resource, arguments.as_bytes(), labels);
        let Inside::Function(name) = inside else {
            let mut denial = Denial::of(Code::OutboundDenied);
            denial.detail = Some("nothing within the platform has this name".into());
            return Err(self.denied(&step, &denial));
        };
        let _permit = self
            .function
            .policies
            .decide_call(&name)
            .map_err(|denial| self.denied(&step, &denial))?;
        self.charge(&step)?;
        let _waiting = self.wait().ok_or_else(|| self.limited(&step, "asks at once"))?;
        self.without_secrets(&step, &call)?;
        let origin = self.origin(&step)?;
        let sent = Arc::new(AtomicU64::new(0));
        let asked = request(call, body.unwrap_or_else(nothing)).filter(is_plain);
        let Some(asked) = asked else {
            let why = "its scheme is not `http`, or its header fields contradict each other";
            return Err(self.failed(&step, HostError::Upstream(Failure::Request), why));
        };
        let asked = asked.map(|body| arriving(body, &sent));
        let caller = Caller::Function(self.function.reference().name.clone());
        let scope = &self.function.reference().scope;
        let answer = Arc::clone(&self.engine).invoke_inside(origin, caller, scope, &name, asked);
        match Box::pin(answer).await {
            Ok(response) => {
                let place = self.done(&step, 0);
                let (mut head, body) = response.into_parts();
                if let Some(Told(labels)) = head.extensions.remove() {
                    self.may_see(&step, &labels)?;
                    self.join(&labels);
                }
                let (body, mask) = (driven(body), self.cover_head(&mut head, &[], None));
                let coming =
                    Coming { body, mask, broker: self, place, sent, received: 0, over: false };
                let reply = Labelled::plain(HostReply::Http(Box::new(head)));
                Ok(Answer { reply, body: Some(coming.boxed_unsync()) })
            }
            Err(refusal) => Err(self.refused(&step, &refusal)),
        }
    }

    /// Where the call comes from, if the tree may grow by one more.
    fn origin(&self, step: &Step) -> Result<Origin, HostError> {
        let depth = self.grows(step, 1)?;
        let (root, parent) = (self.root, Some(self.invocation));
        Ok(Origin { root, parent, depth, purse: Arc::clone(&self.purse), taken: self.passed_on() })
    }

    /// Takes so many invocations below this one out of what the tree may have. Gives their depth.
    pub(super) fn grows(&self, step: &Step, count: usize) -> Result<u16, HostError> {
        let depth = self.depth.saturating_add(1);
        if count > 0 && depth > self.limits.budget.depth {
            self.limited(step, "depth");
            return Err(HostError::Upstream(Failure::Loop));
        }
        for _ in 0..count {
            self.purse.take_descendant().map_err(|limit| self.limited(step, limit))?;
        }
        Ok(depth)
    }

    fn refused(&self, step: &Step, refusal: &Refusal) -> HostError {
        let problem = &refusal.problem;
        let why = problem.internal.as_deref().unwrap_or_default();
        if matches!(problem.code, Code::NotFound | Code::Denied) {
            let mut denial = Denial::of(Code::Denied);
            denial.hint = problem.hint.as_deref().map(Into::into);
            return self.denied(step, &denial);
        }
        let error = match problem.code {
            Code::BudgetSpent => HostError::Limit("CPU time".into()),
            Code::WallTimeout => HostError::Upstream(Failure::ReplyTimeout),
            Code::FunctionBusy
            | Code::CallerBusy
            | Code::CapReached
            | Code::Overloaded
            | Code::Draining => HostError::Upstream(Failure::Refused),
            _ => HostError::Upstream(Failure::Cut),
        };
        self.failed(step, error, &format!("{problem}: {why}"))
    }
}

fn is_plain(request: &http::Request<Body>) -> bool {
    request.uri().scheme_str() == Some("http")
}

/// The caller's body as the called function's request.
fn arriving(body: Body, sent: &Arc<AtomicU64>) -> RequestBody {
    let sent = Arc::clone(sent);
    let counted = body.map_frame(move |frame| {
        let bytes = frame.data_ref().map_or(0, |data: &Bytes| data.len() as u64);
        sent.fetch_add(bytes, Relaxed);
        frame
    });
    counted.map_err(|_| BodyError::Cut).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, expect: &str) {
        let found = match inside(host) {
            None => "outside".to_owned(),
            Some(Inside::Nothing) => "nothing".to_owned(),
            Some(Inside::Events) => "events".to_owned(),
            Some(Inside::Function(name)) => name.to_string(),
        };
        assert_eq!(found, expect, "{host}");
    }

    #[test]
    fn finds_what_a_host_means_within_the_platform() {
        check("shipping.fn.casemate.internal", "shipping");
        check("Events.casemate.internal.", "events");
        check("Shipping.FN.casemate.internal.", "shipping");
        for host in
            ["host.fn.casemate.internal", "a.b.fn.casemate.internal", ".fn.casemate.internal"]
        {
            check(host, "nothing");
        }
        for host in ["host.casemate.internal", "casemate.internal", "fn.casemate.internal"] {
            check(host, "nothing");
        }
        for host in ["casemate.internal.example", "api.example", "notcasemate.internal"] {
            check(host, "outside");
        }
    }
}
