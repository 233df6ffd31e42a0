//! What a function's developer wants it to use at most in so long.

use crate::cap::{Amounts, CapMode, MemoryTime, Money, Per, Whose};
use crate::unit::{Duration, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most caps of one function.
pub const CAPS_MAX: usize = 32;

/// Whose use a cap of the manifest adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CapOf {
    /// The function's, whoever calls.
    #[default]
    Function,
    /// Each caller's. Callers without a credential count as one.
    Caller,
}

impl CapOf {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A cap. Beyond it new invocations get 429 until its time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// Whose use is added up.
    #[serde(default, skip_serializing_if = "CapOf::is_default")]
    pub of: CapOf,
    /// How long it counts: a `second`, a `minute` or a `day` of UTC.
    pub per: Per,
    /// Whether it refuses (`enforce`), or only says in records what it would have refused
    /// (`observe`).
    #[serde(default, skip_serializing_if = "CapMode::is_default")]
    pub mode: CapMode,
    /// Invocations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocations: Option<u64>,
    /// CPU time, such as `20m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Duration>,
    /// Memory over wall time, such as `20GiB-s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_time: Option<MemoryTime>,
    /// Asks of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_calls: Option<u64>,
    /// Bytes of replies, and bytes that asks of the host moved, such as `10GiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<Size>,
    /// Units of cost, as `casemate cost` counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<u64>,
    /// Money, such as `2.50 EUR`. The node has to have a price in this currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
}

impl Cap {
    /// A cap that allows this much.
    #[must_use]
    pub fn new(of: CapOf, per: Per, mode: CapMode, amounts: Amounts) -> Self {
        let Amounts { invocations, cpu, memory_time, host_calls, egress, units, money } = amounts;
        Self { of, per, mode, invocations, cpu, memory_time, host_calls, egress, units, money }
    }

    /// How much it allows.
    #[must_use]
    pub fn amounts(&self) -> Amounts {
        Amounts {
            invocations: self.invocations,
            cpu: self.cpu,
            memory_time: self.memory_time,
            host_calls: self.host_calls,
            egress: self.egress,
            units: self.units,
            money: self.money.clone(),
        }
    }

    /// Whose use it adds up.
    #[must_use]
    pub fn whose(&self) -> Whose {
        match self.of {
            CapOf::Function => Whose::Function,
            CapOf::Caller => Whose::Caller,
        }
    }
}

/// What is wrong with a function's caps: which one, the key, and why.
pub(super) fn check(caps: &[Cap]) -> Result<(), (usize, &'static str, String)> {
    if caps.len() > CAPS_MAX {
        return Err((CAPS_MAX, "per", format!("a function has at most {CAPS_MAX} caps")));
    }
    for (at, cap) in caps.iter().enumerate() {
        cap.amounts().check().map_err(|(key, why)| (at, key, why))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_writes_it_again() {
        let text = r#"{"of":"caller","per":"day","mode":"observe","invocations":10,"cpu":"20m",
            "memory_time":"20GiB-s","egress":"1GiB","money":"2.50 EUR"}"#;
        let cap: Cap = serde_json::from_str(text).expect(text);
        assert_eq!(check(std::slice::from_ref(&cap)), Ok(()));
        assert_eq!(Cap::new(cap.of, cap.per, cap.mode, cap.amounts()), cap);
        let again = serde_json::to_string(&cap).expect("JSON");
        assert_eq!(serde_json::from_str::<Cap>(&again).expect("the same"), cap);
    }

    #[test]
    fn refuses_what_means_nothing() {
        for text in [
            r#"{"invocations":1}"#,
            r#"{"per":"week","invocations":1}"#,
            r#"{"per":"day","invocations":-1}"#,
            r#"{"per":"day","invocations":1.5}"#,
            r#"{"per":"day","cpu":"3 parsecs"}"#,
            r#"{"per":"day","memory_time":"3GiB"}"#,
            r#"{"per":"day","money":"lots"}"#,
            r#"{"per":"day","of":"tenant","invocations":1}"#,
            r#"{"per":"day","mode":"maybe","invocations":1}"#,
            r#"{"per":"day","invocation":1}"#,
        ] {
            assert!(serde_json::from_str::<Cap>(text).is_err(), "{text}");
        }
        for (text, key) in [
            (r#"{"per":"day"}"#, "per"),
            (r#"{"per":"day","invocations":0}"#, "invocations"),
            (r#"{"per":"day","cpu":"0s"}"#, "cpu"),
            (r#"{"per":"day","units":18446744073709551615}"#, "units"),
        ] {
            let cap: Cap = serde_json::from_str(text).expect(text);
            assert_eq!(check(&[cap]).map_err(|(at, key, _)| (at, key)), Err((0, key)), "{text}");
        }
        let one: Cap = serde_json::from_str(r#"{"per":"day","invocations":1}"#).expect("a cap");
        assert!(check(&vec![one; CAPS_MAX + 1]).is_err());
    }
}
