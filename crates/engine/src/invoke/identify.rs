//! Identified: which function a request is for, and who asks.

use super::{Outcomes, Refusal};
use crate::function::Function;
use crate::request::{method_name, request_host, take_credentials};
use crate::router::{Found, UnsafePath};
use crate::slots::CallerKey;
use crate::stage::{Identified, Received, Throttled};
use crate::wiring::Engine;
use identity::Identity;
use model::wire::v1::{Caller, Trigger};
use model::{Code, Problem};
use policy::{Asker, InvokeAsk};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

impl Engine {
    /// Finds the function and the caller. Credentials of the platform end here.
    pub(super) fn identify(&self, mut throttled: Throttled) -> Outcomes<Identified> {
        let catalog = self.catalog.load();
        let credentials = take_credentials(&mut throttled.received.request);
        let request = &throttled.received.request;
        let host = request_host(request);
        let Some(view) = catalog.serving(host.as_deref(), &self.config.scope) else {
            return Err(Code::CredentialRequired.into());
        };
        // Tokens are looked up where the function lives: a token of another scope is unknown there.
        let identity = identity::identify(&credentials, &view.verifier, throttled.received.at);
        let (endpoint, pattern) = match view.router.find(
            request.method().as_str(),
            host.as_deref(),
            request.uri().path(),
        ) {
            Err(UnsafePath) => {
                return Err(Problem::new(Code::Malformed)
                    .detail("the path has dot segments or encoded separators")
                    .into());
            }
            Ok(Found::Nothing) => return Err(nothing_for(&identity)),
            Ok(Found::OtherMethods { target, methods }) => {
                let known = &target.function;
                return Err(self.other_method(&throttled.received, &identity, known, &methods));
            }
            Ok(Found::Route { target, pattern }) => (Arc::clone(target), Arc::clone(pattern)),
        };
        let (caller, caller_key) = match (identity, &throttled.received.peer) {
            (Identity::Rejected, _) => return Err(Code::CredentialRequired.into()),
            (Identity::Token(name), _) => {
                let key = key_of(&name);
                (Caller::Token(name), key)
            }
            (Identity::Anonymous, peer) => (Caller::Anonymous, key_of(peer)),
        };
        let trigger = Trigger::Http { method: method_name(request.method()), route: pattern };
        let function = Arc::clone(&endpoint.function);
        Ok(Identified {
            throttled,
            caller,
            caller_key,
            function,
            endpoint: Some(endpoint),
            trigger,
        })
    }

    /// A known path with another method says so only to those who may call it.
    fn other_method(
        &self,
        received: &Received,
        identity: &Identity,
        function: &Function,
        methods: &[&str],
    ) -> Refusal {
        let caller = match identity {
            Identity::Token(name) => Caller::Token(name.clone()),
            Identity::Anonymous => Caller::Anonymous,
            Identity::Rejected => return Code::CredentialRequired.into(),
        };
        let allowed = methods.iter().any(|method| {
            let ask = InvokeAsk {
                principal: Asker::from(&caller),
                function: function.reference(),
                source: received.peer,
                method,
                route: "",
                trigger: "http",
            };
            function.policies.decide_invoke(&ask).is_ok()
        });
        if !allowed {
            return nothing_for(identity);
        }
        let mut allow: Vec<http::Method> =
            methods.iter().filter_map(|method| method.parse().ok()).collect();
        if allow.contains(&http::Method::GET) {
            allow.push(http::Method::HEAD);
        }
        Refusal { allow, ..Code::MethodNotAllowed.into() }
    }
}

/// Strangers are asked for a credential, whatever the path; others are told that nothing is there.
fn nothing_for(identity: &Identity) -> Refusal {
    match identity {
        Identity::Token(_) => Code::NotFound.into(),
        Identity::Anonymous | Identity::Rejected => Code::CredentialRequired.into(),
    }
}

pub(super) fn key_of(caller: &impl Hash) -> CallerKey {
    let mut hasher = DefaultHasher::new();
    caller.hash(&mut hasher);
    CallerKey(hasher.finish())
}
