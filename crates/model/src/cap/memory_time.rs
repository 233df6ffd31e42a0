//! Memory held over time, as people write it: `300MiB-s`, `20GiB-s`, `4GiB-h`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Memory held over wall time, in MiB times seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MemoryTime {
    /// MiB times seconds.
    pub mib_s: u64,
}

/// The units, the greatest first.
const UNITS: [(&str, u64); 3] = [("GiB-h", 1024 * 3600), ("GiB-s", 1024), ("MiB-s", 1)];

impl MemoryTime {
    /// The same in KiB times milliseconds, which is what is counted.
    #[must_use]
    pub fn kib_ms(self) -> u64 {
        self.mib_s.saturating_mul(1024 * 1000)
    }

    /// What an invocation held: its most memory over all of its wall time, in KiB times
    /// milliseconds.
    #[must_use]
    pub fn held_kib_ms(peak_bytes: u64, wall_us: u64) -> u64 {
        let held = u128::from(peak_bytes) * u128::from(wall_us) / (1024 * 1000);
        u64::try_from(held).unwrap_or(u64::MAX)
    }
}

/// A text that is no memory over time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no memory over time: write a whole number and one of MiB-s, GiB-s, GiB-h, such as `20GiB-s`",
    .0.escape_debug()
)]
pub struct NoMemoryTime(String);

impl std::str::FromStr for MemoryTime {
    type Err = NoMemoryTime;
    fn from_str(text: &str) -> Result<Self, NoMemoryTime> {
        let read = || {
            let end = text.find(|c: char| !c.is_ascii_digit())?;
            let (digits, unit) = text.split_at(end);
            let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
            digits.parse::<u64>().ok()?.checked_mul(*factor)
        };
        let wrong = || NoMemoryTime(text.chars().take(40).collect());
        Ok(Self { mib_s: read().ok_or_else(wrong)? })
    }
}

impl fmt::Display for MemoryTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits =
            |(_, factor): &&(&str, u64)| self.mib_s > 0 && self.mib_s.is_multiple_of(*factor);
        let (unit, factor) = UNITS.iter().find(fits).unwrap_or(&("MiB-s", 1));
        write!(f, "{}{unit}", self.mib_s / factor)
    }
}

impl TryFrom<String> for MemoryTime {
    type Error = NoMemoryTime;
    fn try_from(text: String) -> Result<Self, NoMemoryTime> {
        text.parse()
    }
}

impl From<MemoryTime> for String {
    fn from(value: MemoryTime) -> Self {
        value.to_string()
    }
}

impl schemars::JsonSchema for MemoryTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MemoryTime".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]+ ?(MiB-s|GiB-s|GiB-h)$",
            "examples": ["20GiB-s"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!("300MiB-s".parse(), Ok(MemoryTime { mib_s: 300 }));
        assert_eq!("20 GiB-s".parse(), Ok(MemoryTime { mib_s: 20 * 1024 }));
        assert_eq!(
            "1GiB-h".parse::<MemoryTime>().map(MemoryTime::kib_ms),
            Ok((1 << 20) * 3_600_000)
        );
    }

    #[test]
    fn refuses_what_is_none() {
        for text in
            ["", "3", "GiB-s", "-3GiB-s", "3.5GiB-s", "3GiB", "3GB-s", "18446744073709551615GiB-h"]
        {
            assert!(text.parse::<MemoryTime>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_held_is_the_peak_over_the_wall_time() {
        assert_eq!(MemoryTime::held_kib_ms(1 << 20, 1_000_000), MemoryTime { mib_s: 1 }.kib_ms());
        assert_eq!(MemoryTime::held_kib_ms(u64::MAX, u64::MAX), u64::MAX);
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(mib_s in 0..u64::MAX) {
            let held = MemoryTime { mib_s };
            prop_assert_eq!(held.to_string().parse(), Ok(held));
        }
    }
}
