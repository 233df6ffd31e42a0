//! How all certificates are, for `casemate doctor`.

use super::Certificates;
use crate::facts::Facts;
use crate::pair::Pair;
use crate::status::{Health, SOON_US, Source, Status, by_date};
use model::Timestamp;

impl Certificates {
    /// How each certificate is now.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        let held = self.held.lock();
        let now = self.clock.wall();
        let mut all = Vec::new();
        for of in &held.files {
            let label = of.files.certificate.display().to_string();
            all.push(one(label, Source::File, &of.pair, now, of.trouble.clone()));
        }
        for (name, of) in &held.obtained {
            let status = match &of.pair {
                Some(pair) => one(name.clone(), Source::Acme, pair, now, of.trouble.clone()),
                None => missing(name, of.trouble.clone()),
            };
            all.push(status);
        }
        if let Some(pair) = &held.self_signed {
            all.push(one("self-signed".to_owned(), Source::SelfSigned, pair, now, None));
        }
        if let Some(of) = &held.clients {
            all.push(Status {
                label: of.clients.ca.display().to_string(),
                source: Source::Clients,
                names: Vec::new(),
                expires: None,
                health: if of.trouble.is_some() { Health::Poor } else { Health::Good },
                trouble: of.trouble.clone(),
            });
        }
        all
    }
}

impl Certificates {
    /// Logs what somebody should look at: certificates that expire soon, or did.
    pub(super) fn remind(&self) {
        let ours = |one: &Status| matches!(one.source, Source::File | Source::Acme);
        for one in self.status().into_iter().filter(ours) {
            let Some(expires) = one.expires else { continue };
            let left_us = expires.0.saturating_sub(self.clock.wall().0);
            let certificate = one.label;
            match one.health {
                Health::Bad => {
                    tracing::error!(certificate, %expires, "clients refuse a certificate for its dates");
                }
                Health::Poor if left_us < SOON_US => {
                    tracing::warn!(certificate, %expires, "a certificate expires soon");
                }
                Health::Poor | Health::Good => {}
            }
        }
    }
}

fn one(
    label: String,
    source: Source,
    pair: &Pair,
    now: Timestamp,
    trouble: Option<String>,
) -> Status {
    let facts: &Facts = &pair.facts;
    let by_date = by_date(facts, now, source != Source::File);
    let health = match by_date {
        Health::Good if trouble.is_some() => Health::Poor,
        other => other,
    };
    let (names, expires) = (facts.names.clone(), Some(facts.not_after));
    Status { label, source, names, expires, health, trouble }
}

/// A domain that has no certificate yet.
fn missing(name: &str, trouble: Option<String>) -> Status {
    Status {
        label: name.to_owned(),
        source: Source::Acme,
        names: vec![name.to_owned()],
        expires: None,
        health: if trouble.is_some() { Health::Bad } else { Health::Poor },
        trouble,
    }
}
