//! One address or several.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most addresses of one secret.
const PLACES_MAX: usize = 16;

/// Where a secret goes: one address, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Places {
    /// One address.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Default for Places {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Places {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The addresses.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let all = match self {
            Self::One(place) => std::slice::from_ref(place),
            Self::Several(places) => places,
        };
        all.iter().map(String::as_str)
    }

    /// Whether there is one at all, and not too many, and none twice.
    pub(in crate::manifest) fn is_sound(&self) -> bool {
        let mut all: Vec<&str> = self.iter().collect();
        let named = all.len();
        all.sort_unstable();
        all.dedup();
        (1..=PLACES_MAX).contains(&named) && all.len() == named
    }
}
