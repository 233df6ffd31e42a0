//! Words of data protection: what kinds of sensitive values there are, and whose they are.

mod class;
mod salt;

pub use class::{BuiltIn, DataClass, Error as ClassError};
pub use salt::{Fate, Salt, SaltId, SubjectHash};
