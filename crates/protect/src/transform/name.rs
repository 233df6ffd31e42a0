//! The names that a protected value is bound to: they go into the tweak of FF1, into what a token
//! authenticates, and into what a hash is made of.
//!
//! Invariant: each part stands behind its length, so no two lists of names are the same bytes.
//! Invariant: the order of the parts is fixed for ever; a change makes every value unreadable.

use super::Error;
use model::{DataClass, TenantName};
use serde::{Deserialize, Serialize};

/// Longest id of a record, in bytes.
const RECORD_BYTES_MAX: usize = 1024;

/// Whether equal values become equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Equal values become equal: they can be joined and counted, and whoever sees them learns
    /// which are equal and how often each comes.
    #[default]
    Join,
    /// The id of the value's record is mixed in: equal values of different records differ.
    Isolated,
}

impl Mode {
    /// The word that is mixed in. Fixed for ever.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Isolated => "isolated",
        }
    }
}

/// Whose values they are, what they are, and in which mode.
#[derive(Debug, Clone)]
pub struct Names {
    /// The tenant.
    pub tenant: TenantName,
    /// The class.
    pub class: DataClass,
    /// The mode.
    pub mode: Mode,
}

impl Names {
    /// The parts, each behind its length as two bytes: tenant, class, mode, what else is named,
    /// and in `isolated` mode the record.
    pub(crate) fn bytes(&self, record: Option<&str>, more: &[&[u8]]) -> Result<Vec<u8>, Error> {
        let record = match (self.mode, record) {
            (Mode::Join, _) => None,
            (Mode::Isolated, Some(record)) if !record.is_empty() => Some(record.as_bytes()),
            (Mode::Isolated, _) => return Err(Error::NoRecord),
        };
        if record.is_some_and(|record| record.len() > RECORD_BYTES_MAX) {
            return Err(Error::TooLong { max: RECORD_BYTES_MAX });
        }
        let own = [self.tenant.as_str(), self.class.as_str(), self.mode.word()];
        let mut bytes = Vec::with_capacity(96);
        let parts = own.iter().map(|text| text.as_bytes()).chain(more.iter().copied());
        for one in parts.chain(record) {
            let length = u16::try_from(one.len()).map_err(|_| Error::TooLong { max: 0xffff })?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(one);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tenant: &str, class: &str, mode: Mode) -> Names {
        let tenant = TenantName::parse(tenant).expect("a name");
        Names { tenant, class: DataClass::parse(class).expect("a class"), mode }
    }

    #[test]
    fn every_part_counts_and_no_boundary_moves() {
        let mut seen = std::collections::BTreeSet::new();
        let mut new = |bytes: Result<Vec<u8>, Error>| {
            assert!(seen.insert(bytes.expect("short enough")), "it was there before");
        };
        new(names("ab", "c", Mode::Join).bytes(None, &[]));
        new(names("a", "bc", Mode::Join).bytes(None, &[]));
        new(names("a", "bc", Mode::Join).bytes(None, &[b""]));
        new(names("a", "bc", Mode::Join).bytes(None, &[b"x", b"y"]));
        new(names("a", "bc", Mode::Join).bytes(None, &[b"xy"]));
        new(names("a", "bc", Mode::Isolated).bytes(Some("1"), &[]));
        new(names("a", "bc", Mode::Isolated).bytes(Some("2"), &[]));
    }

    #[test]
    fn the_isolated_mode_needs_a_record_and_the_other_ignores_it() {
        let isolated = names("a", "b", Mode::Isolated);
        assert_eq!(isolated.bytes(None, &[]), Err(Error::NoRecord));
        assert_eq!(isolated.bytes(Some(""), &[]), Err(Error::NoRecord));
        let long = "r".repeat(1025);
        assert!(matches!(isolated.bytes(Some(&long), &[]), Err(Error::TooLong { .. })));
        let join = names("a", "b", Mode::Join);
        assert_eq!(join.bytes(Some("1"), &[]), join.bytes(None, &[]));
    }
}
