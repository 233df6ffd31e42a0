//! Permitted: the policies allow it, or who asks learns as little as there is to learn.

use super::{Outcomes, Refusal};
use crate::reply::Ending;
use crate::stage::{Identified, Permitted};
use crate::wiring::Engine;
use model::wire::v1::{Caller, Outcome, Trigger};
use model::{Code, Problem};
use policy::{Asker, InvokeAsk};

impl Engine {
    pub(super) fn permit(&self, identified: Identified) -> Outcomes<Permitted> {
        let (method, route, trigger) = match &identified.trigger {
            Trigger::Http { method, route } => (method, &**route, "http"),
            Trigger::Direct { method } => (method, "", "direct"),
        };
        let ask = InvokeAsk {
            principal: Asker::from(&identified.caller),
            function: identified.function.reference(),
            source: identified.throttled.received.peer,
            method,
            route,
            trigger,
        };
        match identified.function.policies.decide_invoke(&ask) {
            Ok(permit) => Ok(Permitted { identified, permit }),
            Err(denial) => Err(self.denied(&identified, &denial)),
        }
    }

    /// Refuses as if there were nothing, and keeps the true reason in the record. Strangers leave
    /// no record: they could fill the journal with them.
    fn denied(&self, identified: &Identified, denial: &policy::Denial) -> Refusal {
        let internal = Problem::new(denial.code).internal(denial.to_string());
        match identified.caller {
            Caller::Anonymous => Code::CredentialRequired.into(),
            Caller::Operator => {
                Problem { hint: denial.hint.as_deref().map(str::to_owned), ..internal }.into()
            }
            Caller::Token(_) => {
                let ending = Ending::new(Outcome::Denied, denial.code, denial.to_string());
                self.record_refused(identified, 0, Code::NotFound.status(), ending);
                // Without the id: where there is nothing, there is none.
                Problem { code: Code::NotFound, ..internal }.into()
            }
        }
    }
}
