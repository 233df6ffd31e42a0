//! Obtains certificates and renews them, one after the other, for as long as the node runs.
//!
//! Invariant: whatever the wall clock does, two attempts for one name are apart by the pace's
//! waits, since those are measured with the clock that never jumps.

use super::line::Line;
use super::order::{Failure, Wish};
use super::{account, pace, place, read};
use crate::certificates::Certificates;
use crate::config::Acme;
use crate::pair::Pair;
use instant_acme::{Account, CertificateIdentifier};
use model::{Code, Problem, Timestamp};
use rustls::pki_types::Der;
use std::sync::Arc;
use std::time::Duration;

/// The longest time without a look at the clock: a machine may have slept.
const LOOK: Duration = Duration::from_secs(600);
/// The shortest: even with a pace of nothing, this is no loop that burns.
const REST: Duration = Duration::from_millis(100);
/// How long one attempt may take altogether.
const ATTEMPT: Duration = Duration::from_secs(300);
/// How often a directory is asked when to renew, if it does not say how often.
const ASK: Duration = Duration::from_secs(6 * 3600);

/// Keeps the certificates of one directory.
pub(crate) struct Keeper<'a> {
    all: &'a Arc<Certificates>,
    acme: &'a Acme,
    plans: Vec<Plan>,
}

/// What is planned for one name. Durations are points of the monotonic clock.
struct Plan {
    name: String,
    failures: u32,
    /// When it was last ordered.
    attempted: Option<Duration>,
    /// Nothing is ordered before this.
    not_before: Duration,
    /// When the certificate is renewed.
    renewal: Option<Timestamp>,
    /// When the directory is asked about the renewal.
    ask: Duration,
    /// What it suggested: a moment is drawn once from each window.
    window: Option<Window>,
}

/// When a directory wants a certificate to be renewed.
type Window = (Timestamp, Timestamp);

impl<'a> Keeper<'a> {
    /// A keeper, if a directory is configured.
    pub(crate) fn new(all: &'a Arc<Certificates>) -> Option<Self> {
        let acme = all.config.acme.as_ref()?;
        let plan = |name: String| {
            let renewal =
                all.obtained(&name).map(|pair| pace::renewal(&pair.facts, fastrand::f64()));
            let zero = Duration::ZERO;
            Plan {
                name,
                failures: 0,
                attempted: None,
                not_before: zero,
                renewal,
                ask: zero,
                window: None,
            }
        };
        Some(Self { all, acme, plans: acme.names().into_iter().map(plan).collect() })
    }

    /// Never ends.
    pub(crate) async fn run(mut self) {
        loop {
            for index in 0..self.plans.len() {
                self.look(index).await;
            }
            tokio::select! {
                () = tokio::time::sleep(self.pause()) => {}
                () = self.all.nudged() => self.hurry(),
            }
        }
    }

    /// Orders a certificate if that is due.
    async fn look(&mut self, index: usize) {
        let now = self.all.clock.monotonic();
        let Some(plan) = self.plans.get(index) else { return };
        if now < plan.not_before {
            return;
        }
        if plan.renewal.is_some() && now >= plan.ask {
            self.ask(index).await;
        }
        let Some(plan) = self.plans.get(index) else { return };
        let wall = self.all.clock.wall();
        let pair = self.all.obtained(&plan.name);
        let early = |pair: &Pair| wall < pair.facts.not_before;
        let due = plan.renewal.is_none_or(|renewal| wall >= renewal);
        if due || pair.is_none() {
            self.attempt(index).await;
        } else if pair.as_ref().is_some_and(early) {
            tracing::warn!(
                domain = plan.name,
                "the certificate is not valid yet: is the clock right?"
            );
        }
    }

    async fn attempt(&mut self, index: usize) {
        let Some(plan) = self.plans.get_mut(index) else { return };
        plan.attempted = Some(self.all.clock.monotonic());
        let name = plan.name.clone();
        // If a directory refuses the link to the old certificate, the next attempt goes without.
        let replaces = plan.window.is_some() && plan.failures == 0;
        let replaces = self.all.obtained(&name).filter(|_| replaces).as_ref().and_then(identifier);
        tracing::info!(domain = name, directory = self.acme.directory, "ordering a certificate");
        let line = self.line().await;
        let outcome = match &line {
            Ok(line) => {
                let order = tokio::time::timeout(ATTEMPT, self.order(&name, line, replaces));
                let late = |_| Problem::new(Code::AcmeFailed).detail("it took too long");
                order.await.map_err(late).flatten()
            }
            Err(problem) => Err(problem.clone()),
        };
        let asked = line.map_or(Duration::ZERO, |line| line.wait());
        let now = self.all.clock.monotonic();
        let Some(plan) = self.plans.get_mut(index) else { return };
        match outcome {
            Ok(pair) => {
                plan.failures = 0;
                plan.not_before = now.saturating_add(self.acme.pace.gap);
                plan.renewal = Some(pace::renewal(&pair.facts, fastrand::f64()));
                (plan.ask, plan.window) = (plan.not_before, None);
                let expires = pair.facts.not_after;
                tracing::info!(domain = name, %expires, "a certificate was obtained");
                self.all.install(&name, pair);
            }
            Err(problem) => {
                plan.failures = plan.failures.saturating_add(1);
                let wait = self.acme.pace.wait(plan.failures, fastrand::f64()).max(asked);
                plan.not_before = now.saturating_add(wait);
                let problem = problem.clone().detail(match &problem.detail {
                    Some(detail) => format!("{name}: {detail}"),
                    None => name.clone(),
                });
                let (failures, again_s) = (plan.failures, wait.as_secs());
                tracing::error!(domain = name, %problem, failures, again_s, "no certificate was obtained: what there is goes on being served");
                self.all.not_obtained(&name, &problem);
            }
        }
    }

    async fn line(&self) -> Result<Line, Problem> {
        let acme = self.acme.clone();
        let made = tokio::task::spawn_blocking(move || Line::new(&acme)).await;
        made.map_err(|error| Problem::new(Code::Internal).internal(error)).flatten()
    }

    async fn order(
        &self,
        name: &str,
        line: &Line,
        replaces: Option<CertificateIdentifier<'static>>,
    ) -> Result<Pair, Problem> {
        let vault = &self.all.vault;
        let account = account::open(self.acme, vault, line).await?;
        let text = match self.wish(name, replaces).fulfil(&account).await {
            Err(Failure::Directory(error)) if account::is_forgotten(&error) => {
                account::forget(self.acme, vault)?;
                let account = account::open(self.acme, vault, line).await?;
                self.wish(name, None).fulfil(&account).await
            }
            done => done,
        };
        let text = text.map_err(|failure| failure.problem())?;
        // Looked at before it replaces one that works.
        let pair = read(&text, name)?;
        vault.write(&place(self.acme, name), &text)?;
        Ok(pair)
    }

    fn wish<'w>(
        &'w self,
        name: &'w str,
        replaces: Option<CertificateIdentifier<'static>>,
    ) -> Wish<'w> {
        let challenges = &self.all.challenges;
        Wish { name, challenge: self.acme.challenge, challenges, replaces }
    }

    /// Asks the directory when a certificate should be renewed (RFC 9773). One that does not
    /// answer changes nothing.
    async fn ask(&mut self, index: usize) {
        let Some(name) = self.plans.get(index).map(|plan| plan.name.clone()) else { return };
        let suggested = match (self.all.obtained(&name), self.account().await) {
            (Some(pair), Ok(account)) => suggestion(&account, &pair).await,
            _ => None,
        };
        let now = self.all.clock.monotonic();
        let Some(plan) = self.plans.get_mut(index) else { return };
        let (window, again) = suggested.unwrap_or((plan.window, ASK));
        plan.ask = now.saturating_add(again.clamp(Duration::from_secs(3600), 4 * ASK));
        if let Some((begin, end)) = window
            && window != plan.window
        {
            // Earlier than planned, if it wants that, and never later.
            let suggested = pace::within(begin, end, fastrand::f64());
            plan.renewal = plan.renewal.map(|planned| planned.min(suggested));
        }
        plan.window = window;
    }

    async fn account(&self) -> Result<Account, Problem> {
        let line = self.line().await?;
        account::open(self.acme, &self.all.vault, &line).await
    }

    /// How long until something may be due.
    fn pause(&self) -> Duration {
        let now = self.all.clock.monotonic();
        let wall = self.all.clock.wall();
        let until = |plan: &Plan| {
            let due = plan.renewal.map_or(0, |renewal| renewal.0.saturating_sub(wall.0).max(0));
            let due = Duration::from_micros(due.unsigned_abs());
            due.max(plan.not_before.saturating_sub(now))
        };
        self.plans.iter().map(until).min().unwrap_or(LOOK).clamp(REST, LOOK)
    }

    /// Lets what failed be tried at once, since somebody asked for it.
    fn hurry(&mut self) {
        for plan in self.plans.iter_mut().filter(|plan| plan.failures > 0) {
            let soon = plan.attempted.unwrap_or_default().saturating_add(self.acme.pace.asked);
            plan.not_before = plan.not_before.min(soon);
        }
    }
}

/// What names a certificate to its issuer.
fn identifier(pair: &Pair) -> Option<CertificateIdentifier<'static>> {
    let (authority, serial) = pair.facts.identifier.as_ref()?;
    let (authority, serial) = (Der::from_slice(authority), Der::from_slice(serial));
    Some(CertificateIdentifier::new(authority, serial).into_owned())
}

/// When the directory suggests to renew, and how long to wait before asking again.
async fn suggestion(account: &Account, pair: &Pair) -> Option<(Option<Window>, Duration)> {
    match account.renewal_info(&identifier(pair)?).await {
        Ok((info, again)) => {
            let us = |seconds: i64| Timestamp(seconds.saturating_mul(1_000_000));
            let window = &info.suggested_window;
            let (begin, end) = (window.start.unix_timestamp(), window.end.unix_timestamp());
            Some((Some((us(begin), us(end))), again))
        }
        Err(instant_acme::Error::Unsupported(_)) => Some((None, 4 * ASK)),
        Err(error) => {
            tracing::debug!(%error, "the directory did not say when to renew");
            None
        }
    }
}

#[cfg(test)]
mod tests;
