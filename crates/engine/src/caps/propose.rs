//! What caps might be, from the records of what was used.
//!
//! Records come newest first, so one day, one minute and the callers of one day are held at a time,
//! whatever the time that is asked for.

use super::spent;
use crate::wiring::Engine;
use model::api::{Proposal, Proposals};
use model::cap::{Amounts, CapMode, MemoryTime, Meter, Per};
use model::manifest::{Cap, CapOf};
use model::unit::{Duration, Size};
use model::wire::v1::{Caller, Record};
use model::{FunctionName, Problem, Scope, Timestamp};
use ports::journal::RecordQuery;
use std::collections::{BTreeMap, HashMap};

/// How proposals are found, for people.
const RULE: &str = "the most that the records show in one day of UTC (of one caller in one day; in one minute) times 1.5, rounded up to two digits";
/// Callers that are told apart in one day; the others count as one.
const CALLERS_MAX: usize = 4096;

type Used = [u64; Meter::ALL.len()];

/// What one function used.
#[derive(Default)]
struct Use {
    invocations: u64,
    days: u32,
    day: i64,
    minute: i64,
    in_day: Used,
    in_minute: u64,
    by_caller: HashMap<Option<Caller>, Used>,
    most_in_day: Used,
    most_in_minute: u64,
    most_of_caller: Used,
}

impl Engine {
    /// Proposes caps for the functions of a scope, or for one of them, from the records of
    /// invocations that began at `since` or later. Reads all of them.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn propose_caps(
        &self,
        scope: &Scope,
        function: Option<FunctionName>,
        since: Timestamp,
    ) -> Result<Proposals, Problem> {
        let mut uses: BTreeMap<FunctionName, Use> = BTreeMap::new();
        let query = RecordQuery {
            scope: scope.clone(),
            function,
            since: Some(since),
            ..RecordQuery::default()
        };
        let one = |record: &Record| {
            // What was refused before it ran has no cost, and so no formula.
            if record.cost.formula != 0 {
                uses.entry(record.start.function.name.clone()).or_default().count(record);
            }
        };
        self.each_record(query, one).await?;
        let items = uses.into_iter().map(|(function, used)| used.proposal(function)).collect();
        let partial = self.is_partial(since);
        Ok(Proposals { rule: RULE.to_owned(), items, partial })
    }
}

impl Use {
    fn count(&mut self, record: &Record) {
        let (end, start) = (record.end_us.0, record.start.start_us.0);
        let (day, minute) = (end.div_euclid(Per::Day.us()), end.div_euclid(Per::Minute.us()));
        if self.invocations == 0 || day != self.day {
            self.close_day();
            (self.day, self.days) = (day, self.days.saturating_add(1));
        }
        if minute != self.minute {
            self.close_minute();
            self.minute = minute;
        }
        let calls = u32::try_from(record.calls.len()).unwrap_or(u32::MAX);
        let moved = record.calls.iter().map(|call| call.bytes).sum();
        let calls = calls.saturating_add(record.calls_omitted);
        let wall_us = u64::try_from(end.saturating_sub(start)).unwrap_or(0);
        let mut used = spent(&record.usage, wall_us, calls, moved, record.cost);
        used[Meter::Invocations as usize] = 1;
        self.invocations += 1;
        self.in_minute += 1;
        add(&mut self.in_day, &used);
        let named = Some(record.start.caller.clone()).filter(|caller| {
            let known = self.by_caller.len() < CALLERS_MAX;
            *caller != Caller::Anonymous
                && (known || self.by_caller.contains_key(&Some(caller.clone())))
        });
        add(self.by_caller.entry(named).or_default(), &used);
    }

    fn close_minute(&mut self) {
        self.most_in_minute = self.most_in_minute.max(std::mem::take(&mut self.in_minute));
    }

    fn close_day(&mut self) {
        raise(&mut self.most_in_day, &std::mem::take(&mut self.in_day));
        for used in std::mem::take(&mut self.by_caller).into_values() {
            raise(&mut self.most_of_caller, &used);
        }
    }

    fn proposal(mut self, function: FunctionName) -> Proposal {
        self.close_minute();
        self.close_day();
        let mut minute = Used::default();
        minute[Meter::Invocations as usize] = self.most_in_minute;
        let cap = |of, per, used: &Used| Cap::new(of, per, CapMode::Enforce, amounts(used));
        let caps = vec![
            cap(CapOf::Function, Per::Day, &self.most_in_day),
            cap(CapOf::Function, Per::Minute, &minute),
            cap(CapOf::Caller, Per::Day, &self.most_of_caller),
        ];
        Proposal { function, invocations: self.invocations, days: self.days, caps }
    }
}

fn add(to: &mut Used, used: &Used) {
    to.iter_mut().zip(used).for_each(|(to, used)| *to = to.saturating_add(*used));
}

fn raise(most: &mut Used, used: &Used) {
    most.iter_mut().zip(used).for_each(|(most, used)| *most = (*most).max(*used));
}

/// What to propose where so much was used, in units that people read. What was not used at all is
/// not capped: a cap has to be above nothing.
fn amounts(used: &Used) -> Amounts {
    let of = |meter: Meter, unit: u64| {
        let used = used[meter as usize];
        (used > 0).then(|| up(used.div_ceil(unit)).min(meter.most() / unit))
    };
    let size = |unit: u64| of(Meter::Egress, unit).map(|count| Size { bytes: count * unit });
    Amounts {
        invocations: of(Meter::Invocations, 1),
        cpu: of(Meter::Cpu, 1000).map(|ms| Duration { ms }),
        memory_time: of(Meter::MemoryTime, 1024 * 1000).map(|mib_s| MemoryTime { mib_s }),
        host_calls: of(Meter::HostCalls, 1),
        egress: if used[Meter::Egress as usize] < 1 << 20 { size(1 << 10) } else { size(1 << 20) },
        units: of(Meter::Units, 1000),
        money: None,
    }
}

/// One and a half times as much, rounded up to two digits.
fn up(used: u64) -> u64 {
    let more = used.saturating_add(used.div_ceil(2));
    let step = 10u64.pow(more.checked_ilog10().unwrap_or(0).saturating_sub(1));
    more.div_ceil(step).saturating_mul(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn half_as_much_again_rounded_up_to_two_digits() {
        for (used, proposed) in
            [(1, 2), (2, 3), (10, 15), (66, 99), (67, 110), (1234, 1900), (1_000_001, 1_600_000)]
        {
            assert_eq!(up(used), proposed, "{used}");
        }
    }

    proptest! {
        /// Whatever was used, what is proposed is a cap that a manifest may have, and admits it.
        #[test]
        fn every_proposal_passes_the_check_and_admits_what_was_used(used: Used) {
            prop_assume!(used.iter().any(|used| *used > 0));
            let amounts = amounts(&used);
            prop_assert_eq!(amounts.check(), Ok(()));
            for (meter, most) in amounts.counted() {
                let used = used[meter as usize];
                prop_assert!(most >= used.min(meter.most() / 2), "{:?} {} {}", meter, most, used);
            }
        }
    }
}
