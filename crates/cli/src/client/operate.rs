//! The node as a whole: its state, its ledger, its backup.

use super::Client;
use super::transport::{Patience, query};
use crate::voice::Failure;
use model::api::{Finding, Interpreter, LedgerEntry, LedgerHead, Node, Page};
use std::io::Read;

impl Client {
    /// What the node says about itself.
    pub(crate) fn node(&self) -> Result<Node, Failure> {
        self.read("/v1/node")
    }

    /// What the node finds about itself. It reads the whole journal for it.
    pub(crate) fn doctor(&self) -> Result<Page<Finding>, Failure> {
        self.ask(self.request("GET", "/v1/doctor"), (), Patience::Endless)?.json()
    }

    /// What interprets native functions on the node's machine. It asks each for its version.
    pub(crate) fn runtimes(&self) -> Result<Page<Interpreter>, Failure> {
        self.ask(self.request("GET", "/v1/runtimes"), (), Patience::Endless)?.json()
    }

    /// The ledger's state.
    pub(crate) fn ledger_head(&self) -> Result<LedgerHead, Failure> {
        self.read("/v1/ledger")
    }

    /// Entries of the ledger from number `from` on.
    pub(crate) fn ledger_entries(
        &self,
        from: u64,
        limit: u64,
    ) -> Result<Page<LedgerEntry>, Failure> {
        let parts = [("from", Some(from.to_string())), ("limit", Some(limit.to_string()))];
        self.read(&format!("/v1/ledger/entries{}", query(&parts)))
    }

    /// The whole ledger, as a tar of the C2SP tlog-tiles layout.
    pub(crate) fn ledger_export(&self) -> Result<impl Read + Send + use<>, Failure> {
        self.stream("/v1/ledger/export")
    }

    /// A backup of the home, as a tar.
    pub(crate) fn backup(
        &self,
        root_key: bool,
        salts: bool,
    ) -> Result<impl Read + Send + use<>, Failure> {
        // A node that knows of no salts refuses the word.
        let salts = if salts { "&salts=true" } else { "" };
        self.stream(&format!("/v1/backup?root_key={root_key}{salts}"))
    }

    fn stream(&self, path: &str) -> Result<impl Read + Send + use<>, Failure> {
        let builder = self.request("GET", path);
        Ok(self.ask(builder, (), Patience::Endless)?.reader())
    }
}
