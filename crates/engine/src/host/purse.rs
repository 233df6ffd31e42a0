//! What a root invocation and all its descendants may still spend, together.

use model::Budget;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

/// One purse for a tree of invocations. All of them spend from it, wherever they run.
#[derive(Debug)]
pub(crate) struct Purse {
    host_calls: AtomicU32,
    egress_bytes: AtomicU64,
    descendants: AtomicU32,
    cpu_us: AtomicU64,
    /// One of them tried to send a sensitive value away: none of them sends anything any more.
    shut: AtomicBool,
}

impl Purse {
    pub(crate) const fn new(budget: &Budget) -> Self {
        Self {
            host_calls: AtomicU32::new(budget.host_calls),
            egress_bytes: AtomicU64::new(budget.egress_bytes),
            descendants: AtomicU32::new(budget.descendants),
            cpu_us: AtomicU64::new(budget.cpu_us),
            shut: AtomicBool::new(false),
        }
    }

    /// Ends all requests to outside. Says whether that is new.
    pub(crate) fn shut(&self) -> bool {
        !self.shut.swap(true, Relaxed)
    }

    /// Whether requests to outside were ended.
    pub(crate) fn is_shut(&self) -> bool {
        self.shut.load(Relaxed)
    }

    /// Takes one call of the host, or says which limit is reached.
    pub(crate) fn take_call(&self) -> Result<(), &'static str> {
        let taken = self.host_calls.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        taken.map(|_| ()).map_err(|_| "host calls")
    }

    /// Takes bytes that leave the platform, or says which limit is reached. What is left is not
    /// touched by what does not fit, so that a smaller piece may still go.
    pub(crate) fn take_egress(&self, bytes: u64) -> Result<(), &'static str> {
        let taken =
            self.egress_bytes.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes));
        taken.map(|_| ()).map_err(|_| "bytes sent out")
    }

    /// Takes one more invocation, or says which limit is reached.
    pub(crate) fn take_descendant(&self) -> Result<(), &'static str> {
        let taken = self.descendants.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        taken.map(|_| ()).map_err(|_| "descendants")
    }

    /// Takes CPU time for one invocation: `wanted_us`, or what is left. What it does not use goes
    /// back, so that invocations side by side can never use more than there is.
    pub(crate) fn take_cpu(&self, wanted_us: u64) -> Result<u64, &'static str> {
        let take = |left: u64| (left > 0).then(|| left.saturating_sub(wanted_us));
        let left = self.cpu_us.fetch_update(Relaxed, Relaxed, take).map_err(|_| "CPU time")?;
        Ok(left.min(wanted_us))
    }

    pub(crate) fn give_back_cpu(&self, unused_us: u64) {
        self.cpu_us.fetch_add(unused_us, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_spends_more_than_is_there() {
        let purse = Purse::new(&Budget { host_calls: 2, egress_bytes: 10, ..Budget::default() });
        assert!(purse.take_call().is_ok() && purse.take_call().is_ok());
        assert_eq!(purse.take_call(), Err("host calls"));
        assert_eq!(purse.take_egress(11), Err("bytes sent out"));
        assert!(purse.take_egress(10).is_ok());
        assert_eq!(purse.take_egress(1), Err("bytes sent out"));
    }

    #[test]
    fn cpu_time_that_is_not_used_comes_back() {
        let purse = Purse::new(&Budget { cpu_us: 10, ..Budget::default() });
        assert_eq!(purse.take_cpu(7), Ok(7));
        assert_eq!(purse.take_cpu(7), Ok(3));
        assert_eq!(purse.take_cpu(7), Err("CPU time"));
        purse.give_back_cpu(2);
        assert_eq!(purse.take_cpu(7), Ok(2));
    }
}
