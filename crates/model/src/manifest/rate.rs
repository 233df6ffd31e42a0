//! How often a route may be called: so many times in so long, by one caller or one address.

use crate::unit::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A limit of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// So many calls in so long, such as `100/1m`.
    pub rate: Rate,
    /// So many calls at once, after a silence. The count of `rate` if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// Whose calls are counted together.
    #[serde(default)]
    pub by: By,
}

/// Whose calls are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Those of one caller; without a credential, of one address.
    #[default]
    Caller,
    /// Those of one address; an IPv6 address counts with its /64.
    Address,
}

impl RateLimit {
    /// Time between two calls at the full rate, in microseconds; at least one.
    #[must_use]
    pub fn interval_us(&self) -> u64 {
        (self.rate.per.ms.saturating_mul(1000) / u64::from(self.rate.count.max(1))).max(1)
    }

    /// How many calls may come at once; at least one.
    #[must_use]
    pub fn burst(&self) -> u32 {
        self.burst.unwrap_or(self.rate.count).max(1)
    }
}

/// So many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    /// How many; at least one.
    pub count: u32,
    /// In how long; at most a day.
    pub per: Duration,
}

impl std::str::FromStr for Rate {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let shown: String = text.chars().take(40).collect();
            format!(
                "`{}` is no rate: write a number of calls and a time up to 1d, such as `100/1m`",
                shown.escape_debug()
            )
        };
        let (count, per) = text.split_once('/').ok_or_else(wrong)?;
        let digits = count.bytes().all(|byte| byte.is_ascii_digit());
        let count: u32 =
            count.parse().ok().filter(|count| digits && *count > 0).ok_or_else(wrong)?;
        let per: Duration = per.parse().map_err(|_| wrong())?;
        if per.ms == 0 || per > Duration::seconds(86_400) {
            return Err(wrong());
        }
        Ok(Self { count, per })
    }
}

impl TryFrom<String> for Rate {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rate".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]+/[0-9]+(ms|s|m|min|h|d)$",
            "examples": ["100/1m"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let limit: RateLimit = serde_json::from_str(r#"{"rate":"100/1m"}"#).expect("a limit");
        assert_eq!((limit.interval_us(), limit.burst(), limit.by), (600_000, 100, By::Caller));
        let limit: RateLimit =
            serde_json::from_str(r#"{"rate":"5/1s","burst":20,"by":"address"}"#).expect("a limit");
        assert_eq!((limit.interval_us(), limit.burst(), limit.by), (200_000, 20, By::Address));
    }

    #[test]
    fn refuses_rates_that_mean_nothing() {
        for text in ["", "100", "0/1s", "1/0s", "-1/1s", "+1/1s", "1/2d", "x/1s", "1/1", "1 /1s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
