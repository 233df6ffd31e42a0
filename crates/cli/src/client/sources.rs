//! Sources of messages.

use super::Client;
use crate::voice::Failure;
use model::api::{Page, Source};

impl Client {
    /// The sources, by name.
    pub(crate) fn sources(&self) -> Result<Page<Source>, Failure> {
        self.read(&self.scoped("sources"))
    }
}
