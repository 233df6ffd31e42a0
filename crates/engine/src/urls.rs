//! Addresses of functions: hosts of their own, beside all routes.
//!
//! An address that wants signatures takes nothing else, and one that does not takes what a public
//! route takes. Whether somebody may call is decided by grants and policies, as everywhere.
//!
//! Invariant: a signature is believed only after the whole body was compared with it.

use crate::beside::Kept;
use crate::catalog::{Catalog, View};
use crate::crossing::Crossing;
use crate::function::{Endpoint, Function};
use crate::invoke::{Outcomes, Refusal, whole};
use crate::request::request_host;
use crate::signer::Unsigned;
use crate::stage::Throttled;
use crate::wiring::Engine;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http_body_util::{BodyExt as _, Full};
use identity::sigv4::Sent;
use model::beside::{Url, WHOLE, split_address};
use model::manifest::{Auth, HttpTrigger};
use model::route::Route;
use model::{Code, Scope};
use ports::executor::RequestBody;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The service that requests are signed for.
const SERVICE: &str = "lambda";
/// Most bytes of a body that is compared with a signature.
const BODY_BYTES_MAX: u64 = 6 << 20;

/// What an address leads to.
pub(crate) struct Address {
    pub(crate) scope: Scope,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) pattern: Arc<str>,
}

/// What of a function an address is for.
pub(crate) struct Aim {
    kept: Arc<Kept>,
    /// An alias; what is active if empty.
    word: String,
    pub(crate) signed: bool,
}

impl Aim {
    /// Who answers one request.
    pub(crate) fn pick(&self, head: &Arc<Function>) -> Option<Arc<Function>> {
        if self.word.is_empty() {
            return Some(Arc::clone(head));
        }
        match self.kept.row.beside.version(&self.word, fastrand::u32(..WHOLE))? {
            None => Some(Arc::clone(head)),
            Some(number) => self.kept.versions.get(&number).map(Arc::clone),
        }
    }
}

/// The addresses of all functions of a view, by their ids.
pub(crate) fn addresses(scope: &Scope, view: &View) -> Vec<(String, Address)> {
    let mut all = Vec::new();
    for (name, kept) in view.beside.iter().filter(|(_, kept)| !kept.row.beside.urls.is_empty()) {
        let Some(head) = view.functions.get(name) else { continue };
        for (word, url) in &kept.row.beside.urls {
            let http = trigger(url);
            let pattern = http.route.to_string().into();
            let aim = Aim { kept: Arc::clone(kept), word: word.clone(), signed: url.signed };
            let crossing = Crossing::of(&http).map(Arc::new);
            let endpoint = Endpoint::at(head, http, crossing, aim);
            let address = Address { scope: scope.clone(), endpoint: Arc::new(endpoint), pattern };
            all.push((url.id.clone(), address));
        }
    }
    all
}

fn trigger(url: &Url) -> HttpTrigger {
    let host = Some(format!("{}.lambda-url", url.id));
    let route = Route { method: "*".to_owned(), host, path: "/{*rest}".to_owned() };
    let auth = if url.signed { Auth::Token } else { Auth::Public };
    HttpTrigger { cors: url.cors.clone(), ..HttpTrigger::new(route, auth) }
}

/// All of them.
pub(crate) type Addresses = HashMap<String, Address>;

impl Catalog {
    /// The address that a host is, if it is one. `own` is the domain below which all addresses are.
    pub(crate) fn address(&self, host: Option<&str>, own: &str) -> Option<&Address> {
        if self.addresses.is_empty() {
            return None;
        }
        let (id, domain) = split_address(host?)?;
        let address = self.addresses.get(id)?;
        // Whoever has `shop.example` has what pages below it say and set, be it by way of a name that
        // leads here: nobody else's function answers there.
        let mut above = std::iter::successors(Some(domain), |it| Some(it.split_once('.')?.1));
        let open = domain == own || above.all(|it| self.is_open(it, &address.scope));
        open.then_some(address)
    }
}

impl Engine {
    /// Reads the signature of a request for an address that wants one. Without a signature that is
    /// valid it is nobody's.
    pub(crate) async fn proven(&self, throttled: Throttled) -> Outcomes<Throttled> {
        let wanted = {
            let catalog = self.catalog.load();
            let host = request_host(&throttled.received.request);
            let address = catalog.address(host.as_deref(), &self.config.addresses);
            let signed = address.filter(|it| it.endpoint.aim.as_ref().is_some_and(|it| it.signed));
            signed.map(|address| {
                let limits = &address.endpoint.function.unit.limits;
                (
                    address.scope.clone(),
                    limits.request_body_bytes.min(BODY_BYTES_MAX),
                    limits.wall_ms,
                )
            })
        };
        match wanted {
            None => Ok(throttled),
            Some((scope, most, wall_ms)) => {
                Box::pin(self.prove(throttled, scope, most, Duration::from_millis(wall_ms))).await
            }
        }
    }

    async fn prove(
        &self,
        mut throttled: Throttled,
        scope: Scope,
        most: u64,
        patience: Duration,
    ) -> Outcomes<Throttled> {
        let Some(peer) = throttled.received.peer else { return Ok(throttled) };
        let nothing: RequestBody = Full::default().map_err(|never| match never {}).boxed_unsync();
        let taken = std::mem::replace(&mut throttled.received.request, http::Request::new(nothing));
        let (mut head, body) = taken.into_parts();
        let claim = self.announced(&sent(&head, &fields(&head)), SERVICE, peer).map_err(refusal)?;
        let body = tokio::time::timeout(patience, whole(body, most)).await;
        let body = body.unwrap_or_else(|_| Err(Code::ClientSlow.into()))?;
        let once = !head.method.is_safe();
        let digest = crate::sha256(&body);
        let signer = self
            .signer(&claim, &sent(&head, &fields(&head)), &digest.0, peer, once)
            .map_err(refusal)?;
        // A token of one place is unknown in all others.
        if signer.scope != scope {
            return Err(Code::CredentialRequired.into());
        }
        head.headers.remove(AUTHORIZATION);
        let body: RequestBody = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        throttled.received.request = http::Request::from_parts(head, body);
        throttled.received.signed = Some(signer.name);
        Ok(throttled)
    }
}

fn fields(head: &Parts) -> Vec<(&str, &[u8])> {
    head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

fn sent<'a>(head: &'a Parts, fields: &'a [(&'a str, &'a [u8])]) -> Sent<'a> {
    Sent {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        fields,
    }
}

fn refusal(unsigned: Unsigned) -> Refusal {
    match unsigned {
        Unsigned::Wrong(wrong) => {
            tracing::debug!(%wrong, "a signature is not valid");
            Code::CredentialRequired.into()
        }
        Unsigned::NoSuchKey | Unsigned::Replayed => Code::CredentialRequired.into(),
        Unsigned::Later(wait) => Refusal::later(Code::TooManyFailures, wait),
        Unsigned::Failed(problem) => problem.into(),
    }
}
