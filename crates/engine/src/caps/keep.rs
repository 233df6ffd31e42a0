//! Counters over a restart: kept every few seconds and at the end, and brought up to date from the
//! records of what ended since.
//!
//! Invariant: a restart gives nothing anew. Whatever cannot be known for sure is counted, so that
//! after a crash the last moment before a save may count twice.

use super::Caps;
use super::account::Account;
use super::spent;
use super::tally::{self, COUNTED};
use crate::wiring::Engine;
use model::cap::{Per, Whose};
use model::wire::tallied::{Row, Subject, Tallied};
use model::wire::v1::Record;
use model::{Code, Problem, Scope, Timestamp};
use ports::journal::RecordQuery;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// What may lie between the moment that a record names as its end and the moment when it is
/// counted.
const SLACK_US: i64 = 100_000;
/// A save is due after this time, even if nothing was counted: so that no start has to read more
/// records than these.
const SAVE_US: i64 = 600_000_000;

impl Engine {
    /// Goes on from what was kept, and from the records of what ended since.
    pub(crate) async fn resume_caps(&self) -> Result<(), Problem> {
        let now = self.parts.clock.wall();
        let unreadable =
            |why| Problem::new(Code::StoreFailed).detail("the counters of caps").internal(why);
        let kept = self.parts.counters.load().await.map_err(unreadable)?;
        let kept = kept.and_then(|bytes| match Tallied::decode(&bytes) {
            Ok(kept) => Some(kept),
            Err(error) => {
                tracing::warn!(%error, "what was used today is counted anew from the records");
                None
            }
        });
        let day = Timestamp(tally::number(Per::Day, now).saturating_mul(Per::Day.us()));
        let since = kept.as_ref().map_or(day, |kept| kept.at.max(day));
        for row in kept.into_iter().flat_map(|kept| kept.rows) {
            self.caps.resume(&row, now);
        }
        let catalog = self.catalog.load_full();
        for (scope, view) in catalog.views() {
            if view.functions.values().any(|function| function.bounds(&self.caps).is_some()) {
                self.count_since(scope, since, now).await?;
            }
        }
        Ok(())
    }

    /// Counts what ended since, by its records.
    async fn count_since(
        &self,
        scope: &Scope,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let query = RecordQuery {
            scope: scope.clone(),
            ended_since: Some(since),
            ..RecordQuery::default()
        };
        self.each_record(query, |record| self.count_again(record, since, now)).await
    }

    fn count_again(&self, record: &Record, since: Timestamp, now: Timestamp) {
        // What was refused before it ran has no cost, and so no formula.
        if record.cost.formula == 0 {
            return;
        }
        let catalog = self.catalog.load();
        let start = &record.start;
        let view = catalog.view(&start.function.scope);
        let Some(function) = view.and_then(|it| it.functions.get(&start.function.name)) else {
            return;
        };
        let Some(admission) = self.admission_of(function, &start.caller) else { return };
        let wall_us = record.end_us.0.saturating_sub(start.start_us.0);
        let moved = record.calls.iter().map(|call| call.bytes).sum();
        let calls = u32::try_from(record.calls.len()).unwrap_or(u32::MAX);
        let spent = spent(
            &record.usage,
            u64::try_from(wall_us).unwrap_or(0),
            calls.saturating_add(record.calls_omitted),
            moved,
            record.cost,
        );
        admission.resume(start.start_us >= since, &spent, now);
    }

    /// Keeps what was used, if there is anything new to keep. At the end of a node, `last`, nothing
    /// runs any more, and it is exact.
    pub async fn keep_caps(&self, last: bool) {
        let now = self.parts.clock.wall();
        let at = if last { now } else { now.plus_us(-SLACK_US) };
        self.caps.tidy(now);
        let rows = self.caps.rows();
        let sum = rows.iter().fold(0u64, |sum, row| {
            let used = row.used.iter().fold(0u64, |sum, used| sum.wrapping_add(*used));
            sum.wrapping_add(used).wrapping_add(row.lifted.unsigned_abs())
        });
        let saved = self.caps.saved_us.load(Relaxed);
        let same = self.caps.saved_sum.load(Relaxed) == sum;
        if rows.is_empty() || (same && !last && at.0.saturating_sub(saved) < SAVE_US) {
            return;
        }
        let kept = match (Tallied { at, rows }).encode() {
            Ok(bytes) => self.parts.counters.save(bytes).await,
            Err(error) => Err(error.to_string()),
        };
        match kept {
            Ok(()) => {
                self.caps.saved_us.store(at.0, Relaxed);
                self.caps.saved_sum.store(sum, Relaxed);
            }
            Err(error) => tracing::error!(
                error,
                "what was used of caps could not be kept; a restart counts it from the records"
            ),
        }
    }
}

impl Caps {
    fn resume(&self, row: &Row, now: Timestamp) {
        let today = tally::number(Per::Day, now);
        let account = self.account(&row.subject);
        if row.lifted >= today {
            account.lifted.store(row.lifted, Relaxed);
        }
        if row.day >= today {
            // A day that is far ahead was counted by a clock that was wrong.
            let day = if row.day > today.saturating_add(1) { today } else { row.day };
            account.tally.resume(day, row.used);
        }
    }

    fn account(&self, subject: &Subject) -> Arc<Account> {
        let mut accounts = self.accounts.lock();
        let (whose, name) = match subject {
            Subject::Caller(function, digest) => {
                return accounts.callers_of(function, &self.people).at(*digest);
            }
            Subject::Function(function) => (Whose::Function, function.name.to_string()),
            Subject::Application(_, name) => (Whose::Application, name.to_string()),
            Subject::Tenant(name) => (Whose::Tenant, name.to_string()),
        };
        let new = || Arc::new(Account::new(whose, name, None));
        Arc::clone(accounts.shared.entry(subject.clone()).or_insert_with(new))
    }

    fn tidy(&self, now: Timestamp) {
        let today = tally::number(Per::Day, now);
        let mut accounts = self.accounts.lock();
        // Nobody else has them: their functions are gone, or have no caps any more.
        accounts.shared.retain(|_, it| Arc::strong_count(it) > 1 || it.day().0 >= today);
        for callers in accounts.callers.values() {
            callers.tidy(now);
        }
        accounts.callers.retain(|_, it| Arc::strong_count(it) > 1 || it.is_busy(today));
    }

    /// Everything that was used on the day of each account.
    fn rows(&self) -> Vec<Row> {
        let accounts = self.accounts.lock();
        let shared = accounts.shared.iter().filter_map(|(subject, it)| row(subject.clone(), it));
        let own = accounts.callers.iter().flat_map(|(function, callers)| {
            let row = |(digest, account): (u64, Arc<Account>)| {
                row(Subject::Caller(function.clone(), digest), &account)
            };
            callers.all().into_iter().filter_map(row)
        });
        shared.chain(own).collect()
    }
}

fn row(subject: Subject, account: &Account) -> Option<Row> {
    let (day, used): (i64, [u64; COUNTED]) = account.day();
    let lifted = account.lifted.load(Relaxed);
    let any = lifted != 0 || used.iter().any(|used| *used > 0);
    any.then_some(Row { subject, day, used, lifted })
}
