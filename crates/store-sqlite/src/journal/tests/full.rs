//! A full disk: who is refused, what the reserve is for, and how it ends.

use super::fixture::{config, open_on, until_durable};
use crate::journal::Config;
use crate::journal::disk::unsynced::UnsyncedDisk;
use model::Scope;
use model::wire::v1::Entry;
use ports::journal::{Error, Journal as _, LogQuery, RecordQuery, State};
use testkit::journal::{end, line, record, start};

fn with_reserve() -> Config {
    Config { reserve_bytes: 20_000, segment_bytes: 8192, ..config() }
}

#[tokio::test]
async fn a_full_disk_refuses_tenants_keeps_acts_and_recovers() -> anyhow::Result<()> {
    for capacity in [60_000, 60_500, 61_001] {
        let disk = UnsyncedDisk::new(capacity);
        let journal = open_on(&disk, with_reserve())?;
        let scope = Scope::default();
        assert_eq!(journal.health().state, State::Taking);
        let open = start(&scope, "open", 1);
        journal.append(Entry::Start(open.clone()))?;
        let mut kept = Vec::new();
        for number in 10..1000 {
            let record = record(&scope, "f", number);
            let Ok(mark) = journal.append(end(record.clone())) else { break };
            if let Err(error) = journal.durable(mark).await {
                assert_eq!(error, Error::Full);
                break;
            }
            kept.push(record);
        }
        assert!(kept.len() > 50, "only {} records fit", kept.len());
        assert_eq!(journal.health().state, State::Refusing);
        for entry in [
            Entry::Start(start(&scope, "f", 2000)),
            Entry::Log(line(&scope, "f", 2000, "x")),
            end(record(&scope, "f", 2000)),
            Entry::Start(start(&testkit::journal::tenant("other"), "f", 2000)),
        ] {
            assert_eq!(journal.append(entry), Err(Error::Full));
        }
        // What has begun may end: it waits in memory.
        let last = journal.append(end(record(&scope, "open", 1)))?;
        assert_eq!(journal.durable(last).await, Err(Error::Full));
        // Something else takes what little is left; acts go on, out of the reserve.
        disk.resize(disk.used());
        for act in 0..20 {
            let mark = journal.append(Entry::Act(vec![act; 100]))?;
            journal.durable(mark).await?;
        }
        assert!(disk.paths().iter().all(|path| !path.ends_with("reserve")));
        // Readers read.
        let query = RecordQuery { limit: 1000, ..RecordQuery::default() };
        assert_eq!(journal.records(query.clone()).await?.items.len(), kept.len());

        disk.resize(1 << 20);
        until_durable(&journal, last).await;
        let mark = journal.append(Entry::Log(line(&scope, "f", 2001, "again")));
        until_durable(&journal, retry(mark, || line(&scope, "f", 2001, "again"), &journal).await)
            .await;
        assert!(disk.paths().iter().any(|path| path.ends_with("reserve")));
        assert_eq!(journal.health().state, State::Taking);
        let left = open_on(&disk.after_crash(1), with_reserve())?;
        // All that were kept, the one that was stuck, and the one that ended meanwhile.
        assert_eq!(left.records(query).await?.items.len(), kept.len() + 2);
        assert_eq!(left.recovery().interrupted, 0);
        let lines = LogQuery { limit: 10, ..LogQuery::default() };
        assert_eq!(left.logs(lines).await?.items.len(), 1);
        assert_eq!(left.verify(), []);
    }
    Ok(())
}

/// Appends until the journal takes entries again.
async fn retry(
    mut mark: Result<ports::journal::Mark, Error>,
    line: impl Fn() -> model::wire::v1::LogLine,
    journal: &crate::journal::SegmentJournal,
) -> ports::journal::Mark {
    loop {
        match mark {
            Ok(mark) => return mark,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
        }
        mark = journal.append(Entry::Log(line()));
    }
}

#[tokio::test]
async fn the_reserve_can_be_given_to_acts_that_are_written_elsewhere() -> anyhow::Result<()> {
    let disk = UnsyncedDisk::new(1 << 20);
    let journal = open_on(&disk, with_reserve())?;
    let scope = Scope::default();
    disk.resize(disk.used());
    assert!(journal.make_room());
    assert!(disk.paths().iter().all(|path| !path.ends_with("reserve")));
    assert_eq!(journal.append(end(record(&scope, "f", 1))), Err(Error::Full), "not for tenants");
    assert_eq!(journal.health().state, State::Refusing);
    let mark = journal.append(Entry::Act(vec![1]))?;
    journal.durable(mark).await?;
    assert!(!journal.make_room(), "there is one reserve");
    disk.resize(1 << 20);
    let again = journal.append(Entry::Log(line(&scope, "f", 2, "again")));
    let mark = retry(again, || line(&scope, "f", 2, "again"), &journal).await;
    until_durable(&journal, mark).await;
    assert!(disk.paths().iter().any(|path| path.ends_with("reserve")));
    Ok(())
}

#[tokio::test]
async fn a_journal_opens_on_a_full_disk_and_refuses() -> anyhow::Result<()> {
    let disk = UnsyncedDisk::new(100);
    let journal = open_on(&disk, config())?;
    assert_eq!(journal.health().state, State::Refusing);
    let scope = Scope::default();
    assert_eq!(journal.append(Entry::Start(start(&scope, "f", 1))), Err(Error::Full));
    disk.resize(1 << 20);
    let mark = journal.append(Entry::Act(vec![1]))?;
    until_durable(&journal, mark).await;
    assert_eq!(journal.control().len(), 2, "the boot and the act");
    Ok(())
}

#[tokio::test]
async fn a_nearly_full_disk_is_said() -> anyhow::Result<()> {
    let disk = UnsyncedDisk::new(1 << 20);
    let low = Config { low_water_bytes: Some(1 << 19), ..config() };
    let journal = open_on(&disk, low)?;
    assert_eq!(journal.health().state, State::Taking);
    disk.resize(disk.used() + 1000);
    assert_eq!(journal.health().state, State::NearlyFull);
    disk.resize(1 << 20);
    assert_eq!(journal.health().state, State::Taking);
    Ok(())
}
