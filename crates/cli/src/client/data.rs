//! Values that come back.

use super::Client;
use super::transport::Patience;
use crate::voice::Failure;
use model::api::{RevealRequest, Revealed};

impl Client {
    /// The values of tokens.
    pub(crate) fn reveal_data(&self, request: &RevealRequest) -> Result<Revealed, Failure> {
        let builder = self.request("POST", &self.scoped("data/reveal"));
        self.write(builder, Some(request), Patience::Short)
    }
}
