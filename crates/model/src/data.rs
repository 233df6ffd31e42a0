//! Words of data protection: what kinds of sensitive values there are.

mod class;

pub use class::{BuiltIn, DataClass, Error as ClassError};
