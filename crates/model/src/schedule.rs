//! When schedules are due: cron expressions in time zones, and plain periods.
//!
//! The rules of time zones are those of the IANA database that this build carries, so that a
//! manifest means the same to the command line and to every node of a version.
//!
//! Where clocks are put forward, an expression that names its hour and minute is due right after
//! the gap if it names a time in it, and one with `*` or a step is not due in it. Where they are put
//! back, the former is due at the first of the two times only, the latter at both.
//!
//! Invariant: the next time is after the one that was given, so following it always ends.

use crate::Timestamp;
use crate::unit::Duration;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::sync::LazyLock;

/// Longest expression, in bytes.
const CRON_BYTES_MAX: usize = 200;
/// Shortest and longest period.
const EVERY_MIN: Duration = Duration::seconds(1);
const EVERY_MAX: Duration = Duration::seconds(366 * 24 * 60 * 60);
/// No time of a schedule is looked for after this one, 9000-01-01T00:00:00Z: calendars of time zones
/// end soon after.
const LATEST: Timestamp = Timestamp(221_845_392_000_000_000);

/// A text that is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither or both.
    #[error("write either `cron` or `every`")]
    EitherOr,
    /// A zone without an expression.
    #[error("`zone` is for `cron`: `every` counts from the beginning of 1970 UTC")]
    ZoneOfNothing,
    /// A period out of its range.
    #[error("must be {EVERY_MIN} to {EVERY_MAX}")]
    Every,
    /// Not an expression.
    #[error(
        "`{}` is no cron expression of five or six fields, such as `0 2 * * *`: {why}",
        .text.escape_debug()
    )]
    Cron {
        /// The beginning of what was written.
        text: String,
        /// What is wrong.
        why: String,
    },
    /// An expression that names no day that there is.
    #[error("`{}` is never due: no such day exists", .0.escape_debug())]
    Never(String),
    /// Not a time zone.
    #[error(
        "`{}` is no time zone of the IANA database, such as `Europe/Berlin` or `UTC`",
        .0.escape_debug()
    )]
    Zone(String),
}

/// When something is due again and again.
#[derive(Debug, Clone)]
pub struct Rhythm(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Cron { cron: Box<Cron>, zone: TimeZone },
    Every { us: i64 },
}

impl Rhythm {
    /// A cron expression of five or six fields, in a time zone or in UTC.
    ///
    /// # Errors
    /// The manifest's key that is wrong, and why.
    pub fn cron(text: &str, zone: Option<&str>) -> Result<Self, (&'static str, Error)> {
        let start = || text.chars().take(80).collect::<String>();
        // The parser quotes what it was given.
        let plain = |why: String| why.escape_debug().to_string();
        let wrong = |why: String| ("cron", Error::Cron { text: start(), why: plain(why) });
        let fields = text.split_ascii_whitespace().count();
        if text.len() > CRON_BYTES_MAX {
            return Err(wrong(format!("it has more than {CRON_BYTES_MAX} characters")));
        }
        if !(5..=6).contains(&fields) {
            return Err(wrong(format!("it has {fields}")));
        }
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed);
        let cron = parser.build().parse(text).map_err(|error| wrong(error.to_string()))?;
        let zone = zone.unwrap_or("UTC");
        let zone =
            zone_of(zone).ok_or_else(|| ("zone", Error::Zone(zone.chars().take(80).collect())))?;
        let rhythm = Self(Kind::Cron { cron: Box::new(cron), zone });
        // The 29th of February comes within eight years, whenever one looks.
        match rhythm.next(Timestamp(0)) {
            Some(_) => Ok(rhythm),
            None => Err(("cron", Error::Never(start()))),
        }
    }

    /// Every multiple of a period since the beginning of 1970 UTC.
    ///
    /// # Errors
    /// The manifest's key that is wrong, and why.
    pub fn every(period: Duration) -> Result<Self, (&'static str, Error)> {
        if !(EVERY_MIN..=EVERY_MAX).contains(&period) {
            return Err(("every", Error::Every));
        }
        let us = i64::try_from(period.ms).unwrap_or(i64::MAX).saturating_mul(1000);
        Ok(Self(Kind::Every { us }))
    }

    /// The first time after `after`. `None` if there is none before the year 9000.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        if after >= LATEST {
            return None;
        }
        let next = match &self.0 {
            Kind::Every { us } => {
                Timestamp(after.0.div_euclid(*us).checked_add(1)?.checked_mul(*us)?)
            }
            Kind::Cron { cron, zone } => {
                // A second that has begun is over as far as whole seconds go.
                let from = jiff::Timestamp::from_second(after.0.div_euclid(1_000_000)).ok()?;
                let next = cron.find_next_occurrence(&from.to_zoned(zone.clone()), false).ok()?;
                Timestamp(next.timestamp().as_microsecond())
            }
        };
        (next > after && next < LATEST).then_some(next)
    }

    /// The last `most` times after `after` and up to `until`, the earliest first.
    #[must_use]
    pub fn between(&self, after: Timestamp, until: Timestamp, most: usize) -> Vec<Timestamp> {
        let mut found = std::collections::VecDeque::with_capacity(most.min(128));
        let mut at = self.shortly_before(after, until, most);
        while let Some(next) = self.next(at).filter(|next| *next <= until) {
            if found.len() == most {
                found.pop_front();
            }
            found.push_back(next);
            at = next;
        }
        found.into()
    }

    /// A place not before `after` from which at least the last `most` times up to `until` lie
    /// ahead, so that years of missed seconds are not counted one by one.
    fn shortly_before(&self, after: Timestamp, until: Timestamp, most: usize) -> Timestamp {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut span = match &self.0 {
            Kind::Every { us } => us.saturating_mul(most),
            Kind::Cron { .. } => most.saturating_mul(1_000_000),
        };
        loop {
            let from = until.plus_us(span.saturating_neg());
            if from <= after {
                return after;
            }
            let mut at = from;
            let enough = (0..most).all(|_| {
                let next = self.next(at).filter(|next| *next <= until);
                next.map(|next| at = next).is_some()
            });
            if enough {
                return from;
            }
            span = span.saturating_mul(4);
        }
    }
}

fn zone_of(name: &str) -> Option<TimeZone> {
    static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    ZONES.get(name).ok()
}

#[cfg(test)]
mod tests;
