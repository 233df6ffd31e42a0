//! Durations and sizes as people write them: `250ms`, `3s`, `5m`, `12h`, `30d`; `64KiB`, `6MiB`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A text that is no duration or no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a duration.
    #[error("`{}` is no duration: write a whole number and one of ms, s, m, h, d, such as `3s`", .0.escape_debug())]
    Duration(String),
    /// Not a size.
    #[error("`{}` is no size: write a whole number and one of B, KiB, MiB, GiB, such as `64MiB`", .0.escape_debug())]
    Size(String),
}

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(end);
    Some((digits.parse().ok()?, unit.trim_start()))
}

/// A length of time, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Duration {
    /// Milliseconds.
    pub ms: u64,
}

impl Duration {
    /// A length of whole seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self { ms: seconds * 1000 }
    }

    /// The same length as the standard library's type.
    #[must_use]
    pub const fn std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.ms)
    }
}

impl std::str::FromStr for Duration {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Duration(text.chars().take(40).collect());
        let (count, unit) = split(text).ok_or_else(wrong)?;
        let factor = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        Ok(Self { ms: count.checked_mul(factor).ok_or_else(wrong)? })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ms {
            0 => f.write_str("0s"),
            ms if ms % 86_400_000 == 0 => write!(f, "{}d", ms / 86_400_000),
            ms if ms % 3_600_000 == 0 => write!(f, "{}h", ms / 3_600_000),
            ms if ms % 60_000 == 0 => write!(f, "{}m", ms / 60_000),
            ms if ms % 1000 == 0 => write!(f, "{}s", ms / 1000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

/// An amount of memory, disk or traffic, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size {
    /// Bytes.
    pub bytes: u64,
}

impl Size {
    /// A size of whole kibibytes.
    #[must_use]
    pub const fn kib(count: u64) -> Self {
        Self { bytes: count << 10 }
    }

    /// A size of whole mebibytes.
    #[must_use]
    pub const fn mib(count: u64) -> Self {
        Self { bytes: count << 20 }
    }
}

impl std::str::FromStr for Size {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Size(text.chars().take(40).collect());
        let (count, unit) = split(text).ok_or_else(wrong)?;
        let factor: u64 = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "kB" | "KB" => 1000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return Err(wrong()),
        };
        Ok(Self { bytes: count.checked_mul(factor).ok_or_else(wrong)? })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bytes {
            0 => f.write_str("0B"),
            bytes if bytes % (1 << 30) == 0 => write!(f, "{}GiB", bytes >> 30),
            bytes if bytes % (1 << 20) == 0 => write!(f, "{}MiB", bytes >> 20),
            bytes if bytes % (1 << 10) == 0 => write!(f, "{}KiB", bytes >> 10),
            bytes => write!(f, "{bytes}B"),
        }
    }
}

macro_rules! as_text {
    ($type:ident, $pattern:literal, $example:literal) => {
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl TryFrom<String> for $type {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "examples": [$example] })
            }
        }
    };
}

as_text!(Duration, "^[0-9]+(ms|s|m|min|h|d)$", "3s");
as_text!(Size, "^[0-9]+ ?(B|KiB|MiB|GiB|kB|KB|MB|GB)$", "64MiB");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!("3s".parse(), Ok(Duration { ms: 3000 }));
        assert_eq!("30d".parse(), Ok(Duration { ms: 30 * 86_400_000 }));
        assert_eq!("64MiB".parse(), Ok(Size::mib(64)));
        assert_eq!("64 MiB".parse(), Ok(Size::mib(64)));
    }

    #[test]
    fn refuses_nonsense_and_overflow() {
        for text in [
            "",
            "3",
            "s",
            "-3s",
            "3.5s",
            "3 parsecs",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(number in 0u64..=u64::MAX / (1 << 34)) {
            let duration = Duration { ms: number };
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
            let size = Size { bytes: number };
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }
    }
}
