//! Caps and what is used of them.

use super::Client;
use super::transport::{Patience, query};
use crate::voice::Failure;
use model::api::{Caps, LiftRequest, Lifted, Proposals};
use model::{FunctionName, Timestamp};

impl Client {
    /// Every cap, and what is used of it.
    pub(crate) fn caps(&self) -> Result<Caps, Failure> {
        self.read(&self.scoped("caps"))
    }

    /// Lifts caps per day until the day ends.
    pub(crate) fn lift(&self, request: &LiftRequest) -> Result<Lifted, Failure> {
        let builder = self.request("POST", &self.scoped("caps/lift"));
        self.write(builder, Some(request), Patience::Short)
    }

    /// What caps might be, from what was used since then.
    pub(crate) fn proposals(
        &self,
        function: Option<&FunctionName>,
        since: Timestamp,
    ) -> Result<Proposals, Failure> {
        let parts = [
            ("function", function.map(ToString::to_string)),
            ("since_us", Some(since.0.to_string())),
        ];
        self.read(&self.scoped(&format!("caps/proposals{}", query(&parts))))
    }
}
