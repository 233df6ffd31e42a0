//! What a manifest says of a Worker: its modules, the behaviour that it was written for, its bindings.
//!
//! Nothing of it is passed on as text: a node writes the runtime's configuration itself, and what is
//! here are names and values in it.

mod flags;
mod modules;

pub use flags::EXPERIMENTAL;
pub use modules::{ENTRY, Form, MODULES_MAX, Module, modules};

use crate::{Code, FunctionName, Problem, SharedStoreName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most bindings of one kind, and most flags.
const NAMES_MAX: usize = 100;
/// Longest name of a binding and of a flag, in bytes.
const NAME_BYTES_MAX: usize = 128;
/// The module that is called, if nothing else is said.
const MAIN: &str = "index.js";
/// How many days beyond its own date a runtime takes: it is made for the week that begins with it.
const DAYS_AHEAD: i64 = 7;

/// A Worker, beyond its contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkerSpec {
    /// The module whose default export is called, as a path in the package. Default `index.js`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<String>,
    /// The day of whose behaviour the runtime's is to be, as YYYY-MM-DD.
    pub compatibility_date: String,
    /// What of the runtime's behaviour is to be otherwise than on that day, such as `nodejs_compat`.
    /// Experimental flags are refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compatibility_flags: Vec<String>,
    /// Key-value stores under the names that the Worker has for them. `allow.keyvalue` asks for them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kv: BTreeMap<String, SharedStoreName>,
    /// Functions under the names that the Worker has for them. `allow.invoke` asks for them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, FunctionName>,
    /// Names of `config` and `environment` whose values are JSON, and reach the Worker as what that
    /// stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub json: Vec<String>,
}

/// The key below `native`, what is wrong with it, and what to do.
pub(super) struct Wrong {
    pub(super) code: Code,
    pub(super) key: &'static str,
    pub(super) why: String,
    pub(super) hint: &'static str,
}

impl Wrong {
    fn value(key: &'static str, why: String, hint: &'static str) -> Self {
        Self { code: Code::ManifestValue, key, why, hint }
    }
}

impl WorkerSpec {
    /// The module whose default export is called.
    #[must_use]
    pub fn main(&self) -> &str {
        self.main.as_deref().unwrap_or(MAIN)
    }

    /// Refuses what no Worker can have. `plain` gives the value of a variable.
    pub(super) fn check<'a>(
        &self,
        plain: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<(), Box<Wrong>> {
        if let Err(why) = modules::name(self.main()) {
            let key = "native.worker.main";
            return Err(Box::new(Wrong::value(key, why, "write it as `src/index.js`")));
        }
        if day(&self.compatibility_date).is_none() {
            let why = format!("{:?} is no day", short(&self.compatibility_date));
            let (code, hint) = (Code::WorkerDate, "write a day that was, such as `2026-11-01`");
            return Err(Box::new(Wrong {
                code,
                key: "native.worker.compatibility_date",
                why,
                hint,
            }));
        }
        self.check_flags()?;
        self.check_bindings()?;
        for name in &self.json {
            let key = "native.worker.json";
            let hint = "name what `environment` or `config` has, with JSON as its value";
            let is = |value: &str| serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok();
            // What the value is, nobody is told: it may be meant to be kept.
            if !plain(name).is_some_and(is) {
                let why = format!("there is no JSON under {:?}", short(name));
                return Err(Box::new(Wrong::value(key, why, hint)));
            }
        }
        Ok(())
    }

    fn check_flags(&self) -> Result<(), Box<Wrong>> {
        let key = "native.worker.compatibility_flags";
        if self.compatibility_flags.len() > NAMES_MAX {
            let why = format!("has more than {NAMES_MAX} entries");
            return Err(Box::new(Wrong::value(key, why, "take some of them out")));
        }
        for flag in &self.compatibility_flags {
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if !(1..=NAME_BYTES_MAX).contains(&flag.len()) || !flag.bytes().all(plain) {
                let why = format!("{:?} is no flag", short(flag));
                return Err(Box::new(Wrong::value(key, why, "write one such as `nodejs_compat`")));
            }
            let why = if flags::is_experimental(flag) {
                format!("`{flag}` is experimental: its makers promise nothing of it")
            } else if flags::is_python(flag) {
                format!("`{flag}` has the runtime fetch an interpreter from the network")
            } else {
                continue;
            };
            let (code, hint) = (Code::WorkerFlag, "take it out of `compatibility_flags`");
            return Err(Box::new(Wrong { code, key, why, hint }));
        }
        Ok(())
    }

    fn check_bindings(&self) -> Result<(), Box<Wrong>> {
        let mut taken: BTreeSet<&str> = BTreeSet::new();
        let names = [
            ("native.worker.kv", self.kv.keys().collect::<Vec<_>>()),
            ("native.worker.services", self.services.keys().collect()),
        ];
        for (key, names) in names {
            if names.len() > NAMES_MAX {
                let why = format!("has more than {NAMES_MAX} entries");
                return Err(Box::new(Wrong::value(key, why, "take some of them out")));
            }
            for name in names {
                if !is_binding(name) {
                    let why = format!("{:?} is no name of a binding", short(name));
                    let hint = "write letters, digits, `_`, `$` and `-`, and no digit first";
                    return Err(Box::new(Wrong::value(key, why, hint)));
                }
                if !taken.insert(name) {
                    let why = format!("`{name}` is a store's name and a function's");
                    return Err(Box::new(Wrong::value(key, why, "give each a name of its own")));
                }
            }
        }
        Ok(())
    }

    /// The names of its bindings beside variables.
    pub fn bindings(&self) -> impl Iterator<Item = &String> {
        self.kv.keys().chain(self.services.keys())
    }

    /// Refuses a day whose behaviour this version of the runtime does not know yet. A version is the
    /// day that it was made; one that is none says nothing.
    ///
    /// # Errors
    /// E0166.
    pub fn check_date(&self, version: Option<&str>) -> Result<(), Problem> {
        let (Some(asked), Some(made)) = (day(&self.compatibility_date), version.and_then(day))
        else {
            return Ok(());
        };
        if asked <= made + DAYS_AHEAD {
            return Ok(());
        }
        let (date, version) = (&self.compatibility_date, version.unwrap_or_default());
        let why =
            format!("`compatibility_date` is {date}, and the node's `workerd` is of {version}");
        let hint = "write an earlier day, or have the operator bring a newer `workerd`";
        Err(Problem::new(Code::WorkerDate).detail(why).hint(hint))
    }
}

fn is_binding(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_$-".contains(c);
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && !name.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && name.chars().all(fits)
}

/// The beginning of somebody's text.
fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

/// YYYY-MM-DD as days since the beginning of 1970. None for what is no day.
fn day(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shape {
        return None;
    }
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let most = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=most).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the leap day is the last of one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(days + (153 * month + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests;
