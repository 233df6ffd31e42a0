//! Crashes at every write and every sync, with a disk that forgets what was not synced.

use super::fixture::{config, memory_disk, open_on};
use crate::journal::SegmentJournal;
use crate::journal::disk::unsynced::UnsyncedDisk;
use model::wire::v1::{Entry, LogLine, Outcome, Record};
use model::{InvocationId, Scope};
use ports::journal::{Error, Flight, Journal as _, LogQuery, RecordQuery};
use std::collections::HashMap;
use testkit::journal::{end, line, record, start, tenant};

/// What a run was told is on disk.
#[derive(Default)]
struct Told {
    begun: Vec<(Scope, InvocationId)>,
    ended: Vec<Record>,
    lines: Vec<LogLine>,
    acts: Vec<Vec<u8>>,
}

/// Invocations of two tenants, some left open, with lines and acts between, until the disk fails.
async fn work(journal: &SegmentJournal, told: &mut Told) -> Result<(), Error> {
    let scopes = [Scope::default(), tenant("other")];
    for number in 0..14u64 {
        let scope = &scopes[(number % 3 / 2) as usize];
        let begun = journal.append(Entry::Start(start(scope, "f", number)))?;
        if number % 2 == 0 {
            journal.durable(begun).await?;
            told.begun.push((scope.clone(), start(scope, "f", number).id));
        }
        let line = line(scope, "f", number, "a line");
        let logged = journal.append(Entry::Log(line.clone()))?;
        if number % 7 == 3 {
            let act = number.to_be_bytes().to_vec();
            let mark = journal.append(Entry::Act(act.clone()))?;
            journal.durable(mark).await?;
            told.acts.push(act);
        }
        if number % 5 == 4 {
            continue;
        }
        let record = record(scope, "f", number);
        let mark = journal.append(end(record.clone()))?;
        if number % 4 != 1 {
            journal.durable(mark).await?;
            told.ended.push(record);
            journal.durable(logged).await?;
            told.lines.push(line);
        }
    }
    journal.close().await
}

async fn all_records(journal: &SegmentJournal, scope: Scope) -> anyhow::Result<Vec<Record>> {
    let query = RecordQuery { scope, limit: 1000, ..RecordQuery::default() };
    Ok(journal.records(query).await?.items)
}

/// Everything that was told is there, and every invocation has at most one end.
async fn check(
    journal: &SegmentJournal,
    told: &Told,
) -> anyhow::Result<HashMap<InvocationId, Outcome>> {
    let mut ends = HashMap::new();
    for scope in [Scope::default(), tenant("other")] {
        for record in all_records(journal, scope).await? {
            let twice = ends.insert(record.start.id, record.outcome);
            anyhow::ensure!(twice.is_none(), "{} ended twice", record.start.id);
        }
    }
    for record in &told.ended {
        let found = journal.flight(&record.start.function.scope, record.start.id).await?;
        let expected = Some(Flight::Ended(Box::new(record.clone())));
        anyhow::ensure!(found == expected, "{} is {found:?}", record.start.id);
    }
    for (scope, id) in &told.begun {
        let found = journal.flight(scope, *id).await?;
        anyhow::ensure!(matches!(found, Some(Flight::Ended(_))), "{id} is {found:?}");
    }
    for line in &told.lines {
        let scope = line.function.scope.clone();
        let invocation = Some(line.invocation);
        let query = LogQuery { scope, invocation, limit: 9, ..LogQuery::default() };
        let found = journal.logs(query).await?.items;
        anyhow::ensure!(found == [line.clone()], "{} logged {found:?}", line.invocation);
    }
    let control = journal.control();
    for act in &told.acts {
        anyhow::ensure!(control.contains(&Entry::Act(act.clone())), "{act:?} is gone");
    }
    anyhow::ensure!(journal.verify().is_empty(), "damage: {:?}", journal.verify());
    Ok(ends)
}

/// Runs until the disk stops at the call `calls`; `None` if it never did.
async fn crash(calls: u64) -> (UnsyncedDisk, Told, bool) {
    let disk = memory_disk();
    disk.crash_after(calls);
    let mut told = Told::default();
    if let Ok(journal) = open_on(&disk, config()) {
        let _ = work(&journal, &mut told).await;
    }
    let crashed = disk.is_crashed();
    (disk, told, crashed)
}

#[tokio::test]
async fn what_was_told_to_be_durable_survives_a_crash_at_every_call() -> anyhow::Result<()> {
    for calls in 0.. {
        let (disk, told, crashed) = crash(calls).await;
        for seed in 0..6 {
            let context = format!("crash at call {calls}, seed {seed}");
            let left = disk.after_crash(calls * 101 + seed);
            let journal = open_on(&left, config())?;
            let first = check(&journal, &told).await.map_err(|it| it.context(context.clone()))?;
            drop(journal);
            let again = open_on(&left.after_crash(seed), config())?;
            assert_eq!(again.recovery().interrupted, 0, "{context}: marked once more");
            let second = check(&again, &told).await.map_err(|it| it.context(context.clone()))?;
            assert_eq!(first, second, "{context}: a restart changed records");
        }
        if !crashed {
            assert!(calls > 50, "the work makes only {calls} calls");
            return Ok(());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_crash_while_recovering_marks_nothing_twice() -> anyhow::Result<()> {
    let (disk, told, _) = crash(60).await;
    let begun = told.begun.len();
    assert!(begun > 3, "only {begun} began");
    for calls in 0..20 {
        for seed in 0..6 {
            let left = disk.after_crash(7);
            left.crash_after(calls);
            drop(open_on(&left, config()));
            let left = left.after_crash(calls * 31 + seed);
            let journal = open_on(&left, config())?;
            let context = format!("second crash at call {calls}, seed {seed}");
            check(&journal, &told).await.map_err(|it| it.context(context))?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_open_invocation_is_marked_however_many_segments_lie_between() -> anyhow::Result<()> {
    let disk = memory_disk();
    let journal = open_on(&disk, config())?;
    let scope = Scope::default();
    let long = start(&scope, "long", 1);
    let mark = journal.append(Entry::Start(long.clone()))?;
    journal.durable(mark).await?;
    for number in 10..60 {
        let mark = journal.append(end(record(&scope, "f", number)))?;
        journal.durable(mark).await?;
    }
    assert!(journal.stream(&scope).shelf.len() > 4);
    let left = open_on(&disk.after_crash(3), config())?;
    assert_eq!(left.recovery().interrupted, 1);
    let Some(Flight::Ended(found)) = left.flight(&scope, long.id).await? else {
        anyhow::bail!("it is not ended");
    };
    assert_eq!((found.start, found.outcome), (long, Outcome::Interrupted));
    assert_eq!(found.reason.as_deref(), Some("the node stopped"));
    let boots = left.control().into_iter().filter(|entry| matches!(entry, Entry::Boot { .. }));
    assert_eq!(boots.count(), 2);
    Ok(())
}

#[tokio::test]
async fn a_closed_journal_loses_nothing_and_leaves_nothing_torn() -> anyhow::Result<()> {
    let disk = memory_disk();
    let journal = open_on(&disk, config())?;
    let mut told = Told::default();
    work(&journal, &mut told).await?;
    drop(journal);
    let left = open_on(&disk.after_crash(1), config())?;
    // Numbers 4 and 9 never ended.
    assert_eq!(left.recovery().interrupted, 2);
    assert_eq!(left.recovery().torn, []);
    assert_eq!(check(&left, &told).await?.len(), 14);
    Ok(())
}
