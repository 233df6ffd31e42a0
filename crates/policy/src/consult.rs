//! The operator's policies on what functions ask of the host.

use crate::calls::{SecretAsk, StoreAsk};
use crate::target::Url;
use crate::verdict::Denial;
use crate::{Error, FunctionPolicies};
use cedar_policy::{
    Context, Decision, Entities, EntityUid, PolicySet, Request, RestrictedExpression,
};

impl FunctionPolicies {
    /// Whether a policy of the operator permits the request. `false` if none speaks of it.
    pub(crate) fn consult_http(&self, method: &str, url: &Url) -> Result<bool, Denial> {
        let set = &self.policies.on_http;
        if set.is_empty() {
            return Ok(false);
        }
        let words = &self.policies.vocabulary;
        let pairs = [("method", method), ("path", url.path())];
        self.ask_operator(set, &words.http, words.host(&url.origin()), &pairs)
    }

    /// Whether a policy of the operator permits the use. `false` if none speaks of it.
    pub(crate) fn consult_store(&self, ask: &StoreAsk<'_>) -> Result<bool, Denial> {
        let set = &self.policies.on_keyvalue;
        if set.is_empty() {
            return Ok(false);
        }
        let words = &self.policies.vocabulary;
        let store = words.store(&self.function.scope, ask.name);
        let mut pairs = vec![("access", ask.access.word())];
        pairs.extend(ask.key.map(|key| ("key", key)));
        self.ask_operator(set, &words.keyvalue, store, &pairs)
    }

    /// Whether a policy of the operator permits the use. `false` if none speaks of it.
    pub(crate) fn consult_blob(&self, ask: &StoreAsk<'_>) -> Result<bool, Denial> {
        let set = &self.policies.on_blob;
        if set.is_empty() {
            return Ok(false);
        }
        let words = &self.policies.vocabulary;
        let container = words.container(&self.function.scope, ask.name);
        let mut pairs = vec![("access", ask.access.word())];
        pairs.extend(ask.key.map(|name| ("name", name)));
        self.ask_operator(set, &words.blob, container, &pairs)
    }

    /// Whether a policy of the operator permits the connection. `false` if none speaks of it.
    pub(crate) fn consult_tcp(&self, destination: &model::Destination) -> Result<bool, Denial> {
        let set = &self.policies.on_tcp;
        if set.is_empty() {
            return Ok(false);
        }
        let words = &self.policies.vocabulary;
        self.ask_operator(set, &words.tcp, words.host(&format!("tcp://{destination}")), &[])
    }

    /// Whether a policy of the operator permits the use. `false` if none speaks of it.
    pub(crate) fn consult_secret(&self, ask: &SecretAsk<'_>, url: &Url) -> Result<bool, Denial> {
        let set = &self.policies.on_secret;
        if set.is_empty() {
            return Ok(false);
        }
        let words = &self.policies.vocabulary;
        let secret = words.secret_of(&self.function.scope, ask.name);
        let origin = url.origin();
        let pairs = [("host", origin.as_str()), ("path", url.path())];
        self.ask_operator(set, &words.secret, secret, &pairs)
    }

    /// Whether a policy of the operator permits to read it. `false` if none speaks of it.
    pub(crate) fn consult_reveal(&self, name: &model::SecretName) -> Result<bool, Denial> {
        let set = &self.policies.on_reveal;
        if set.is_empty() {
            return Ok(false);
        }
        let words = &self.policies.vocabulary;
        self.ask_operator(set, &words.reveal, words.secret_of(&self.function.scope, name), &[])
    }

    pub(crate) fn ask_operator(
        &self,
        set: &PolicySet,
        action: &EntityUid,
        resource: EntityUid,
        pairs: &[(&str, &str)],
    ) -> Result<bool, Denial> {
        let broken = |error: Error| Denial::error(Vec::new(), &error.to_string());
        let request = self.request(action, resource, pairs).map_err(broken)?;
        let words = &self.policies.vocabulary;
        let response = words.authorizer.is_authorized(&request, set, &Entities::empty());
        let findings = crate::function::Findings::of(&response);
        findings.failure()?;
        match response.decision() {
            Decision::Allow => Ok(true),
            Decision::Deny => findings.forbidden().map(|()| false),
        }
    }

    fn request(
        &self,
        action: &EntityUid,
        resource: EntityUid,
        pairs: &[(&str, &str)],
    ) -> Result<Request, Error> {
        let scope = &self.function.scope;
        let place =
            [("tenant", scope.tenant.as_str()), ("environment", scope.environment.as_str())];
        let pairs = pairs.iter().chain(&place).map(|(key, text)| {
            ((*key).to_owned(), RestrictedExpression::new_string((*text).to_owned()))
        });
        let words = &self.policies.vocabulary;
        let context = Context::from_pairs(pairs).map_err(Error::invariant)?;
        let function = words.function(&self.function);
        Request::new(function, action.clone(), resource, context, Some(&words.schema))
            .map_err(Error::invariant)
    }
}
