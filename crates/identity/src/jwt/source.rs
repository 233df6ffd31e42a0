//! Where keys come from that an issuer's set does not have yet.

use super::TOKEN_BYTES_MAX;
use super::compact::Compact;
use super::issuers::Issuers;
use model::IssuerName;
use std::future::Future;
use std::pin::Pin;

/// Ends when an issuer was asked for its keys, or when nobody should wait for that any longer.
pub type Asking = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Asks issuers for their keys.
pub trait KeySource: Send + Sync {
    /// Asks the issuer anew, since somebody shows a token by a key that it is not known to have;
    /// or does not, because it was asked a moment ago or its keys are in a file. Anybody can cause
    /// this, so what it costs has to be bounded here.
    fn ask(&self, issuer: &IssuerName) -> Option<Asking>;
}

impl Issuers {
    /// The issuer of a token that could be valid if its issuer had a key that it is not known to
    /// have. `None` also where nobody could be asked for it.
    #[must_use]
    pub fn lacks_key(&self, text: &str) -> Option<&IssuerName> {
        self.source()?;
        // Most tokens end here.
        if text.len() > TOKEN_BYTES_MAX || self.is_warm(text) {
            return None;
        }
        let token = Compact::parse(text).ok()?;
        let named = token.claims.text("iss")?;
        let issuer = self.list().iter().find(|it| it.config().issuer == named)?;
        let config = issuer.config();
        let allowed = config.algorithms.contains(&token.algorithm);
        (allowed && !issuer.could_check(token.key_id.as_deref())).then_some(&config.name)
    }

    /// Has an issuer asked for its keys; see [`KeySource::ask`].
    #[must_use]
    pub fn ask(&self, issuer: &IssuerName) -> Option<Asking> {
        self.source()?.ask(issuer)
    }
}
