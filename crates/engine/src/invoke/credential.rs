//! What a request shows about its sender, as far as its route takes it.
//!
//! Invariant: a credential that the route takes is removed from the request, valid or not; others
//! belong to the guest and stay.
//! Invariant: a credential that the route takes and that is not valid ends the request. Nobody is
//! somebody else, or nobody, because the first thing that he showed was wrong.
//! Invariant: whoever shows a valid credential of any kind learns the same of everything that he
//! may not call, and whoever does not learns another same (see [`Engine::nothing_for`]).

use super::{Outcomes, Refusal};
use crate::guard::Origin;
use crate::request::take_credentials;
use crate::stage::Received;
use crate::wiring::Engine;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use identity::jwt::Vouched;
use identity::{Credentials, Identity, Tokens};
use model::Code;
use model::manifest::Auth;
use model::wire::v1::Caller;
use std::sync::Arc;
use std::time::Duration;

/// Who asks, and what is known about them.
pub(super) struct Shown {
    pub(super) caller: Caller,
    pub(super) vouched: Option<Arc<Vouched>>,
}

impl From<Caller> for Shown {
    fn from(caller: Caller) -> Self {
        Self { caller, vouched: None }
    }
}

impl From<Arc<Vouched>> for Shown {
    fn from(vouched: Arc<Vouched>) -> Self {
        let (issuer, subject) = (vouched.issuer.clone(), vouched.subject.clone());
        Self { caller: Caller::Jwt { issuer, subject }, vouched: Some(vouched) }
    }
}

impl Engine {
    /// Finds out who asks, by the ways that the route has. `tokens` are those of the scope that
    /// the function lives in: a token of another scope is unknown there.
    pub(super) fn who_asks(
        &self,
        received: &mut Received,
        tokens: &Tokens,
        auth: &Auth,
    ) -> Outcomes<Shown> {
        let ours = take_credentials(&mut received.request);
        let mut theirs = Vec::new();
        for issuer in auth.issuers() {
            let config = self.config.issuers.config(issuer);
            theirs.extend(config.map(|it| take(received.request.headers_mut(), &it.header)));
        }
        let mut theirs = theirs.into_iter().flatten();
        match (ours.is_absent(), theirs.next(), theirs.next()) {
            (false, None, _) => self.token(received, &ours, tokens),
            (true, Some(value), None) => self.vouched(received, &value).map(Shown::from),
            (true, None, _) => self.certificate(received, auth),
            // Two credentials: servers could disagree about which one counts.
            _ => Err(self.rejected(received, Origin::of(received.peer, None))),
        }
    }

    fn token(
        &self,
        received: &Received,
        credentials: &Credentials,
        tokens: &Tokens,
    ) -> Outcomes<Shown> {
        let origin = Origin::of(received.peer, credentials.token_id());
        let text = credentials.bearer().unwrap_or_default();
        if let Some(wait) = self.guard.wait(origin, received.began)
            && !self.guard.trusts(origin, text)
        {
            return Err(self.held_up(received, origin, wait));
        }
        match identity::identify(credentials, tokens, received.at) {
            Identity::Token(name) => {
                self.guard.trust(origin, text);
                Ok(Caller::Token(name).into())
            }
            Identity::Rejected | Identity::Anonymous => Err(self.rejected(received, origin)),
        }
    }

    /// What an issuer vouches for, by a token that it gave.
    fn vouched(&self, received: &Received, value: &HeaderValue) -> Outcomes<Arc<Vouched>> {
        let issuers = &self.config.issuers;
        let origin = Origin::of(received.peer, None);
        let text = bearer(value).unwrap_or_default();
        if let Some(wait) = self.guard.wait(origin, received.began)
            && !issuers.is_warm(text)
        {
            return Err(self.held_up(received, origin, wait));
        }
        issuers.verify(text, received.at).map_err(|why| {
            tracing::debug!(why, "the token of an issuer is not valid");
            self.rejected(received, origin)
        })
    }

    fn certificate(&self, received: &Received, auth: &Auth) -> Outcomes<Shown> {
        let Some(der) = received.certificate.as_deref().filter(|_| auth.takes_certificates())
        else {
            return Ok(Caller::Anonymous.into());
        };
        match self.certificates.name(der, received.at) {
            Some(subject) => Ok(Caller::Certificate(subject).into()),
            None => {
                tracing::debug!("a client certificate names nobody, or not now");
                Err(Code::CredentialRequired.into())
            }
        }
    }

    /// What somebody learns for whom there is nothing. Strangers are asked for a credential,
    /// whatever the path; whoever has one learns that nothing is there, also where the route does
    /// not take it.
    pub(super) fn nothing_for(&self, received: &Received, caller: &Caller) -> Refusal {
        if *caller != Caller::Anonymous {
            return Code::NotFound.into();
        }
        let certificate = received.certificate.as_deref();
        if certificate.is_some_and(|der| self.certificates.name(der, received.at).is_some()) {
            return Code::NotFound.into();
        }
        let headers = received.request.headers();
        let fields = self.config.issuers.headers().filter(|name| *name != AUTHORIZATION.as_str());
        let shown = fields.chain([AUTHORIZATION.as_str()]).find_map(|name| headers.get(name));
        match shown.map(|value| self.vouched(received, value)) {
            None => Code::CredentialRequired.into(),
            Some(Ok(_)) => Code::NotFound.into(),
            Some(Err(refusal)) => refusal,
        }
    }

    /// The one answer to a credential that is not valid, for whatever reason.
    fn rejected(&self, received: &Received, origin: Origin) -> Refusal {
        self.guard.failed(origin, received.began);
        Code::CredentialRequired.into()
    }

    fn held_up(&self, received: &Received, origin: Origin, wait: Duration) -> Refusal {
        self.guard.failed(origin, received.began);
        Refusal::later(Code::TooManyFailures, wait)
    }
}

/// Takes a field out of a request: nothing if it is absent, and one value that is no credential if
/// it comes twice.
fn take(headers: &mut HeaderMap, name: &str) -> Option<HeaderValue> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let twice = headers.get_all(&name).iter().nth(1).is_some();
    let value = headers.remove(&name)?;
    Some(if twice { HeaderValue::from_static("") } else { value })
}

/// The token in a field: behind `Bearer` and one space, or alone.
pub(super) fn bearer(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    match text.split_once(' ') {
        Some((scheme, token)) => scheme.eq_ignore_ascii_case("bearer").then_some(token),
        None => Some(text),
    }
}
