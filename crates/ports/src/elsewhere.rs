//! Values of secrets that the operator keeps elsewhere.

use crate::Future;
use model::{Scope, Secret, SecretName};

/// Why a value could not be read: fit for the operator and a function's log, and nothing of a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

/// Reads values that the registry does not keep. What is named here comes from here alone: if it
/// cannot be read, nothing stands in for it.
pub trait Elsewhere: Send + Sync {
    /// Where the value of a secret is kept, in a word or two, such as `file`. `None` if it is not
    /// kept elsewhere.
    fn source(&self, scope: &Scope, name: &SecretName) -> Option<&'static str>;

    /// The secrets of a scope that are kept elsewhere.
    fn names(&self, scope: &Scope) -> Vec<SecretName>;

    /// The value of a secret that has a [`Elsewhere::source`]. May be as old as the operator lets it
    /// be.
    ///
    /// # Errors
    /// [`Error`]: it is not there, or cannot be reached.
    fn read<'a>(
        &'a self,
        scope: &'a Scope,
        name: &'a SecretName,
    ) -> Future<'a, Result<Secret<Vec<u8>>, Error>>;
}

/// Nothing is kept elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Elsewhere for Nowhere {
    fn source(&self, _: &Scope, _: &SecretName) -> Option<&'static str> {
        None
    }

    fn names(&self, _: &Scope) -> Vec<SecretName> {
        Vec::new()
    }

    fn read<'a>(
        &'a self,
        _: &'a Scope,
        name: &'a SecretName,
    ) -> Future<'a, Result<Secret<Vec<u8>>, Error>> {
        Box::pin(async move { Err(Error(format!("`{name}` is not kept elsewhere"))) })
    }
}
