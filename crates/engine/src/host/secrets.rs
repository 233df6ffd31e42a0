//! Putting secrets into requests and signing with them, refusing their placeholders elsewhere, and
//! covering what comes back of them.
//!
//! Invariant: a value is used for a request only after the request itself was permitted, and only
//! with a permit of its own for that very address.

mod cover;
mod dressed;
mod gather;
mod put;
mod reveal;
mod sign;
mod token;

pub(super) use cover::{Covering, Used, Watch};
pub(super) use dressed::Dressed;
pub(crate) use gather::{BODY_BYTES_MAX, Gathered, Hold};
pub(crate) use token::Tokens;

use super::Broker;
use super::record::{Entry, Step};
use crate::secrets::Use;
use model::manifest::Form;
use model::{Code, Labels, Problem, Secret};
use policy::{CallPermit, Denial, SecretAsk};
use ports::host::{Body, HostError, HttpCall};
use ports::outbound::Failure;
use put::Slot;

/// A value that may be used, with what it is used for.
struct Opened {
    step: Step,
    _permit: CallPermit,
    value: Secret<Vec<u8>>,
}

impl Broker {
    /// The request with the function's secrets in it, or why it is not sent.
    pub(super) async fn with_secrets(
        &self,
        request: &Step,
        call: HttpCall,
        body: Option<Body>,
        url: &str,
    ) -> Result<Dressed, HostError> {
        let mut dressed = Dressed::plain(call, body);
        let uses = &self.function.secrets;
        if uses.is_empty() {
            return Ok(dressed);
        }
        let wanted = |using: &&Use| {
            self.function.policies.wants_secret(SecretAsk { name: &using.name, url })
        };
        self.in_place(request, &dressed.call, |using| wanted(&using))?;
        let mut due: Vec<&Use> = uses.iter().filter(wanted).collect();
        // What is signed has everything else in it already.
        due.sort_by_key(|using| using.turn());
        for using in due {
            if put::slot(using, &dressed.call) != Slot::Foreign {
                let put = Box::pin(self.put(request, using, &mut dressed, url)).await;
                put.inspect_err(|_| {
                    self.enter(request, &Entry::denied());
                })?;
            }
        }
        if let Some(using) = uses.iter().find(|using| dressed.holds(&using.placeholder)) {
            let error = self.misplaced(using);
            self.enter(request, &Entry::denied());
            return Err(error);
        }
        Ok(dressed)
    }

    /// No secret goes from function to function, and so no placeholder either.
    pub(super) fn without_secrets(&self, request: &Step, call: &HttpCall) -> Result<(), HostError> {
        self.in_place(request, call, |_| false)
    }

    /// Refuses a request with a placeholder where its secret may not go.
    fn in_place(
        &self,
        request: &Step,
        call: &HttpCall,
        wanted: impl Fn(&Use) -> bool,
    ) -> Result<(), HostError> {
        match self.function.secrets.iter().find(|it| put::misplaced(it, call, wanted(it))) {
            Some(using) => {
                let error = self.misplaced(using);
                self.enter(request, &Entry::denied());
                Err(error)
            }
            None => Ok(()),
        }
    }

    /// Uses one secret for a request.
    async fn put(
        &self,
        request: &Step,
        using: &Use,
        dressed: &mut Dressed,
        url: &str,
    ) -> Result<(), HostError> {
        match &using.form {
            Form::Body(field) => self.fill(request, using, field, dressed, url).await,
            Form::SigV4(form) => self.sign_aws(request, using, form, dressed, url).await,
            Form::Hmac(mac) => self.sign_own(request, using, mac, dressed, url).await,
            Form::OAuth2(form) => self.put_token(request, using, form, dressed, url).await,
            // It goes nowhere by itself.
            Form::Reveal => Ok(()),
            Form::Header { .. } | Form::Query(_) | Form::Basic(_) => {
                let opened = self.open(using, url).await?;
                put::into(using, &mut dressed.call, opened.value.expose())
                    .ok_or_else(|| self.unusable(&opened.step, Code::SecretUnusable))?;
                self.used(&opened);
                Ok(())
            }
        }
    }

    /// The value of a secret, if it may be used for a request to `url`.
    async fn open(&self, using: &Use, url: &str) -> Result<Opened, HostError> {
        let name = using.name.to_string();
        let step = self.begin("secret.use", name, url.as_bytes(), Labels::NONE);
        let ask = SecretAsk { name: &using.name, url };
        let permit = self.function.policies.decide_secret(ask);
        let permit = permit.map_err(|denial| self.denied(&step, &denial))?;
        let (value, weak) = self.value(&step, using).await?;
        if !weak {
            self.cover(&using.name, &value);
        }
        Ok(Opened { step, _permit: permit, value })
    }

    /// The value of a secret, and whether it is weak.
    async fn value(&self, step: &Step, using: &Use) -> Result<(Secret<Vec<u8>>, bool), HostError> {
        let scope = &self.function.reference().scope;
        self.engine.value_of(scope, using).await.map_err(|problem| {
            let hint = problem.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
            self.failed(step, HostError::Denied, &format!("{problem}{hint}"))
        })
    }

    /// A secret was used.
    fn used(&self, opened: &Opened) {
        self.done(&opened.step, opened.value.expose().len() as u64);
    }

    /// A value, or what it was to be put into, is not fit for its use.
    fn unusable(&self, step: &Step, code: Code) -> HostError {
        let why = Problem::new(code).to_string();
        self.failed(step, HostError::Upstream(Failure::Request), &why)
    }

    /// A placeholder stands where its secret may not go.
    fn misplaced(&self, using: &Use) -> HostError {
        let step = self.begin("secret.use", using.name.to_string(), b"", Labels::NONE);
        self.denied(&step, &Denial::of(Code::SecretMisplaced))
    }
}
