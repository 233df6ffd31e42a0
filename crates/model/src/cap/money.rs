//! An amount of money as people write it: `2.50 EUR`.
//!
//! Invariant: an amount is kept in whole millionths, and never as a fraction of a binary number.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Most bytes of a currency's name.
const CURRENCY_BYTES_MAX: usize = 16;
/// Digits behind the point.
const DECIMALS: usize = 6;

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Money {
    /// Millionths of the currency.
    pub millionths: u64,
    /// The currency, as the node's price names it.
    pub currency: String,
}

/// A text that is no amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no amount of money: write a number with up to six decimals and the currency of the node's price, such as `2.50 EUR`",
    .0.escape_debug()
)]
pub struct NoMoney(String);

impl std::str::FromStr for Money {
    type Err = NoMoney;
    fn from_str(text: &str) -> Result<Self, NoMoney> {
        let read = || {
            let (amount, currency) = text.split_once(' ')?;
            let plain = |c: char| !c.is_whitespace() && !c.is_control();
            let named = (1..=CURRENCY_BYTES_MAX).contains(&currency.len());
            let (whole, part) = amount.split_once('.').unwrap_or((amount, "0"));
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            if !named || !currency.chars().all(plain) || !digits(whole) || !digits(part) {
                return None;
            }
            let millionths = format!("{part:0<DECIMALS$}");
            if millionths.len() > DECIMALS {
                return None;
            }
            let whole: u64 = whole.parse().ok()?;
            let millionths =
                whole.checked_mul(1_000_000)?.checked_add(millionths.parse::<u64>().ok()?)?;
            Some(Self { millionths, currency: currency.to_owned() })
        };
        read().ok_or_else(|| NoMoney(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.millionths / 1_000_000, self.millionths % 1_000_000);
        let part = format!("{part:06}");
        let part = part.trim_end_matches('0');
        match part {
            "" => write!(f, "{whole} {}", self.currency),
            part => write!(f, "{whole}.{part:0<2} {}", self.currency),
        }
    }
}

impl TryFrom<String> for Money {
    type Error = NoMoney;
    fn try_from(text: String) -> Result<Self, NoMoney> {
        text.parse()
    }
}

impl From<Money> for String {
    fn from(value: Money) -> Self {
        value.to_string()
    }
}

impl schemars::JsonSchema for Money {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Money".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]+(\\.[0-9]{1,6})? \\S{1,16}$",
            "examples": ["2.50 EUR"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        for (text, millionths, printed) in [
            ("2.50 EUR", 2_500_000, "2.50 EUR"),
            ("2.5 EUR", 2_500_000, "2.50 EUR"),
            ("10 credits", 10_000_000, "10 credits"),
            ("0.000001 EUR", 1, "0.000001 EUR"),
        ] {
            let money: Money = text.parse().expect(text);
            assert_eq!((money.millionths, money.to_string().as_str()), (millionths, printed));
        }
    }

    #[test]
    fn refuses_what_is_none() {
        for text in [
            "",
            "2.50",
            "EUR",
            "EUR 2",
            "-2 EUR",
            "+2 EUR",
            "2,5 EUR",
            "2. EUR",
            ".5 EUR",
            "1e3 EUR",
            "0.0000001 EUR",
            "2  EUR",
            "2 E UR",
            "2 \u{7}",
            "18446744073709551615 EUR",
        ] {
            assert!(text.parse::<Money>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(millionths in 0..=u64::MAX) {
            let money = Money { millionths, currency: "EUR".to_owned() };
            prop_assert_eq!(money.to_string().parse(), Ok(money));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _either = text.parse::<Money>();
        }
    }
}
