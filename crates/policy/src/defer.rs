//! The decision whether somebody may have a function work later.
//!
//! It is taken beside the one about invoking, never in its place: a caller that leaves work behind
//! must be allowed to have it done.

use crate::function::Findings;
use crate::reads::Reads;
use crate::verdict::{CallPermit, Denial, command};
use crate::{Asker, Error, FunctionPolicies, InvokeAsk};
use cedar_policy::Decision;
use model::{Action, Code, Grant, Principal};

/// What an ask says of a call that tells a function of the end of another one's.
pub const DESTINATION: &str = "destination";

impl FunctionPolicies {
    /// Decides whether who asks may have the function work later. Nobody without a credential may.
    ///
    /// Takes a [`Permit`](crate::Permit) for the same ask as the proof that it may be invoked.
    ///
    /// # Errors
    /// [`Denial`] with code E0201, or E0202 if a policy could not be evaluated.
    pub fn decide_async(
        &self,
        ask: &InvokeAsk<'_>,
        _invoke: &crate::Permit,
    ) -> Result<CallPermit, Denial> {
        let own = match ask.principal {
            // What its manifest says is told of its calls' ends; its grant to invoke is enough.
            Asker::Function(_) if ask.trigger == DESTINATION => None,
            // A function waits for what it calls.
            Asker::Anonymous | Asker::Function(_) => return Err(Denial::of(Code::Denied)),
            // A trigger does nothing else, so its grant to invoke is enough.
            Asker::Operator | Asker::Trigger(_) => None,
            Asker::Token(name) => Some(Principal::Token(name.clone())),
            Asker::Jwt(issuer, subject) => {
                Some(Principal::Subject(issuer.clone(), subject.clone()))
            }
            Asker::Certificate(subject) => Some(Principal::Certificate(subject.clone())),
        };
        let kind = match ask.principal {
            Asker::Jwt(issuer, _) => Some(Principal::Issuer(issuer.clone())),
            Asker::Certificate(_) => Some(Principal::AnyCertificate),
            _ => None,
        };
        let has = |who: &Principal| self.deferrers.binary_search(who).is_ok();
        let granted =
            own.is_none() || own.as_ref().is_some_and(has) || kind.as_ref().is_some_and(has);
        // An operator's policy can forbid what is granted, so it is asked in any case.
        if self.consult_async(ask)? || granted {
            return Ok(CallPermit::new());
        }
        let grant = own.map(|who| {
            let action = Action::InvokeAsync { function: self.function.name.clone() };
            command(&self.function.scope, &Grant { who, action })
        });
        Err(Denial::no_grant(Code::Denied, grant))
    }

    /// Whether a policy of the operator permits it. `false` if none speaks of it.
    fn consult_async(&self, ask: &InvokeAsk<'_>) -> Result<bool, Denial> {
        let set = &self.policies.on_async;
        if set.is_empty() {
            return Ok(false);
        }
        let broken = |error: Error| Denial::error(Vec::new(), &error.to_string());
        let words = &self.policies.vocabulary;
        let reads = Reads::EVERYTHING;
        let request = words.request_to(&words.invoke_async, ask, reads).map_err(broken)?;
        let entities = words.entities(ask, reads).map_err(broken)?;
        let response = words.authorizer.is_authorized(&request, set, &entities);
        let findings = Findings::of(&response);
        findings.failure()?;
        match response.decision() {
            Decision::Allow => Ok(true),
            Decision::Deny => findings.forbidden().map(|()| false),
        }
    }
}
