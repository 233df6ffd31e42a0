//! What was used today of everything that has a cap, as a node keeps it over a restart.
//!
//! Version 1 is the byte 1 and a [`Tallied`] in postcard's encoding. Fields are written by position,
//! so their order here is the format; a new field is a new version.

use crate::{ApplicationName, FunctionRef, Scope, TenantName, Timestamp};
use serde::{Deserialize, Serialize};

/// The version that is written.
const VERSION: u8 = 1;

/// All that was counted, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallied {
    /// What ended before this time is in it.
    pub at: Timestamp,
    /// One row for each that used anything.
    pub rows: Vec<Row>,
}

/// Whose use it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// A function's.
    Function(FunctionRef),
    /// A caller's of a function: a keyed digest of its name; 0 for those that share one.
    Caller(FunctionRef, u64),
    /// An application's.
    Application(Scope, ApplicationName),
    /// A tenant's.
    Tenant(TenantName),
}

/// What one of them used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Whose use it is.
    pub subject: Subject,
    /// On which day: days since the Unix epoch.
    pub day: i64,
    /// How much, by [`crate::cap::Meter`], and then what was refused and what would have been.
    pub used: [u64; 8],
    /// The day until whose end the operator lifted the caps; 0 if none.
    pub lifted: i64,
}

/// Bytes that are none of this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no counters of a version that this build knows")]
pub struct Unreadable;

impl Tallied {
    /// The bytes that are kept.
    ///
    /// # Errors
    /// [`Unreadable`] never, as far as is known: everything in it has a form.
    pub fn encode(&self) -> Result<Vec<u8>, Unreadable> {
        postcard::to_extend(self, vec![VERSION]).map_err(|_| Unreadable)
    }

    /// Reads what was kept.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        match bytes.split_first() {
            Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(|_| Unreadable),
            _ => Err(Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FunctionName;

    fn example() -> Tallied {
        let name = FunctionName::parse("hello").expect("a name");
        let function = FunctionRef { scope: Scope::default(), name };
        let row = |subject| Row { subject, day: 20_000, used: [1, 2, 3, 4, 5, 6, 7, 8], lifted: 0 };
        let rows =
            vec![row(Subject::Function(function.clone())), row(Subject::Caller(function, 9))];
        Tallied { at: Timestamp(1), rows }
    }

    #[test]
    fn comes_back_and_has_fixed_bytes() {
        let bytes = example().encode().expect("bytes");
        assert_eq!(Tallied::decode(&bytes), Ok(example()));
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let function = "0764656661756c74046d61696e0568656c6c6f";
        let used = "c0b802010203040506070800";
        assert_eq!(hex, format!("01020200{function}{used}01{function}09{used}"));
    }

    #[test]
    fn other_bytes_are_refused_and_never_panic() {
        let bytes = example().encode().expect("bytes");
        assert_eq!(Tallied::decode(&[]), Err(Unreadable));
        assert_eq!(Tallied::decode(&[2]), Err(Unreadable));
        for end in 0..bytes.len() {
            assert_eq!(Tallied::decode(&bytes[..end]), Err(Unreadable), "{end}");
        }
    }
}
