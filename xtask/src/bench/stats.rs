//! Medians and percentiles of a few numbers.

/// The number in the middle; the mean of the two in the middle; 0 for none.
pub(super) fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(0.0);
    f64::midpoint(lower, upper)
}

/// The smallest value that `percent` of all values do not exceed; 0 for none.
pub(super) fn percentile(values: &[f64], percent: usize) -> f64 {
    let sorted = sorted(values);
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or(0.0)
}

/// The smallest and the largest value.
pub(super) fn range(values: &[f64]) -> (f64, f64) {
    let sorted = sorted(values);
    (sorted.first().copied().unwrap_or(0.0), sorted.last().copied().unwrap_or(0.0))
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles_are_the_textbooks() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(median(&[3.0, 1.0, 2.0]), 2.0) && near(median(&[4.0, 1.0]), 2.5));
        assert!(near(median(&[]), 0.0) && near(percentile(&[], 99), 0.0));
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert!(near(percentile(&hundred, 99), 99.0) && near(percentile(&hundred, 50), 50.0));
        assert!(near(range(&hundred).0, 1.0) && near(range(&hundred).1, 100.0));
    }
}
