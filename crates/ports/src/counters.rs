//! Where the node keeps what was used today, so that caps hold over a restart.

use crate::Future;

/// One small document that is replaced as a whole.
pub trait Counters: Send + Sync {
    /// What was kept last; `None` if nothing was, or what is there is damaged.
    ///
    /// # Errors
    /// It cannot be read, in words.
    fn load(&self) -> Future<'_, Result<Option<Vec<u8>>, String>>;

    /// Keeps it in the place of what was there. Afterwards there is the one or the other, whatever
    /// happens.
    ///
    /// # Errors
    /// It cannot be written, in words.
    fn save(&self, bytes: Vec<u8>) -> Future<'_, Result<(), String>>;
}
