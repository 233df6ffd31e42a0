//! One value out of several places, and the place that it came from.

use std::fmt::Display;

/// One line of `up --print-config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// The key, as the file has it.
    pub key: String,
    /// The value in force.
    pub value: String,
    /// `default`, `file`, a variable of the environment, or a flag.
    pub origin: String,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Default,
    File,
    Environment(String),
    Flag(&'static str),
}

/// The items behind one another; `None` if there are none.
pub(super) fn joined<T: Display>(items: impl IntoIterator<Item = T>) -> Option<String> {
    let texts: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// Collects values and where they come from.
pub(super) struct Pick(pub(super) Vec<SettingRow>);

impl Pick {
    pub(super) fn of<T: Display>(&mut self, key: &str, default: T, file: Option<T>) -> T {
        self.from(key, default, file, None, None)
    }

    /// Shows a list from the file, which is empty where nothing is said.
    pub(super) fn list<T: Display>(&mut self, key: &str, items: impl IntoIterator<Item = T>) {
        self.of(key, "none".to_owned(), joined(items));
    }

    pub(super) fn from<T: Display>(
        &mut self,
        key: &str,
        default: T,
        file: Option<T>,
        environment: Option<(String, T)>,
        flag: Option<(&'static str, T)>,
    ) -> T {
        let (value, origin) = match (flag, environment, file) {
            (Some((name, value)), _, _) => (value, Origin::Flag(name)),
            (None, Some((name, value)), _) => (value, Origin::Environment(name)),
            (None, None, Some(value)) => (value, Origin::File),
            (None, None, None) => (default, Origin::Default),
        };
        let origin = match origin {
            Origin::Default => "default".to_owned(),
            Origin::File => "file".to_owned(),
            Origin::Environment(name) => name,
            Origin::Flag(name) => name.to_owned(),
        };
        self.0.push(SettingRow { key: key.to_owned(), value: value.to_string(), origin });
        value
    }
}
