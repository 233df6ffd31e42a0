//! What interprets native functions on this machine.

use crate::Future;
use model::Problem;
use model::api::Interpreter;

/// The interpreters of this machine.
pub trait Interpreters: std::fmt::Debug + Send + Sync {
    /// Looks what is there now.
    fn list(&self) -> Future<'_, Vec<Interpreter>>;

    /// The version of the one of this name, if it could be found out.
    ///
    /// # Errors
    /// E1320, with what to install and with what is there instead.
    fn check<'a>(&'a self, name: &'a str) -> Future<'a, Result<Option<String>, Problem>>;
}
