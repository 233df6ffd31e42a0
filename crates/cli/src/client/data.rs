//! Values that come back, and those that go away for good.

use super::Client;
use super::transport::Patience;
use crate::voice::Failure;
use model::api::{EraseRequest, Erased, RevealRequest, Revealed};

impl Client {
    /// The values of tokens.
    pub(crate) fn reveal_data(&self, request: &RevealRequest) -> Result<Revealed, Failure> {
        let builder = self.request("POST", &self.scoped("data/reveal"));
        self.write(builder, Some(request), Patience::Short)
    }

    /// Deletes the salt of a subject.
    pub(crate) fn erase_data(&self, request: &EraseRequest) -> Result<Erased, Failure> {
        let builder = self.request("POST", &self.scoped("data/erase"));
        self.write(builder, Some(request), Patience::Short)
    }
}
