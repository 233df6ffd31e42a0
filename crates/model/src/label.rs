//! Labels: what a value is known to contain.
//!
//! Every value that the host moves carries a set of labels; sets join by union, and nothing here
//! can take a label away. Classes and detectors come later; the form is fixed now, because
//! records and host calls are written with it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One class of data, such as `pan` or `email`, in one form, such as `clear` or `token`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct Label(Box<str>);

impl Label {
    /// A label from its text, `class` or `class.form`.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The class.
    #[must_use]
    pub fn class(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

/// A set of labels, sorted. The empty set allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Labels(Vec<Label>);

impl Labels {
    /// The empty set: nothing is known to be sensitive.
    pub const NONE: Self = Self(Vec::new());

    /// The set of these labels.
    pub fn of(labels: impl IntoIterator<Item = Label>) -> Self {
        let mut set: Vec<Label> = labels.into_iter().collect();
        set.sort();
        set.dedup();
        Self(set)
    }

    /// Adds all labels of `other`: the label of a value made from both.
    pub fn join(&mut self, other: &Self) {
        if other.0.is_empty() || *self == *other {
            return;
        }
        *self = Self::of(self.0.drain(..).chain(other.0.iter().cloned()));
    }

    /// Whether every label of `self` is in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().all(|label| other.0.binary_search(label).is_ok())
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads what `Display` writes: labels with commas between them.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let labels = text.split(',').map(str::trim).filter(|label| !label.is_empty());
        Self::of(labels.map(Label::new))
    }

    /// Bytes that they take beside a value that is kept: none if there is none.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        let text: usize = self.0.iter().map(|label| label.as_str().len() + 1).sum();
        if text == 0 { 0 } else { text as u64 + 4 }
    }

    /// The labels in order.
    pub fn iter(&self) -> impl Iterator<Item = &Label> {
        self.0.iter()
    }
}

/// A value and what it is known to contain. Whatever the host moves has this shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled<T> {
    /// The value.
    pub value: T,
    /// What it is known to contain.
    pub labels: Labels,
}

impl<T> Labelled<T> {
    /// A value of which nothing sensitive is known.
    pub fn plain(value: T) -> Self {
        Self { value, labels: Labels::NONE }
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, label) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            f.write_str(label.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels() -> impl Strategy<Value = Labels> {
        proptest::collection::vec("[a-d]{1,2}", 0..6)
            .prop_map(|texts| Labels::of(texts.iter().map(|text| Label::new(text))))
    }

    fn joined(a: &Labels, b: &Labels) -> Labels {
        let mut all = a.clone();
        all.join(b);
        all
    }

    proptest! {
        #[test]
        fn join_is_a_semilattice_and_never_loses_a_label(a in labels(), b in labels(), c in labels()) {
            prop_assert_eq!(joined(&a, &b), joined(&b, &a));
            prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
            prop_assert_eq!(joined(&a, &a), a.clone());
            prop_assert!(a.is_subset(&joined(&a, &b)));
            prop_assert_eq!(Labels::parse(&a.to_string()), a.clone());
            let text = a.to_string().len() as u64;
            prop_assert_eq!(a.stored_bytes(), if text == 0 { 0 } else { text + 5 });
        }
    }
}
