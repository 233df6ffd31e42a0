//! One account: what one function, caller, application or tenant used, and what was said of it.

use super::limits::{Limit, Limits};
use super::tally::{self, COUNTED, OBSERVED, REFUSED, Tally};
use model::Timestamp;
use model::cap::{CapMode, Meter, Per, Whose};
use std::sync::OnceLock;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What one of them used.
#[derive(Debug)]
pub(crate) struct Account {
    pub(super) whose: Whose,
    /// The function's, application's or tenant's name.
    pub(super) name: String,
    /// The caller, once it was seen.
    pub(super) caller: OnceLock<String>,
    pub(super) tally: Tally,
    /// The day until whose end its caps are lifted. Those of callers are lifted together.
    pub(super) lifted: AtomicI64,
    /// Which caps something was said about on this day: see [`Account::is_news`].
    said: AtomicU64,
}

/// What is said at most once a day of each cap.
#[derive(Debug, Clone, Copy)]
pub(super) enum News {
    /// Four fifths are used.
    Near,
    /// It refuses.
    Reached,
}

/// Bits of `said` for news; the rest is the day.
const NEWS_BITS: u32 = 2 * 18;

impl Account {
    pub(super) fn new(whose: Whose, name: String, caller: Option<String>) -> Self {
        Self {
            whose,
            name,
            caller: caller.map(OnceLock::from).unwrap_or_default(),
            tally: Tally::default(),
            lifted: AtomicI64::new(0),
            said: AtomicU64::new(0),
        }
    }

    /// Looks whether one more invocation is in order, without counting it. `lifted` says whether
    /// caps per day hold. Gives the first cap that is not met and is only observed.
    pub(super) fn look<'a>(
        &self,
        limits: &'a Limits,
        lifted: bool,
        now: Timestamp,
    ) -> Result<Option<&'a Limit>, &'a Limit> {
        let mut observed = None;
        for limit in limits.iter() {
            self.tally.turn(limit.per, now);
            if self.tally.used(limit.per, limit.meter as usize) < limit.most {
                continue;
            }
            match limit.mode {
                CapMode::Observe => observed = observed.or(Some(limit)),
                CapMode::Enforce if lifted && limit.per == Per::Day => {}
                CapMode::Enforce => return Err(limit),
            }
        }
        Ok(observed)
    }

    /// Counts one more invocation, if it is in order.
    pub(super) fn take<'a>(
        &self,
        limits: &'a Limits,
        lifted: bool,
        now: Timestamp,
    ) -> Result<Option<&'a Limit>, &'a Limit> {
        let observed = self.look(limits, lifted, now)?;
        let held = limits.of_invocations().filter(|limit| !(lifted && limit.per == Per::Day));
        let taken = self.tally.take(&held.clone().map(|limit| (limit.per, limit.most)));
        let full = taken.err().and_then(|per| held.clone().find(|limit| limit.per == per));
        full.map_or(Ok(observed), Err)
    }

    /// Counts what an invocation used, and names the caps that are nearly used up since.
    pub(super) fn charge<'a>(
        &self,
        limits: &'a Limits,
        spent: &[u64; Meter::ALL.len()],
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Limit> {
        for limit in limits.iter() {
            self.tally.turn(limit.per, now);
        }
        for (at, amount) in spent.iter().enumerate() {
            self.tally.add(at, *amount);
        }
        let day = tally::number(Per::Day, now);
        limits.iter().filter(move |limit| {
            let used = self.tally.used(limit.per, limit.meter as usize);
            used >= limit.most - limit.most / 5 && self.is_news(News::Near, limit, day)
        })
    }

    /// One more was refused. Says whether it is the day's first for this cap.
    pub(super) fn refuse(&self, limit: &Limit, now: Timestamp) -> bool {
        self.tally.turn(Per::Day, now);
        self.tally.add(REFUSED, 1);
        self.is_news(News::Reached, limit, tally::number(Per::Day, now))
    }

    /// One more would have been refused.
    pub(super) fn observe(&self, now: Timestamp) {
        self.tally.turn(Per::Day, now);
        self.tally.add(OBSERVED, 1);
    }

    /// What it used on its day.
    pub(super) fn day(&self) -> (i64, [u64; COUNTED]) {
        self.tally.day()
    }

    /// Whether its caps per day are lifted now.
    pub(super) fn is_lifted(&self, now: Timestamp) -> bool {
        let lifted = self.lifted.load(Relaxed);
        lifted != 0 && lifted == tally::number(Per::Day, now)
    }

    /// Whether nothing was said yet on this day about a cap. Bits for seconds, minutes and days of
    /// each meter, first those for what is near, then those for what is reached; the day above.
    fn is_news(&self, news: News, limit: &Limit, day: i64) -> bool {
        let at = limit.per as u32 * 6 + limit.meter as u32 + 18 * news as u32;
        let today = day.unsigned_abs() << NEWS_BITS;
        let said = |held: u64| {
            let held = if held >> NEWS_BITS << NEWS_BITS == today { held } else { today };
            (held & (1 << at) == 0).then_some(held | 1 << at)
        };
        self.said.fetch_update(Relaxed, Relaxed, said).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::Source;
    use super::*;
    use model::cap::Amounts;

    fn limits(mode: CapMode, amounts: Amounts) -> Limits {
        Limits::new(std::iter::once((Source::Manifest, Per::Day, mode, amounts)), None)
    }

    fn account() -> Account {
        Account::new(Whose::Function, "hello".to_owned(), None)
    }

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    #[test]
    fn what_is_measured_refuses_what_comes_after_it() {
        let account = account();
        let limits =
            limits(CapMode::Enforce, Amounts { host_calls: Some(10), ..Amounts::default() });
        assert_eq!(account.take(&limits, false, NOW), Ok(None));
        let near = |calls| account.charge(&limits, &[0, 0, 0, calls, 0, 0], NOW).count();
        assert_eq!((near(7), near(1), near(1)), (0, 1, 0), "eight of ten, said once");
        assert_eq!(account.take(&limits, false, NOW), Ok(None));
        assert_eq!(near(20), 0);
        let reached = account.take(&limits, false, NOW).expect_err("29 of 10");
        assert_eq!(reached.meter, Meter::HostCalls);
        assert!(account.refuse(reached, NOW) && !account.refuse(reached, NOW));
        assert_eq!(account.take(&limits, true, NOW), Ok(None), "lifted");
        assert_eq!(account.day().1[REFUSED], 2);
    }

    #[test]
    fn observing_refuses_nothing() {
        let account = account();
        let limits =
            limits(CapMode::Observe, Amounts { invocations: Some(1), ..Amounts::default() });
        assert_eq!(account.take(&limits, false, NOW), Ok(None));
        let observed = account.take(&limits, false, NOW).expect("admitted").expect("observed");
        assert_eq!(observed.most, 1);
        assert_eq!(account.day().1[Meter::Invocations as usize], 2);
    }
}
