//! One invocation and the caps: admitted or refused, and charged when it ended.

use super::account::Account;
use super::bounds::Bounds;
use super::limits::Limit;
use super::tally;
use crate::function::Function;
use crate::invoke::Refusal;
use crate::reply::Ending;
use crate::stage::{Identified, Permitted};
use crate::wiring::Engine;
use model::cap::{CapMode, Meter, Per, Whose};
use model::wire::v1::{Caller, Outcome};
use model::{Code, Cost, Problem, Timestamp, Usage};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What bounds an invocation that is about to run.
pub(crate) struct Admission {
    bounds: Arc<Bounds>,
    caller: Option<Arc<Account>>,
}

/// An invocation that was admitted and counted.
pub(crate) struct Ticket {
    admission: Admission,
    /// The cap that would have refused it, if it did more than observe.
    pub(crate) observed: Option<String>,
}

/// A cap that is reached.
pub(crate) struct Reached {
    /// Which, for the record.
    pub(crate) reason: String,
    /// How long until it begins anew.
    pub(crate) wait: Duration,
    /// Whether it is the day's first refusal because of this cap.
    pub(crate) first: bool,
}

/// What an invocation used, by [`Meter`], without itself.
pub(crate) fn spent(
    usage: &Usage,
    wall_us: u64,
    calls: u32,
    moved_bytes: u64,
    cost: Cost,
) -> [u64; Meter::ALL.len()] {
    let held = model::cap::MemoryTime::held_kib_ms(usage.memory_peak_bytes, wall_us);
    let sent = usage.bytes_out.saturating_add(moved_bytes);
    [0, usage.cpu_us, held, u64::from(calls), sent, cost.milliunits]
}

impl Admission {
    /// Looks whether it is in order, without counting it.
    pub(crate) fn look(&self, now: Timestamp) -> Result<(), Reached> {
        for (account, limits, lifted) in self.bounds.of(self.caller.as_deref(), now) {
            account.look(limits, lifted, now).map_err(|limit| reached(account, limit, now))?;
        }
        Ok(())
    }

    /// Counts it in every account, or in none.
    pub(crate) fn take(self, now: Timestamp) -> Result<Ticket, Reached> {
        let mut observed = None;
        let mut taken: [Option<&Account>; Whose::ALL.len()] = [None; Whose::ALL.len()];
        let all = self.bounds.of(self.caller.as_deref(), now);
        for ((account, limits, lifted), place) in all.zip(0usize..) {
            match account.take(limits, lifted, now) {
                Ok(would) => {
                    if let Some(limit) = would {
                        account.observe(now);
                        observed = observed.or_else(|| Some(describe(account, limit)));
                    }
                    if let Some(slot) = taken.get_mut(place) {
                        *slot = Some(account);
                    }
                }
                Err(limit) => {
                    taken.into_iter().flatten().for_each(|account| account.tally.give_back());
                    return Err(reached(account, limit, now));
                }
            }
        }
        Ok(Ticket { admission: self, observed })
    }

    /// Counts what was used before the node started.
    pub(super) fn resume(&self, ran: bool, spent: &[u64; Meter::ALL.len()], now: Timestamp) {
        for (account, limits, _) in self.bounds.of(self.caller.as_deref(), now) {
            account.tally.turn(Per::Day, now);
            account.tally.add(Meter::Invocations as usize, u64::from(ran));
            let _said_before = account.charge(limits, spent, now).count();
        }
    }
}

impl Ticket {
    /// Counts what the invocation used. Gives a sentence for each cap that is nearly used up since.
    pub(crate) fn charge(&self, spent: &[u64; Meter::ALL.len()], now: Timestamp) -> Vec<String> {
        let Admission { bounds, caller } = &self.admission;
        let mut near = Vec::new();
        for (account, limits, _) in bounds.of(caller.as_deref(), now) {
            for limit in account.charge(limits, spent, now) {
                let used = account.tally.used(limit.per, limit.meter as usize);
                let code = Code::CapNear;
                near.push(format!(
                    "{code}: {} used of the {}",
                    Amount(limit.meter, used),
                    describe(account, limit)
                ));
            }
        }
        near
    }
}

fn reached(account: &Account, limit: &Limit, now: Timestamp) -> Reached {
    let window = account.tally.turn(limit.per, now);
    let wait_us = tally::end(limit.per, window).0.saturating_sub(now.0);
    Reached {
        reason: format!("the {} is reached", describe(account, limit)),
        wait: Duration::from_micros(u64::try_from(wait_us).unwrap_or(0)),
        first: account.refuse(limit, now),
    }
}

/// A cap in words: `cap of 100 invocations per day of function hello, set by the manifest`.
fn describe(account: &Account, limit: &Limit) -> String {
    let whose = match (account.whose, account.caller.get()) {
        (Whose::Caller, caller) => {
            format!("caller {} of function {}", caller.map_or("-", String::as_str), account.name)
        }
        (whose, _) => format!("{whose} {}", account.name),
    };
    let Limit { per, meter, most, by, mode } = limit;
    let observed = if *mode == CapMode::Observe { "observed " } else { "" };
    format!(
        "{observed}cap of {} per {per} of {whose}, set by the {}",
        Amount(*meter, *most),
        by.word()
    )
}

/// An amount of what is counted, with its unit.
struct Amount(Meter, u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(meter, amount) = self;
        match meter {
            Meter::Invocations => write!(f, "{amount} invocations"),
            Meter::Cpu => write!(f, "{} ms of CPU time", amount / 1000),
            Meter::MemoryTime => write!(f, "{} MiB-s of memory", amount / (1024 * 1000)),
            Meter::HostCalls => write!(f, "{amount} asks of the host"),
            Meter::Egress => write!(f, "{amount} bytes sent"),
            Meter::Units => write!(f, "{} units", amount / 1000),
        }
    }
}

impl Engine {
    /// What bounds an invocation, if anything of it has a cap.
    fn admission(&self, identified: &Identified) -> Option<Admission> {
        self.admission_of(&identified.function, &identified.caller)
    }

    pub(super) fn admission_of(&self, function: &Function, caller: &Caller) -> Option<Admission> {
        let bounds = Arc::clone(function.bounds(&self.caps)?);
        let callers = bounds.callers.as_ref();
        let caller = callers.map(|(callers, _)| callers.of(caller, &self.parts.digest));
        Some(Admission { bounds, caller })
    }

    /// Refuses what nothing is left for, before it waits for anything.
    pub(crate) fn within_caps(&self, permitted: &Permitted) -> Result<Option<Admission>, Refusal> {
        let Some(admission) = self.admission(&permitted.identified) else { return Ok(None) };
        let looked = admission.look(permitted.identified.throttled.received.at);
        looked.map_err(|reached| self.capped(permitted, reached))?;
        Ok(Some(admission))
    }

    /// Counts a call, now that nothing else can refuse it.
    pub(crate) fn admit_capped(
        &self,
        permitted: &Permitted,
        admission: Option<Admission>,
    ) -> Result<Option<Ticket>, Refusal> {
        let Some(admission) = admission else { return Ok(None) };
        let ticket = admission.take(self.parts.clock.wall());
        ticket.map(Some).map_err(|reached| self.capped(permitted, reached))
    }

    /// Refuses a call because of a cap. Each cap's first refusal of a day leaves a record, and the
    /// others a number: a flood of them has to cost nothing.
    fn capped(&self, permitted: &Permitted, reached: Reached) -> Refusal {
        let Reached { reason, wait, first } = reached;
        let identified = &permitted.identified;
        let mut refusal = Refusal::later(Code::CapReached, wait);
        if first {
            let (code, function) = (Code::CapReached, identified.function.reference());
            tracing::warn!(%function, "{code}: {reason}; what is new is refused for {} s", wait.as_secs());
            let ending = Ending::new(Outcome::Budget, code, reason.clone());
            let policy = permitted.permit.version();
            self.record_refused(identified, policy, code.status(), ending);
            refusal = refusal.of(identified.throttled.received.id);
        }
        Refusal { problem: Problem::new(Code::CapReached).internal(reason), ..refusal }
    }
}
