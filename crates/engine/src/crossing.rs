//! Requests of pages from other origins (the Fetch standard, "CORS protocol").
//!
//! A preflight is answered before anybody is identified, since browsers send it without
//! credentials; and only to an origin that the route admits. To all others, and to other tools,
//! the route answers as if it had no `cors`: a path that is private looks like one that is not
//! there.
//!
//! Invariant: on a route with `cors`, no `access-control-*` field of an answer is the guest's.

use crate::invoke::Refusal;
use crate::reply::ReplyBody;
use crate::request::request_host;
use crate::router::Found;
use crate::wiring::Engine;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use model::manifest::{Cors, HttpTrigger};
use ports::executor::RequestBody;
use std::sync::Arc;

/// What a route says to browsers, ready to be sent.
#[derive(Debug)]
pub(crate) struct Crossing {
    cors: Cors,
    methods: HeaderValue,
    headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    max_age: HeaderValue,
}

/// A request that is for such a route.
pub(crate) struct Crossed {
    route: Arc<Crossing>,
    /// The origin, if it is admitted, as it is to be answered.
    origin: Option<HeaderValue>,
    preflight: bool,
}

impl Crossing {
    /// What a route says, if it says anything.
    pub(crate) fn of(trigger: &HttpTrigger) -> Option<Self> {
        let cors = trigger.cors.clone()?;
        let list = |names: &[String]| {
            let text = names.join(", ").to_ascii_lowercase();
            HeaderValue::try_from(text).ok().filter(|value| !value.is_empty())
        };
        let methods = cors.methods_of(&trigger.route.method).join(", ");
        Some(Self {
            // Words of a fixed list: they make a value.
            methods: HeaderValue::try_from(methods).unwrap_or(HeaderValue::from_static("GET")),
            headers: list(&cors.headers()),
            expose: list(&cors.expose),
            max_age: HeaderValue::from(cors.max_age_s()),
            cors,
        })
    }

    /// The origin as it is to be answered, if it is admitted.
    fn admit(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if !origin.to_str().is_ok_and(|origin| self.cors.admits(origin)) {
            return None;
        }
        Some(if self.same_for_all() { HeaderValue::from_static("*") } else { origin.clone() })
    }

    fn same_for_all(&self) -> bool {
        self.cors.is_for_all() && !self.cors.credentials
    }
}

impl Engine {
    /// Whether the request is for a route that says something to browsers.
    pub(crate) fn crossed(&self, request: &Request<RequestBody>) -> Option<Crossed> {
        let catalog = self.catalog.load();
        if !catalog.has_crossings() {
            return None;
        }
        let host = request_host(request);
        let address = catalog.address(host.as_deref(), &self.config.addresses);
        let view = catalog.serving(host.as_deref(), &self.config.scope);
        let path = request.uri().path();
        let find = |method: &str| match (address, view) {
            (Some(address), _) => Some(&address.endpoint),
            (None, Some(view)) => match view.router.find(method, host.as_deref(), path) {
                Ok(Found::Route { target, .. } | Found::OtherMethods { target, .. }) => {
                    Some(target)
                }
                _ => None,
            },
            (None, None) => None,
        };
        let mut origins = request.headers().get_all(header::ORIGIN).into_iter();
        let origin = origins.next().filter(|_| origins.next().is_none());
        let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_METHOD);
        let asked = asked.and_then(|method| method.to_str().ok());
        if let (&Method::OPTIONS, Some(origin), Some(asked)) = (request.method(), origin, asked)
            && find("OPTIONS").is_none_or(|own| own.http.route.method != "OPTIONS")
        {
            let route = Arc::clone(find(asked)?.crossing.as_ref()?);
            let origin = route.admit(origin);
            return Some(Crossed { preflight: origin.is_some(), route, origin });
        }
        let route = Arc::clone(find(request.method().as_str())?.crossing.as_ref()?);
        let origin = origin.and_then(|origin| route.admit(origin));
        Some(Crossed { route, origin, preflight: false })
    }
}

impl Crossed {
    /// Whether the platform answers, and no guest.
    pub(crate) fn is_preflight(&self) -> bool {
        self.preflight
    }

    /// Whether the page that asks is one that the route admits.
    pub(crate) fn is_admitted(&self) -> bool {
        self.origin.is_some()
    }

    /// The answer to a preflight of an admitted origin.
    pub(crate) fn permission(&self) -> Response<ReplyBody> {
        let mut response = Response::new(ReplyBody::whole(bytes::Bytes::new()));
        *response.status_mut() = StatusCode::NO_CONTENT;
        let fields = response.headers_mut();
        fields.insert(header::ACCESS_CONTROL_ALLOW_METHODS, self.route.methods.clone());
        fields.insert(header::ACCESS_CONTROL_MAX_AGE, self.route.max_age.clone());
        if let Some(headers) = &self.route.headers {
            fields.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, headers.clone());
        }
        response
    }

    /// Says to the browser who may read the answer.
    pub(crate) fn stamp(&self, outcome: &mut Result<Response<ReplyBody>, Refusal>) {
        match outcome {
            Ok(response) => {
                let preflight = self.preflight;
                let theirs = |name: &HeaderName| name.as_str().starts_with("access-control-");
                let fields = response.headers_mut();
                let names: Vec<HeaderName> = fields.keys().filter(|n| theirs(n)).cloned().collect();
                names.iter().filter(|_| !preflight).for_each(|name| drop(fields.remove(name)));
                // Whoever asks: a cache must not give one origin's answer to another.
                if !self.route.same_for_all() {
                    fields.append(header::VARY, HeaderValue::from_static("origin"));
                }
                self.allow(fields);
            }
            // A refusal is kept by no cache. Without an origin that is admitted it says nothing,
            // and so does not tell that there is such a route.
            Err(refusal) if self.origin.is_some() => {
                let fields = refusal.headers.get_or_insert_default();
                fields.append(header::VARY, HeaderValue::from_static("origin"));
                self.allow(fields);
            }
            Err(_) => {}
        }
    }

    fn allow(&self, fields: &mut HeaderMap) {
        let Some(origin) = &self.origin else { return };
        fields.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if self.route.cors.credentials {
            let yes = HeaderValue::from_static("true");
            fields.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
        if let Some(expose) = self.route.expose.as_ref().filter(|_| !self.preflight) {
            fields.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Code;

    fn crossed(cors: &str, origin: Option<&'static str>) -> Crossed {
        let text = format!(r#"{{"route":"GET /","cors":{cors}}}"#);
        let trigger: HttpTrigger = serde_json::from_str(&text).expect(&text);
        let route = Crossing::of(&trigger).expect("a route with cors");
        let origin = origin.and_then(|origin| route.admit(&HeaderValue::from_static(origin)));
        Crossed { route: Arc::new(route), origin, preflight: false }
    }

    fn stamped(page: &Crossed) -> HeaderMap {
        let mut response = Response::new(ReplyBody::whole(bytes::Bytes::new()));
        for (name, value) in [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-private-network", "true"),
            ("vary", "accept"),
            ("x-mine", "1"),
        ] {
            response.headers_mut().append(name, HeaderValue::from_static(value));
        }
        let mut outcome = Ok(response);
        page.stamp(&mut outcome);
        outcome.map(|response| response.headers().clone()).expect("an answer")
    }

    #[test]
    fn what_a_guest_says_to_browsers_is_replaced() {
        const CORS: &str = r#"{"origins":["https://a.example"]}"#;
        let all = |headers: &HeaderMap| {
            let mut all: Vec<String> = headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
                .collect();
            all.sort();
            all
        };
        let page = stamped(&crossed(CORS, Some("https://a.example")));
        let origin = "access-control-allow-origin: https://a.example";
        assert_eq!(all(&page), [origin, "vary: accept", "vary: origin", "x-mine: 1"]);
        for origin in [None, Some("https://evil.example"), Some("null")] {
            let page = stamped(&crossed(CORS, origin));
            assert_eq!(all(&page), ["vary: accept", "vary: origin", "x-mine: 1"], "{origin:?}");
        }
    }

    #[test]
    fn a_refusal_speaks_to_admitted_origins_only() {
        let refusal = |origin| {
            let mut outcome = Err(Code::CredentialRequired.into());
            crossed(r#"{"origins":["https://a.example"]}"#, origin).stamp(&mut outcome);
            outcome.err().and_then(|refusal: Refusal| refusal.headers)
        };
        assert!(refusal(Some("https://evil.example")).is_none());
        assert!(refusal(None).is_none());
        let headers = refusal(Some("https://a.example")).expect("fields");
        assert_eq!(
            headers.get("access-control-allow-origin").expect("a field"),
            "https://a.example"
        );
    }
}
