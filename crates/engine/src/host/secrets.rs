//! Putting secrets into requests, refusing their placeholders elsewhere, and covering what comes
//! back of them.
//!
//! Invariant: a value goes into a request only after the request itself was permitted, and only
//! with a permit of its own for that very address.

mod cover;
mod put;

pub(super) use cover::{Covering, Used, Watch};

use super::Broker;
use super::record::{Entry, Step};
use crate::secrets::Use;
use model::{Code, Labels, Secret};
use policy::{CallPermit, Denial, SecretAsk};
use ports::host::{HostError, HttpCall};
use ports::outbound::Failure;
use put::Slot;

impl Broker {
    /// The request with the function's secrets in it, or why it is not sent.
    pub(super) fn with_secrets(
        &self,
        request: &Step,
        mut call: HttpCall,
        url: &str,
    ) -> Result<HttpCall, HostError> {
        let uses = &self.function.secrets;
        if uses.is_empty() {
            return Ok(call);
        }
        let wanted = |using: &&Use| {
            self.function.policies.wants_secret(SecretAsk { name: &using.name, url })
        };
        self.in_place(request, &call, |using| wanted(&using))?;
        for using in uses.iter().filter(wanted) {
            if put::slot(using, &call) != Slot::Foreign {
                self.put(using, &mut call, url).inspect_err(|_| {
                    self.enter(request, &Entry::denied());
                })?;
            }
        }
        Ok(call)
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

    fn put(&self, using: &Use, call: &mut HttpCall, url: &str) -> Result<(), HostError> {
        let name = using.name.to_string();
        let step = self.begin("secret.use", name, url.as_bytes(), Labels::NONE);
        let ask = SecretAsk { name: &using.name, url };
        let permit = self.function.policies.decide_secret(ask);
        let permit = permit.map_err(|denial| self.denied(&step, &denial))?;
        let scope = &self.function.reference().scope;
        let (value, weak) = using.open(self.parts().keys.as_ref(), scope).map_err(|problem| {
            let hint = problem.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
            self.failed(&step, HostError::Denied, &format!("{problem}{hint}"))
        })?;
        if !weak {
            self.used.lock().add(&using.name, &value);
        }
        self.place(permit, &step, using, call, &value)?;
        self.done(&step, value.expose().len() as u64);
        Ok(())
    }

    fn place(
        &self,
        _permit: CallPermit,
        step: &Step,
        using: &Use,
        call: &mut HttpCall,
        value: &Secret<Vec<u8>>,
    ) -> Result<(), HostError> {
        put::into(using, call, value.expose()).ok_or_else(|| {
            let code = Code::SecretUnusable;
            let why = format!("{}: {}", code.text(), code.title());
            self.failed(step, HostError::Upstream(Failure::Request), &why)
        })
    }

    /// A placeholder stands where its secret may not go.
    fn misplaced(&self, using: &Use) -> HostError {
        let step = self.begin("secret.use", using.name.to_string(), b"", Labels::NONE);
        self.denied(&step, &Denial::of(Code::SecretMisplaced))
    }
}
