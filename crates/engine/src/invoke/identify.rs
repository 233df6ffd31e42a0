//! Identified: which function a request is for, and who asks.

use super::credential::Shown;
use super::{Outcomes, Refusal};
use crate::catalog::View;
use crate::function::Endpoint;
use crate::guard::network;
use crate::request::{method_name, request_host};
use crate::router::{Found, UnsafePath, normalise};
use crate::slots::CallerKey;
use crate::stage::{Identified, Received, Throttled};
use crate::wiring::Engine;
use model::manifest::Auth;
use model::wire::v1::{Caller, Trigger};
use model::{Claims, Code, Problem};
use policy::{Asker, InvokeAsk};
use std::sync::Arc;

impl Engine {
    /// Finds the function and the caller. Credentials of the platform end here.
    pub(crate) fn identify(&self, mut throttled: Throttled) -> Outcomes<Identified> {
        let catalog = self.catalog.load();
        let received = &mut throttled.received;
        let host = request_host(&received.request);
        let request = &received.request;
        let address = catalog.address(host.as_deref(), &self.config.addresses);
        let (view, endpoint, pattern) = match address {
            Some(address) => {
                normalise(request.uri().path()).map_err(|UnsafePath| unsafe_path())?;
                let Some(view) = catalog.view(&address.scope) else {
                    return Err(self.nothing_for(received, &Caller::Anonymous));
                };
                (view, Arc::clone(&address.endpoint), Arc::clone(&address.pattern))
            }
            None => {
                let Some(view) = catalog.serving(host.as_deref(), &self.config.scope) else {
                    return Err(self.nothing_for(received, &Caller::Anonymous));
                };
                let method = request.method().as_str();
                match view.router.find(method, host.as_deref(), request.uri().path()) {
                    Err(UnsafePath) => return Err(unsafe_path()),
                    Ok(Found::Nothing) => {
                        let shown = self.who_asks(received, &view.verifier, &Auth::Token)?;
                        return Err(self.nothing_for(received, &shown.caller));
                    }
                    Ok(Found::OtherMethods { target, methods }) => {
                        return Err(self.other_method(received, view, target, &methods));
                    }
                    Ok(Found::Route { target, pattern }) => {
                        (view, Arc::clone(target), Arc::clone(pattern))
                    }
                }
            }
        };
        if let Some(noted) = &received.noted {
            noted.meet(&pattern, &endpoint.function.reference().name);
        }
        let Shown { caller, vouched } = match &endpoint.aim {
            // Nothing else counts there, and it was looked at with the body.
            Some(aim) if aim.signed => {
                received.signed.take().map_or(Caller::Anonymous, Caller::Token).into()
            }
            _ => self.who_asks(received, &view.verifier, &endpoint.http.auth)?,
        };
        let caller_key = match &caller {
            Caller::Anonymous => CallerKey::of(&received.peer.map(network)),
            named => CallerKey::of(named),
        };
        let method = method_name(received.request.method());
        let trigger = Trigger::Http { method, route: pattern };
        let function = endpoint.answers().ok_or(Code::NotFound)?;
        Ok(Identified {
            throttled,
            caller,
            caller_key,
            vouched,
            function,
            endpoint: Some(endpoint),
            trigger,
        })
    }

    /// A known path with another method says so only to those who may call it.
    fn other_method(
        &self,
        received: &mut Received,
        view: &View,
        endpoint: &Endpoint,
        methods: &[&str],
    ) -> Refusal {
        let Shown { caller, vouched } =
            match self.who_asks(received, &view.verifier, &endpoint.http.auth) {
                Ok(shown) => shown,
                Err(refusal) => return refusal,
            };
        let claims = vouched.as_ref().map_or(Claims::NONE, |vouched| &vouched.claims);
        let taken = endpoint.turns_away(&caller, claims, received.peer).is_none();
        let allowed = taken
            && methods.iter().any(|method| {
                let ask = InvokeAsk {
                    principal: Asker::from(&caller),
                    function: endpoint.function.reference(),
                    source: received.peer,
                    method,
                    route: "",
                    trigger: "http",
                    claims,
                };
                endpoint.function.policies.decide_invoke(&ask).is_ok()
            });
        if !allowed {
            return self.nothing_for(received, &caller);
        }
        let mut allow: Vec<http::Method> =
            methods.iter().filter_map(|method| method.parse().ok()).collect();
        if allow.contains(&http::Method::GET) {
            allow.push(http::Method::HEAD);
        }
        Refusal { allow, ..Code::MethodNotAllowed.into() }
    }
}

fn unsafe_path() -> Refusal {
    let detail = "the path has dot segments or encoded separators";
    Problem::new(Code::Malformed).detail(detail).into()
}
