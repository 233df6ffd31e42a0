//! Funded: a slot, a budget and an open record; and the records of what got none.

use super::{Outcomes, Refusal};
use crate::host::Purse;
use crate::reply::Ending;
use crate::request::check_length;
use crate::slots::Full;
use crate::stage::{Funded, Identified, Permitted, Received};
use crate::wiring::Engine;
use model::trace::TraceParent;
use model::wire::v1::{Outcome, Start};
use model::{Code, Labels, Problem};
use std::sync::Arc;

impl Engine {
    /// A slot, a budget, and the record's beginning.
    pub(crate) async fn fund(&self, mut permitted: Permitted) -> Outcomes<Funded> {
        let function = Arc::clone(&permitted.identified.function);
        let request = &permitted.identified.throttled.received.request;
        check_length(request, function.unit.limits.request_body_bytes)
            .map_err(|problem| self.not_run(&permitted, Outcome::Interrupted, problem))?;
        let admission = self.within_caps(&permitted)?;
        let identified = &mut permitted.identified;
        let slot = function.slots.take(identified.caller_key).await.map_err(|full| match full {
            Full::Function => Code::FunctionBusy,
            Full::Caller => Code::CallerBusy,
        })?;
        identified.throttled.seat._slot = Some(slot);
        if !function.readiness.is_ready() {
            self.make_ready(&function.readiness).await.map_err(|problem| {
                self.not_run(&permitted, Outcome::Platform, unready(&problem))
            })?;
        }
        if let Some(carried) = &function.carried {
            carried.open(self).await.map_err(|problem| {
                self.not_run(&permitted, Outcome::Platform, unready(&problem))
            })?;
        }
        let origin = permitted.identified.throttled.received.origin.as_ref();
        let purse = match origin {
            Some(origin) => Arc::clone(&origin.purse),
            None => Arc::new(Purse::new(&self.config.host.budget)),
        };
        let cpu_us = purse
            .take_cpu(function.unit.limits.cpu_ms.saturating_mul(1000))
            .map_err(|_| self.not_run(&permitted, Outcome::Budget, Code::BudgetSpent.into()))?;
        let ticket = self
            .admit_capped(&permitted, admission)
            .inspect_err(|_| purse.give_back_cpu(cpu_us))?;
        let identified = &permitted.identified;
        let trace = identified.throttled.received.request.headers().get("traceparent");
        let trace = trace.and_then(|value| value.to_str().ok()).and_then(TraceParent::parse);
        let start = start(identified, identified.throttled.received.at, trace);
        if let Err(error) = self.parts.journal.append(model::wire::v1::Entry::Start(start.clone()))
        {
            if function.strict() {
                return Err(Problem::new(Code::JournalRefuses).internal(error).into());
            }
            tracing::debug!(%error, "the start of an invocation is not recorded");
        }
        let taken = identified.throttled.received.taken.as_ref();
        let labels = taken.map_or(Labels::NONE, |taken| taken.labels.clone());
        Ok(Funded { permitted, start, purse, cpu_us, ticket, labels })
    }

    /// Refuses a call that was permitted, and keeps why. Only a full function or node refuses
    /// without a record, and so without an id: that has to cost nothing.
    pub(crate) fn not_run(
        &self,
        permitted: &Permitted,
        outcome: Outcome,
        problem: Problem,
    ) -> Refusal {
        let reason = problem.internal.clone().unwrap_or_else(|| problem.to_string());
        let ending = Ending::new(outcome, problem.code, reason);
        let identified = &permitted.identified;
        let status = problem.code.status();
        self.record_refused(identified, permitted.permit.version(), status, ending);
        Refusal::from(problem).of(identified.throttled.received.id)
    }

    /// Writes the record of a call for which no guest was started.
    pub(crate) fn record_refused(
        &self,
        identified: &Identified,
        policy: u64,
        status: u16,
        ending: Ending,
    ) {
        let record = model::wire::v1::Record {
            start: start(identified, identified.throttled.received.at, None),
            policy,
            end_us: self.parts.clock.wall(),
            outcome: ending.outcome,
            status,
            code: ending.code.and_then(crate::reply::code_number),
            reason: ending.reason,
            usage: model::Usage::default(),
            calls: Vec::new(),
            calls_omitted: 0,
            log_lines: 0,
            log_dropped: 0,
            labels: Labels::NONE,
            cost: model::Cost::default(),
        };
        if let Err(error) = self.parts.journal.append(model::wire::v1::Entry::End(Box::new(record)))
        {
            tracing::debug!(%error, "a refusal is not recorded");
        }
    }
}

/// Why a deployed component cannot be run is the operator's affair: the caller sent nothing wrong.
fn unready(problem: &Problem) -> Problem {
    let code = match problem.code {
        Code::ArtifactMissing | Code::DigestMismatch => Code::StoreCorrupt,
        Code::WasiNotAllowed => Code::WasiWithdrawn,
        code if code.status() >= 500 => code,
        _ => Code::Internal,
    };
    let reason = problem.internal.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    tracing::error!(%problem, reason, "a deployed component cannot be run");
    Problem::new(code).internal(format!("the component cannot be run: {problem}{reason}"))
}

pub(super) fn start(
    identified: &Identified,
    at: model::Timestamp,
    traceparent: Option<TraceParent>,
) -> Start {
    let Received { id, origin, .. } = &identified.throttled.received;
    let (id, origin) = (*id, origin.as_ref());
    Start {
        id,
        root: origin.map_or(id, |origin| origin.root),
        parent: origin.and_then(|origin| origin.parent),
        depth: origin.map_or(0, |origin| origin.depth),
        function: Arc::clone(identified.function.reference()),
        revision: identified.function.row.revision,
        digest: identified.function.row.digest,
        caller: identified.caller.clone(),
        trigger: identified.trigger.clone(),
        start_us: at,
        traceparent,
    }
}
