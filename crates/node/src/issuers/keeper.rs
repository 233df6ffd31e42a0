//! Keeps the keys of one issuer fresh, for as long as it is polled.
//!
//! Invariant: keys are used for no longer than [`Fetched::stale`] after their source last gave them.

use super::bell::Bell;
use super::fetch;
use crate::doctor::{Verdict, finding};
use crate::settings::Fetched;
use identity::jwt::Issuers;
use model::api::Finding;
use model::{Code, IssuerName, Problem};
use parking_lot::Mutex;
use ports::Outbound;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long keys are kept before they are asked for again, whatever their source says.
const KEEP_MIN: Duration = Duration::from_secs(60);
const KEEP_MAX: Duration = Duration::from_secs(24 * 3600);
/// The same where the source says nothing.
const KEEP: Duration = Duration::from_secs(15 * 60);
/// The first wait after a failure, and the longest.
const RETRY_MIN: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_secs(300);

/// What an operator wants to know of one issuer's keys.
#[derive(Debug, Clone, Default)]
struct Status {
    keys: usize,
    fetched: Option<Instant>,
    trouble: Option<String>,
}

/// One issuer whose keys are fetched.
pub(super) struct Keeper {
    name: IssuerName,
    /// What it calls itself.
    issuer: String,
    from: Fetched,
    door: Arc<dyn Outbound>,
    bell: Arc<Bell>,
    status: Mutex<Status>,
}

impl Keeper {
    pub(super) fn new(
        (name, issuer): (IssuerName, String),
        from: Fetched,
        door: Arc<dyn Outbound>,
    ) -> Self {
        let (bell, status) = (Arc::new(Bell::new()), Mutex::default());
        Self { name, issuer, from, door, bell, status }
    }

    /// Its name, and what rings for it.
    pub(super) fn bell(&self) -> (IssuerName, Arc<Bell>) {
        (self.name.clone(), Arc::clone(&self.bell))
    }

    /// Waits until the first attempt has ended.
    pub(super) async fn first(&self) {
        self.bell.first().await;
    }

    /// Fetches the keys, and again when they are old or somebody needs one that is not there.
    pub(super) async fn keep(&self, issuers: &Issuers) {
        let mut failures = 0;
        loop {
            self.bell.begin();
            let fetched = self.fetch(issuers).await;
            let wait = match fetched {
                Ok(wait) => {
                    failures = 0;
                    wait
                }
                Err(why) => {
                    failures += 1;
                    self.failed(issuers, &why);
                    RETRY_MIN.saturating_mul(1 << (failures - 1).min(10)).min(RETRY_MAX)
                }
            };
            self.bell.end();
            tokio::select! {
                () = tokio::time::sleep(self.until_stale(wait)) => {}
                () = self.bell.rung() => {}
            }
        }
    }

    /// Gives the time after which to fetch again.
    async fn fetch(&self, issuers: &Issuers) -> Result<Duration, String> {
        let answer = fetch::fetch(&*self.door, &self.issuer, &self.from).await?;
        let replaced = issuers.replace_keys(&self.name, &answer.text);
        let keys = replaced.map_err(|error| error.to_string())?;
        let fresh = Status { keys, fetched: Some(Instant::now()), trouble: None };
        let before = std::mem::replace(&mut *self.status.lock(), fresh);
        if before.fetched.is_none() || before.trouble.is_some() {
            tracing::info!(issuer = %self.name, keys, from = %self.from.place, "the keys of an issuer were fetched");
        }
        Ok(answer.age_max.unwrap_or(KEEP).clamp(KEEP_MIN, KEEP_MAX))
    }

    fn failed(&self, issuers: &Issuers, why: &str) {
        let mut status = self.status.lock();
        let detail = format!("{}: {why}", self.from.place);
        let problem = Problem::new(Code::KeysUnreachable).detail(&detail);
        status.trouble = Some(detail);
        let stale = status.fetched.is_none_or(|fetched| fetched.elapsed() >= self.from.stale);
        if !stale {
            tracing::error!(issuer = %self.name, %problem, "the old keys of an issuer stay in use");
            return;
        }
        if status.keys > 0 {
            issuers.drop_keys(&self.name);
            status.keys = 0;
        }
        tracing::error!(issuer = %self.name, %problem, "no token of an issuer is valid: there are no keys");
    }

    /// The wait, cut where the keys become too old.
    fn until_stale(&self, wait: Duration) -> Duration {
        let status = self.status.lock();
        match status.fetched.filter(|_| status.keys > 0 && status.trouble.is_some()) {
            Some(fetched) => wait.min(self.from.stale.saturating_sub(fetched.elapsed())),
            None => wait,
        }
    }

    /// What `casemate doctor` says about it.
    pub(super) fn finding(&self) -> Finding {
        let status = self.status.lock().clone();
        let age = status.fetched.map_or(0, |fetched| fetched.elapsed().as_secs());
        let name = &self.name;
        let (verdict, found) = match (&status.trouble, status.keys) {
            (None, 0) => (Verdict::Warning, format!("{name}: its keys are being fetched")),
            (None, keys) => (
                Verdict::Ok,
                format!("{name}: {keys} keys of {}, fetched {age} s ago", self.from.place),
            ),
            (Some(trouble), 0) => (
                Verdict::Problem,
                format!("{name}: no token is valid, there are no keys; {trouble}"),
            ),
            (Some(trouble), keys) => (
                Verdict::Warning,
                format!("{name}: {keys} keys, fetched {age} s ago and not since; {trouble}"),
            ),
        };
        let hint = status.trouble.is_some().then_some("see `casemate explain E0813`");
        finding("issuer", verdict, found, hint)
    }
}
