//! `[limit]`: how often routes may be called, and credentials may be wrong.

use super::pick::Pick;
use model::manifest::{By, Rate, RateLimit};
use serde::Deserialize;

/// The section, as the file has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    rate: Option<Rate>,
    burst: Option<u32>,
    by: Option<By>,
    failures: Option<Rate>,
}

/// `[limit]`
#[derive(Debug, Clone)]
pub struct Limit {
    /// The limit of routes that name none; none unless set.
    pub route: Option<RateLimit>,
    /// Credentials that are not valid, from one address and for one token.
    pub failures: RateLimit,
}

impl Section {
    pub(super) fn pick(&self, pick: &mut Pick) -> Limit {
        let default = engine::FAILURES;
        let failures = pick.of("limit.failures", default.rate, self.failures);
        let shown = self.rate.map(|rate| rate.to_string());
        pick.of("limit.rate", "none".to_owned(), shown);
        let by = self.by.unwrap_or(By::Address);
        let route = self.rate.map(|rate| RateLimit { rate, burst: self.burst, by });
        Limit { route, failures: RateLimit { rate: failures, ..default } }
    }
}
