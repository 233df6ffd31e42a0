//! Outgoing HTTP requests.

use super::Broker;
use super::body::{Coming, Leaving, nothing};
use super::call::inside;
use super::data::{Screened, place_of};
use super::record::Step;
use super::secrets::Dressed;
use crate::content::is_coded;
use http::StatusCode;
use http::header::{HOST, HeaderValue};
use http_body_util::BodyExt as _;
use model::{Labelled, Labels};
use policy::{CallPermit, HttpAsk};
use ports::host::{Answer, Body, HostError, HostReply, HttpCall};
use ports::outbound::{Failure, Limits, Outgoing};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Header fields of the platform's own. They say who called, which is nobody's business outside.
const OWN_PREFIX: &str = "casemate-";

impl Broker {
    pub(super) async fn http(
        self: Arc<Self>,
        call: HttpCall,
        labels: Labels,
        body: Option<Body>,
    ) -> Result<Answer, HostError> {
        let host = call.uri.host().unwrap_or_default();
        if let Some(inside) = inside(host).or_else(|| self.inside_application(&call)) {
            return self.call_inside(inside, call, labels, body).await;
        }
        let url = bare_url(&call.uri);
        let method = call.method.as_str();
        let resource = format!("{method} {url}");
        // The query may hold what must not stand in a record; its digest may.
        let arguments = format!("{method} {}", call.uri);
        let step = self.begin("http", resource, arguments.as_bytes(), labels);
        let permit = self
            .function
            .policies
            .decide_http(HttpAsk { method, url: &url })
            .map_err(|denial| self.denied(&step, &denial))?;
        self.is_open(&step)?;
        self.charge(&step)?;
        let _waiting = self.wait().ok_or_else(|| self.limited(&step, "asks at once"))?;
        let Screened { call, body } = self.screened(&step, call, body, &url).await?;
        let to = place_of(&call.uri);
        let mut dressed = self.with_secrets(&step, call, body, &url).await?;
        let sent = Arc::new(AtomicU64::new(0));
        let again = dressed.again();
        let made = std::mem::take(&mut dressed.made);
        let mut response = self.send(&permit, &step, dressed, &sent).await?;
        let mut place = self.done(&step, 0);
        if let Some(again) = again.filter(|_| response.status() == StatusCode::UNAUTHORIZED)
            && let Some(other) = self.with_new_token(again, &url).await
        {
            let resource = step.resource().to_owned();
            let step = self.begin("http", resource, arguments.as_bytes(), Labels::NONE);
            self.charge(&step)?;
            response = self.send(&permit, &step, other, &sent).await?;
            place = self.done(&step, 0);
        }
        let (mut head, body) = response.into_parts();
        if self.has_revealed(&to) && is_coded(&head.headers) {
            self.ended(place, 0, true);
            let why = "what comes back is compressed, and was asked for as it is: \
                       it could hold a value that was sent there";
            self.platform_line(format!("{} failed: {why}", step.name()));
            return Err(HostError::Upstream(Failure::Protocol));
        }
        let mask = self.cover_head(&mut head, &made, Some(&to));
        let coming = Coming { body, mask, broker: self, place, sent, received: 0, over: false };
        let reply = Labelled::plain(HostReply::Http(Box::new(head)));
        Ok(Answer { reply, body: Some(coming.boxed_unsync()) })
    }

    async fn send(
        self: &Arc<Self>,
        _permit: &CallPermit,
        step: &Step,
        dressed: Dressed,
        sent: &Arc<AtomicU64>,
    ) -> Result<http::Response<Body>, HostError> {
        let (call, body, unseen) = dressed.into_parts();
        let body = match body {
            Some(body) => {
                let (broker, sent) = (Arc::clone(self), Arc::clone(sent));
                let watch = self.watch().filter(|_| unseen);
                Leaving { body, watch, broker, sent }.boxed_unsync()
            }
            None => nothing(),
        };
        let limits = limits(&call, &self.limits.outbound);
        let request = request(call, body).ok_or_else(|| {
            let error = HostError::Upstream(Failure::Request);
            self.failed(step, error, "its header fields contradict each other")
        })?;
        let function = Arc::clone(self.function.reference());
        let answer = self.parts().outbound.send(Outgoing { function, request, limits }).await;
        answer.map_err(|error| {
            self.failed(step, HostError::Upstream(error.failure), &error.to_string())
        })
    }
}

/// The guest may be less patient than the host, and never more.
fn limits(call: &HttpCall, most: &Limits) -> Limits {
    let least = |own: Option<std::time::Duration>, most| own.map_or(most, |own| own.min(most));
    Limits {
        connect: least(call.connect, most.connect),
        first_byte: least(call.first_byte, most.first_byte),
        between_bytes: least(call.between_bytes, most.between_bytes),
        response_bytes: most.response_bytes,
    }
}

/// The request as it leaves. `None` if its `host` fields name another place than its URI.
pub(super) fn request(call: HttpCall, body: Body) -> Option<http::Request<Body>> {
    let authority = call.uri.authority()?.as_str().to_owned();
    let mut headers = call.headers;
    let names_it =
        |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(authority.as_bytes());
    if !headers.get_all(HOST).iter().all(names_it) {
        return None;
    }
    headers.insert(HOST, HeaderValue::from_str(&authority).ok()?);
    let own: Vec<_> =
        headers.keys().filter(|name| name.as_str().starts_with(OWN_PREFIX)).cloned().collect();
    for name in own {
        headers.remove(name);
    }
    let mut request = http::Request::new(body);
    *request.method_mut() = call.method;
    *request.uri_mut() = call.uri;
    *request.headers_mut() = headers;
    Some(request)
}

/// Scheme, host, port and path: no user, password or query.
fn bare_url(uri: &http::Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("https");
    let host = uri.host().unwrap_or_default();
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{host}{port}{}", uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_for_the_record_holds_no_secret() {
        for (given, expect) in [
            ("https://user:pw@api.example:8443/v1/a?card=1#x", "https://api.example:8443/v1/a"),
            ("http://api.example", "http://api.example/"),
        ] {
            assert_eq!(bare_url(&given.parse().expect("uri")), expect);
        }
    }
}
