//! Calls that wait, and those that were given up.

use super::Client;
use super::access::NOTHING;
use super::transport::Patience;
use crate::voice::Failure;
use model::api::{Accepted, Page, Peeked, PurgeRequest, Purged, Queued, RedriveRequest, Redriven};
use model::{FunctionName, InvocationId};
use std::fmt::Write as _;

impl Client {
    /// Calls that wait or were given up, the oldest first.
    pub(crate) fn queued(
        &self,
        function: Option<&FunctionName>,
        dead: bool,
        limit: usize,
    ) -> Result<Page<Queued>, Failure> {
        let mut path = self.scoped(&format!("queue?dead={dead}&limit={limit}"));
        if let Some(function) = function {
            // Writing to a text never fails.
            let _ = write!(path, "&function={function}");
        }
        self.read(&path)
    }

    /// What a call holds.
    pub(crate) fn peek(&self, id: InvocationId) -> Result<Peeked, Failure> {
        let builder = self.request("POST", &self.scoped(&format!("queue/{id}/peek")));
        self.write(builder, NOTHING, Patience::Short)
    }

    /// Tries a dead letter again.
    pub(crate) fn retry(&self, id: InvocationId) -> Result<Accepted, Failure> {
        let builder = self.request("POST", &self.scoped(&format!("queue/{id}/retry")));
        self.write(builder, NOTHING, Patience::Short)
    }

    /// Tries dead letters again.
    pub(crate) fn redrive(&self, request: &RedriveRequest) -> Result<Redriven, Failure> {
        let builder = self.request("POST", &self.scoped("queue/redrive"));
        self.write(builder, Some(request), Patience::Short)
    }

    /// Removes dead letters.
    pub(crate) fn purge(&self, request: &PurgeRequest) -> Result<Purged, Failure> {
        let builder = self.request("POST", &self.scoped("queue/purge"));
        self.write(builder, Some(request), Patience::Short)
    }
}
