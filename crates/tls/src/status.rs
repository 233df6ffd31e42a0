//! How certificates are, for those who look after the node.

use crate::facts::{Facts, Validity};
use model::Timestamp;

/// A certificate that expires within this time is named: 14 days, in microseconds.
pub(crate) const SOON_US: i64 = 14 * 86_400_000_000;

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The operator's files.
    File,
    /// An ACME directory.
    Acme,
    /// Made here.
    SelfSigned,
    /// The authorities of client certificates.
    Clients,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Good,
    /// It works, and somebody should look at it.
    Poor,
    /// Clients refuse it.
    Bad,
}

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its file, or its name.
    pub label: String,
    /// Where it comes from.
    pub source: Source,
    /// What it names.
    pub names: Vec<String>,
    /// When it expires; absent where there is none.
    pub expires: Option<Timestamp>,
    /// How it is.
    pub health: Health,
    /// What is wrong, if something is: why the last reload or the last order failed.
    pub trouble: Option<String>,
}

/// How a certificate is by its dates alone.
///
/// One that this node renews by itself lives shorter than that, so it is only named when its
/// renewal is overdue: in the last quarter of its life.
pub(crate) fn by_date(facts: &Facts, now: Timestamp, renewed: bool) -> Health {
    let left = facts.not_after.0.saturating_sub(now.0);
    let soon = if renewed { SOON_US.min(facts.lifetime_us() / 4) } else { SOON_US };
    match facts.validity(now) {
        Validity::Expired | Validity::NotYet => Health::Bad,
        Validity::Valid if left < soon => Health::Poor,
        Validity::Valid => Health::Good,
    }
}
