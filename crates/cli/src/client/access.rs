//! Who may do what: grants and tokens.

use super::Client;
use super::transport::Patience;
use crate::voice::Failure;
use model::api::{Page, Token, TokenCreated, TokenRequest};
use model::{Grant, TokenName};
use serde::Deserialize;

/// The ledger entry of an act.
#[derive(Debug, Clone, Copy, Deserialize, serde::Serialize)]
pub(crate) struct Written {
    /// Its number.
    pub(crate) leaf: u64,
}

/// No body, in a place where one could be.
pub(super) const NOTHING: Option<&()> = None;

impl Client {
    /// Every grant.
    pub(crate) fn grants(&self) -> Result<Page<Grant>, Failure> {
        self.read(&self.scoped("grants"))
    }

    /// Writes a grant.
    pub(crate) fn grant(&self, grant: &Grant) -> Result<Written, Failure> {
        let builder = self.request("POST", &self.scoped("grants"));
        self.write(builder, Some(grant), Patience::Short)
    }

    /// Takes a grant back.
    pub(crate) fn revoke(&self, grant: &Grant) -> Result<Written, Failure> {
        let builder = self.request("POST", &self.scoped("grants/revoke"));
        self.write(builder, Some(grant), Patience::Short)
    }

    /// Every token, without its secret.
    pub(crate) fn tokens(&self) -> Result<Page<Token>, Failure> {
        self.read(&self.scoped("tokens"))
    }

    /// Makes a token.
    pub(crate) fn create_token(&self, request: &TokenRequest) -> Result<TokenCreated, Failure> {
        let builder = self.request("POST", &self.scoped("tokens"));
        self.write(builder, Some(request), Patience::Short)
    }

    /// Ends a token.
    pub(crate) fn revoke_token(&self, name: &TokenName) -> Result<Written, Failure> {
        let builder = self.request("DELETE", &self.scoped(&format!("tokens/{name}")));
        self.write(builder, NOTHING, Patience::Short)
    }
}
