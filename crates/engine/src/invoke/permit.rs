//! Permitted: the route and the policies allow it, or who asks learns as little as there is to
//! learn; and who was permitted does not ask too often.

use super::{Outcomes, Refusal};
use crate::guard::network;
use crate::rate::RateKey;
use crate::reply::Ending;
use crate::stage::{Identified, Permitted};
use crate::wiring::Engine;
use model::manifest::By;
use model::wire::v1::{Caller, Outcome, Trigger};
use model::{Code, Problem};
use policy::{Asker, InvokeAsk};

/// What the policies are asked. A call that waited is asked about as it was when it was accepted.
pub(super) fn ask(identified: &Identified) -> InvokeAsk<'_> {
    let (method, route, trigger) = match &identified.trigger {
        Trigger::Http { method, route } => (&**method, &**route, "http"),
        Trigger::Direct { method } => (&**method, "", "direct"),
        Trigger::WebSocket { route, .. } => ("GET", &**route, "websocket"),
        Trigger::Call { method } => (&**method, "", "call"),
        Trigger::Queue { method, route, .. } if route.is_empty() => (&**method, "", "direct"),
        Trigger::Queue { method, route, .. } => (&**method, &**route, "http"),
        Trigger::Schedule { .. } => ("POST", "", "schedule"),
        // Triggers call with what was published; functions only with the ends of their calls.
        Trigger::Event { .. } if matches!(identified.caller, Caller::Function(_)) => {
            ("POST", "", policy::DESTINATION)
        }
        Trigger::Event { .. } => ("POST", "", "event"),
        // Each message was asked about before it became one of a batch.
        Trigger::Batch { name, .. } | Trigger::Batched { name, .. } => {
            ("POST", "", if name.is_some() { "event" } else { "direct" })
        }
    };
    InvokeAsk {
        principal: Asker::from(&identified.caller),
        function: identified.function.reference(),
        source: identified.throttled.received.peer,
        method,
        route,
        trigger,
        claims: identified.claims(),
    }
}

impl Engine {
    pub(crate) fn permit(&self, identified: Identified) -> Outcomes<Permitted> {
        let (claims, source) = (identified.claims(), identified.throttled.received.peer);
        let endpoint = identified.endpoint.as_ref();
        if let Some(why) = endpoint.and_then(|it| it.turns_away(&identified.caller, claims, source))
        {
            return Err(self.denied(&identified, Code::Denied, &why, None));
        }
        let permit = match identified.function.policies.decide_invoke(&ask(&identified)) {
            Ok(permit) => permit,
            Err(denial) => {
                let hint = denial.hint.as_deref();
                return Err(self.denied(&identified, denial.code, &denial.to_string(), hint));
            }
        };
        // Only now, so that a limit tells nobody that there is something to be limited.
        self.within_limit(&identified)?;
        Ok(Permitted { identified, permit })
    }

    /// Refuses as if there were nothing, and keeps the true reason in the record. Strangers leave
    /// no record: they could fill the journal with them.
    fn denied(
        &self,
        identified: &Identified,
        code: Code,
        why: &str,
        hint: Option<&str>,
    ) -> Refusal {
        match identified.caller {
            Caller::Anonymous => {
                self.nothing_for(&identified.throttled.received, &Caller::Anonymous)
            }
            Caller::Operator => {
                let problem = Problem::new(code).internal(why);
                Problem { hint: hint.map(str::to_owned), ..problem }.into()
            }
            Caller::Token(_)
            | Caller::Jwt { .. }
            | Caller::Certificate(_)
            | Caller::Function(_)
            | Caller::Trigger(_) => {
                let ending = Ending::new(Outcome::Denied, code, why.to_owned());
                self.record_refused(identified, 0, Code::NotFound.status(), ending);
                // Without the id: where there is nothing, there is none. The hint goes no further
                // than to the log of a function that called.
                let problem = Problem::new(Code::NotFound).internal(why);
                let calls = matches!(identified.caller, Caller::Function(_));
                Problem { hint: hint.filter(|_| calls).map(str::to_owned), ..problem }.into()
            }
        }
    }

    /// Counts the call for the limit of its route. The operator has none.
    fn within_limit(&self, identified: &Identified) -> Outcomes<()> {
        let Some(endpoint) = &identified.endpoint else { return Ok(()) };
        let Some(limit) = endpoint.http.limit.or(self.config.limit) else { return Ok(()) };
        let received = &identified.throttled.received;
        let whose = match limit.by {
            By::Caller => identified.caller_key,
            By::Address => crate::slots::CallerKey::of(&received.peer.map(network)),
        };
        let route = (identified.function.reference(), &endpoint.http.route, whose);
        let taken = self.rates.take(RateKey::of(&route), limit.into(), received.began);
        taken.map_err(|wait| Refusal::later(Code::RateLimited, wait))
    }
}
