//! How often something cheap may happen: so many times in ten seconds, refilled evenly.

/// How long it takes to refill an allowance that was used up, in milliseconds.
const REFILL_MS: u64 = 10_000;

/// A count that refills. Counts are in thousandths inside.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    most: u64,
    left: u64,
    /// When it was refilled last, in milliseconds.
    at_ms: u64,
}

impl Allowance {
    pub(crate) const fn new(most: u32) -> Self {
        let most = most as u64 * 1_000;
        Self { most, left: most, at_ms: 0 }
    }

    /// Takes one; false if none is left.
    pub(crate) fn take(&mut self, now_ms: u64) -> bool {
        let passed_ms = now_ms.saturating_sub(self.at_ms).min(REFILL_MS);
        self.at_ms = now_ms;
        if self.left < self.most {
            self.left = self.most.min(self.left + self.most * passed_ms / REFILL_MS);
        }
        let left = self.left.checked_sub(1_000);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// Gives so many more, for work that calls for answers. What was given so is never more than
    /// the allowance itself.
    pub(crate) fn earn(&mut self, count: u64) {
        if self.left < self.most * 2 {
            self.left = (self.most * 2).min(self.left + count * 1_000);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(allowance: &mut Allowance, now_ms: u64) -> usize {
        std::iter::repeat_with(|| allowance.take(now_ms)).take_while(|taken| *taken).count()
    }

    #[test]
    fn what_is_used_up_comes_back_evenly_and_no_further() {
        let mut allowance = Allowance::new(100);
        assert_eq!(taken(&mut allowance, 5), 100);
        assert_eq!(taken(&mut allowance, 1_005), 10);
        assert_eq!(taken(&mut allowance, 1_100), 0);
        assert_eq!(taken(&mut allowance, 1_000_000), 100);
        // A clock that goes back gives nothing.
        assert_eq!(taken(&mut allowance, 0), 0);
    }

    #[test]
    fn what_is_earned_is_bounded_by_the_allowance() {
        let mut allowance = Allowance::new(10);
        for _ in 0..100 {
            allowance.earn(7);
        }
        assert_eq!(taken(&mut allowance, 0), 20);
    }
}
