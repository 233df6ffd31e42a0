//! Groups that are written while a sync runs: what a kill leaves, what a power cut may take, and
//! who is told what.

use super::fixture::{config, memory_disk, open_on, until_durable};
use crate::journal::disk::unsynced::UnsyncedDisk;
use crate::journal::{Config, SegmentJournal};
use model::Scope;
use model::wire::v1::{Entry, Outcome};
use ports::journal::{Flight, Journal as _, Mark, RecordQuery};
use std::task::{Context, Waker};
use std::time::Duration;
use testkit::journal::{end, record, start};

/// Waits for something that another thread does.
async fn until(what: impl Fn() -> bool) {
    let wait = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it never came to that");
}

/// Appends a record and waits until the file has it, durable or not.
async fn write(journal: &SegmentJournal, disk: &UnsyncedDisk, number: u64) -> anyhow::Result<Mark> {
    let before = disk.used();
    let mark = journal.append(end(record(&Scope::default(), "f", number)))?;
    until(|| disk.used() > before).await;
    Ok(mark)
}

fn is_told(journal: &SegmentJournal, mark: Mark) -> bool {
    journal.durable(mark).as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

async fn numbers(journal: &SegmentJournal) -> anyhow::Result<Vec<u64>> {
    let query = RecordQuery { limit: 100, ..RecordQuery::default() };
    let records = journal.records(query).await?.items;
    let number = |id| (0..100).find(|it| record(&Scope::default(), "f", *it).start.id == id);
    Ok(records.iter().rev().filter_map(|record| number(record.start.id)).collect())
}

fn large() -> Config {
    Config { segment_bytes: 1 << 20, ..config() }
}

/// Lets syncs end, so that a test that fails does not wait for them.
struct Release(UnsyncedDisk);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.hold_syncs_after(None);
    }
}

/// A journal with a started invocation and two records that are durable, and four that are
/// written while the sync of the first of them is held.
async fn ahead(disk: &UnsyncedDisk) -> anyhow::Result<(SegmentJournal, Vec<Mark>, Release)> {
    let journal = open_on(disk, large())?;
    journal.append(Entry::Start(start(&Scope::default(), "f", 50)))?;
    for number in 0..2 {
        let mark = journal.append(end(record(&Scope::default(), "f", number)))?;
        journal.durable(mark).await?;
    }
    let release = Release(disk.clone());
    disk.hold_syncs_after(Some(0));
    let mut marks = vec![write(&journal, disk, 2).await?];
    until(|| disk.holds_a_sync()).await;
    for number in 3..6 {
        marks.push(write(&journal, disk, number).await?);
    }
    Ok((journal, marks, release))
}

#[tokio::test]
async fn what_comes_during_a_sync_is_written_and_outlives_a_kill() -> anyhow::Result<()> {
    let disk = memory_disk();
    let (journal, marks, _release) = ahead(&disk).await?;
    assert!(marks.iter().all(|mark| !is_told(&journal, *mark)), "nothing of it is durable");
    let killed = disk.after_kill();
    let left = open_on(&killed, large())?;
    assert_eq!(numbers(&left).await?, [0, 1, 2, 3, 4, 5, 50]);
    assert_eq!((left.recovery().interrupted, left.recovery().torn.len()), (1, 0));
    // What the next start has read stays, whatever happens then.
    for seed in 0..20 {
        let cut = open_on(&killed.after_crash(seed), large())?;
        assert_eq!(numbers(&cut).await?, [0, 1, 2, 3, 4, 5, 50], "seed {seed}");
        assert_eq!(cut.verify(), [], "seed {seed}");
    }
    disk.hold_syncs_after(None);
    journal.durable(marks[3]).await?;
    Ok(())
}

#[tokio::test]
async fn a_sync_speaks_for_what_was_written_before_it_began_and_for_no_more() -> anyhow::Result<()>
{
    let disk = memory_disk();
    let (journal, marks, _release) = ahead(&disk).await?;
    disk.hold_syncs_after(Some(1));
    journal.durable(marks[0]).await?;
    until(|| disk.holds_a_sync()).await;
    assert!(marks[1..].iter().all(|mark| !is_told(&journal, *mark)), "one sync has ended");
    for seed in 0..40 {
        let left = open_on(&disk.after_crash(seed), large())?;
        assert_eq!(numbers(&left).await?[..3], [0, 1, 2], "seed {seed}");
    }
    disk.hold_syncs_after(None);
    journal.durable(marks[3]).await?;
    for seed in 0..40 {
        let left = open_on(&disk.after_crash(seed), large())?;
        assert_eq!(numbers(&left).await?, [0, 1, 2, 3, 4, 5, 50], "seed {seed}");
    }
    Ok(())
}

#[tokio::test]
async fn a_power_cut_among_many_groups_leaves_no_hole_and_no_damage() -> anyhow::Result<()> {
    let disk = memory_disk();
    let (_journal, _, _release) = ahead(&disk).await?;
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let left = open_on(&disk.after_crash(seed), large())?;
        let found = numbers(&left).await?;
        let kept = found.len() as u64 - 1;
        let expected: Vec<u64> = (0..kept).chain([50]).collect();
        assert_eq!(found, expected, "seed {seed}");
        assert!((2..=6).contains(&kept), "seed {seed}: {kept} records");
        assert_eq!(left.verify(), [], "seed {seed}");
        let open = left.flight(&Scope::default(), start(&Scope::default(), "f", 50).id).await?;
        let Some(Flight::Ended(open)) = open else { anyhow::bail!("seed {seed}: {open:?}") };
        assert_eq!(open.outcome, Outcome::Interrupted, "seed {seed}");
        lengths.insert(kept);
    }
    assert!(lengths.len() > 3, "the cuts are too much alike: {lengths:?}");
    Ok(())
}

#[tokio::test]
async fn a_failed_sync_calls_back_all_that_was_written_since() -> anyhow::Result<()> {
    let disk = memory_disk();
    let (journal, marks, _release) = ahead(&disk).await?;
    disk.fail_sync_after(0);
    disk.hold_syncs_after(None);
    for mark in &marks {
        until_durable(&journal, *mark).await;
    }
    assert!(journal.stream(&Scope::default()).shelf.len() > 1, "it goes on in a new segment");
    for seed in 0..40 {
        let left = open_on(&disk.after_crash(seed), large())?;
        assert_eq!(numbers(&left).await?, [0, 1, 2, 3, 4, 5, 50], "seed {seed}");
        assert_eq!(left.verify(), [], "seed {seed}");
    }
    Ok(())
}

#[tokio::test]
async fn the_next_segment_is_begun_when_all_of_the_last_is_durable() -> anyhow::Result<()> {
    let disk = memory_disk();
    let journal = open_on(&disk, config())?;
    let scope = Scope::default();
    let _release = Release(disk.clone());
    disk.hold_syncs_after(Some(0));
    write(&journal, &disk, 0).await?;
    until(|| disk.holds_a_sync()).await;
    let full = || disk.used() > 2 * config().segment_bytes;
    let mut last = None;
    for number in 1..60 {
        last = Some(journal.append(end(record(&scope, "f", number)))?);
        tokio::time::sleep(Duration::from_millis(2)).await;
        if full() {
            break;
        }
    }
    let segments = || disk.paths().iter().filter(|it| it.ends_with(".seg")).count();
    assert_eq!(segments(), 2, "one for acts, one for the tenant: {:?}", disk.paths());
    disk.hold_syncs_after(None);
    if let Some(last) = last {
        journal.durable(last).await?;
    }
    assert!(segments() > 2, "{:?}", disk.paths());
    Ok(())
}
