//! What a root invocation and all its descendants may still spend, together.

use model::Budget;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// One purse for a tree of invocations. All of them spend from it, wherever they run.
#[derive(Debug)]
pub(crate) struct Purse {
    host_calls: AtomicU32,
    egress_bytes: AtomicU64,
}

impl Purse {
    pub(crate) const fn new(budget: &Budget) -> Self {
        Self {
            host_calls: AtomicU32::new(budget.host_calls),
            egress_bytes: AtomicU64::new(budget.egress_bytes),
        }
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
}
