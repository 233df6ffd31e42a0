//! One field of a contract, as it is written.

use super::{Missing, Place};
use crate::transform::{Kind, Mode, Recipe};
use model::DataClass;
use serde::Deserialize;

/// A sensitive field. The keys behind `transform` are those of [`Recipe`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Where it is.
    pub at: Place,
    /// What it is.
    pub class: DataClass,
    /// What becomes of it.
    pub transform: Kind,
    /// What happens where it is not there, if it is not what the contract says for all.
    #[serde(default)]
    pub missing: Option<Missing>,
    /// Whether equal values become equal.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// Where the id of its record is, for the mode `isolated`.
    #[serde(default)]
    pub record: Option<Place>,
    /// Whether the values of one subject can be erased.
    #[serde(default)]
    pub erasable: bool,
    /// Where it stands whose value it is, for `erasable`.
    #[serde(default)]
    pub subject: Option<Place>,
    /// Characters at the beginning that stay.
    #[serde(default)]
    pub keep_first: Option<u8>,
    /// Characters at the end that stay.
    #[serde(default)]
    pub keep_last: Option<u8>,
    /// Whether the domain of an address stays.
    #[serde(default)]
    pub keep_domain: Option<bool>,
    /// The characters of `own`, and of a hash with `length`.
    #[serde(default)]
    pub alphabet: Option<String>,
    /// Characters of a hash.
    #[serde(default)]
    pub length: Option<u8>,
    /// The width of a bucket.
    #[serde(default)]
    pub width: Option<u64>,
    /// What covers a character, or stands for the value.
    #[serde(default)]
    pub with: Option<String>,
}

impl Field {
    /// A field without options.
    #[must_use]
    pub const fn new(at: Place, class: DataClass, transform: Kind) -> Self {
        Self {
            at,
            class,
            transform,
            missing: None,
            mode: None,
            record: None,
            erasable: false,
            subject: None,
            keep_first: None,
            keep_last: None,
            keep_domain: None,
            alphabet: None,
            length: None,
            width: None,
            with: None,
        }
    }

    /// What becomes of the field's values.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        Recipe {
            kind: self.transform,
            mode: self.mode,
            keep_first: self.keep_first,
            keep_last: self.keep_last,
            keep_domain: self.keep_domain,
            alphabet: self.alphabet.clone(),
            length: self.length,
            width: self.width,
            with: self.with.clone(),
        }
    }
}
