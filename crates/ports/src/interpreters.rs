//! What interprets native functions on this machine.

use crate::Future;
use model::Problem;
use model::api::Interpreter;

/// The interpreters of this machine.
pub trait Interpreters: std::fmt::Debug + Send + Sync {
    /// Looks what is there now.
    fn list(&self) -> Future<'_, Vec<Interpreter>>;

    /// Whether there is one of this name.
    ///
    /// # Errors
    /// E1320, with what to install and with what is there instead.
    fn check<'a>(&'a self, name: &'a str) -> Future<'a, Result<(), Problem>>;
}
