//! The edge where time enters the command line: the time of day for `--since`, `--expires` and
//! `watch`, and how long a build took.

use model::Timestamp;
use model::unit::Duration;
use std::time::Duration as StdDuration;

/// Now, by the wall clock.
pub(crate) fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

/// The time of day here, as people read it off a clock: `10:33:07`.
pub(crate) fn time_of_day() -> String {
    jiff::Zoned::now().strftime("%H:%M:%S").to_string()
}

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(StdDuration);

impl Stopwatch {
    /// Begins to measure.
    pub(crate) fn start() -> Self {
        Self(monotonic())
    }

    /// What has passed since.
    pub(crate) fn elapsed(self) -> StdDuration {
        monotonic().saturating_sub(self.0)
    }

    /// What has passed since, in words: `12 ms`, `1.2 s`.
    pub(crate) fn words(self) -> String {
        let elapsed = self.elapsed();
        match elapsed.as_millis() {
            ms @ 0..=999 => format!("{ms} ms"),
            _ => format!("{:.1} s", elapsed.as_secs_f64()),
        }
    }
}

fn monotonic() -> StdDuration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    StdDuration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// A point in time as people name it: `10m` ago, or RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// This long before now.
    Ago(Duration),
    /// Then.
    At(Timestamp),
}

impl Since {
    /// The point in time, if now is `now`.
    pub(crate) fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(length) => {
                let us = i64::try_from(length.ms.saturating_mul(1000)).unwrap_or(i64::MAX);
                Timestamp(now.0.saturating_sub(us).max(0))
            }
            Self::At(time) => time,
        }
    }
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(length) = text.parse() {
            return Ok(Self::Ago(length));
        }
        let time: jiff::Timestamp = text.parse().map_err(|_| {
            "write how long ago, such as `10m`, or a time, such as `2026-11-22T01:27:14Z`"
                .to_owned()
        })?;
        Ok(Self::At(Timestamp(time.as_microsecond())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_length_or_a_time() {
        let now = Timestamp(1_700_000_000_000_000);
        let check = |text: &str| text.parse::<Since>().map(|since| since.resolve(now).0);
        assert_eq!(check("10m"), Ok(1_699_999_400_000_000));
        assert_eq!(check("2023-11-14T22:13:20Z"), Ok(1_700_000_000_000_000));
        assert_eq!(check("2023-11-14T23:13:20+01:00"), Ok(1_700_000_000_000_000));
        assert_eq!(check("18446744073709551615ms"), Ok(0), "longer ago than time has a number for");
        for bad in ["", "yesterday", "10", "-3s", "2023-11-14"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
