//! Group commit: who waits, for what, and what is left out.

use super::fixture::{config, memory_disk, open_on, until_durable};
use crate::journal::Config;
use crate::journal::facts::{START, Wanted};
use crate::journal::scan::{Order, Scan};
use crate::journal::stream::Stream;
use crate::journal::{SegmentJournal, core::Core};
use model::Scope;
use model::wire::v1::Entry;
use ports::journal::{Error, Flight, Journal as _, Mark, RecordQuery};
use std::ops::ControlFlow;
use testkit::journal::{end, record, start};

fn starts(core: &Core, stream: &Stream) -> usize {
    let (wanted, order) = (Wanted::kinds(&[START]), Order::Forward);
    let mut count = 0;
    Scan { core, stream, range: 0..u64::MAX, wanted, order }.run(|_, entry| {
        count += usize::from(matches!(entry, Entry::Start(_)));
        ControlFlow::Continue(())
    });
    count
}

fn starts_on_disk(journal: &SegmentJournal) -> usize {
    let stream = journal.stream(&Scope::default());
    starts(&journal.core, &stream)
}

#[tokio::test]
async fn a_start_that_ended_before_the_flush_is_left_out() -> anyhow::Result<()> {
    let journal = open_on(&memory_disk(), Config { group_ms: 60_000, ..config() })?;
    let scope = Scope::default();
    for number in 0..10 {
        journal.append(Entry::Start(start(&scope, "f", number)))?;
    }
    for number in 0..9 {
        journal.append(end(record(&scope, "f", number)))?;
    }
    let mark = journal.append(Entry::Start(start(&scope, "f", 10)))?;
    journal.durable(mark).await?;
    assert_eq!(starts_on_disk(&journal), 2, "only 9 and 10 were still open");
    let mark = journal.append(end(record(&scope, "f", 9)))?;
    journal.durable(mark).await?;
    assert_eq!(starts_on_disk(&journal), 2, "a start is written once in a segment");
    Ok(())
}

#[tokio::test]
async fn one_wait_writes_all_that_gathered() -> anyhow::Result<()> {
    let disk = memory_disk();
    let large = Config { group_ms: 60_000, segment_bytes: 1 << 20, ..config() };
    let journal = open_on(&disk, large)?;
    let scope = Scope::default();
    let marks: Vec<Mark> = (0..500)
        .map(|number| journal.append(end(record(&scope, "f", number))))
        .collect::<Result<_, _>>()?;
    journal.durable(marks[499]).await?;
    // What came before the last is durable with it: no wait, no further block.
    disk.crash_after(0);
    for mark in marks {
        journal.durable(mark).await?;
    }
    let blocks = journal.stream(&scope).shelf.all()[0].spans();
    assert!(blocks.iter().map(|span| span.summary.count).sum::<u32>() == 500, "{blocks:?}");
    Ok(())
}

#[tokio::test]
async fn a_mark_that_was_never_given_out_is_refused() -> anyhow::Result<()> {
    let journal = open_on(&memory_disk(), config())?;
    for mark in [Mark(u64::MAX), Mark(1 << 48), Mark(1 << 20)] {
        assert!(matches!(journal.durable(mark).await, Err(Error::Failed(_))), "{mark:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_buffer_is_bounded_and_lines_give_way_first() -> anyhow::Result<()> {
    let disk = memory_disk();
    let small = Config { buffer_bytes: 20_000, group_ms: 60_000, retry_ms: 60_000, ..config() };
    let journal = open_on(&disk, small)?;
    let scope = Scope::default();
    for number in 0..10 {
        journal.append(Entry::Start(start(&scope, "f", number)))?;
    }
    disk.crash_after(0);
    let line = || Entry::Log(testkit::journal::line(&scope, "f", 0, &"x".repeat(100)));
    let lines = (0..1000).take_while(|_| journal.append(line()).is_ok()).count();
    assert!((10..1000).contains(&lines), "{lines} lines were taken");
    assert_eq!(journal.append(line()), Err(Error::Full));
    for number in 0..10 {
        journal.append(end(record(&scope, "f", number)))?;
    }
    let acts = (0..1000).take_while(|_| journal.append(Entry::Act(vec![0; 100])).is_ok()).count();
    assert!((100..1000).contains(&acts), "{acts} acts were taken");
    assert!(journal.health().dropped >= 3);
    Ok(())
}

#[tokio::test]
async fn a_failed_sync_is_told_and_made_good_in_a_new_segment() -> anyhow::Result<()> {
    for calls in 0..6 {
        let disk = memory_disk();
        let journal = open_on(&disk, config())?;
        let scope = Scope::default();
        disk.fail_sync_after(calls);
        for number in 0..5 {
            let mark = journal.append(end(record(&scope, "f", number)))?;
            until_durable(&journal, mark).await;
        }
        let left = open_on(&disk.after_crash(calls), config())?;
        let query = RecordQuery { limit: 100, ..RecordQuery::default() };
        let numbers: Vec<_> = left.records(query).await?.items;
        let expected: Vec<_> = (0..5).rev().map(|number| record(&scope, "f", number)).collect();
        assert_eq!(numbers, expected, "a sync failed after {calls} calls");
        assert_eq!(left.verify(), []);
    }
    Ok(())
}

#[tokio::test]
async fn many_threads_append_and_each_mark_is_kept() -> anyhow::Result<()> {
    let disk = memory_disk();
    let journal = open_on(&disk, Config { segment_bytes: 8192, ..config() })?;
    let scope = Scope::default();
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let (journal, scope) = (&journal, &scope);
            threads.spawn(move || {
                for number in thread * 1000..thread * 1000 + 200 {
                    journal.append(Entry::Start(start(scope, "f", number))).expect("room");
                    journal.append(end(record(scope, "f", number))).expect("room");
                }
            });
        }
    });
    journal.close().await?;
    let left = open_on(&disk.after_crash(1), config())?;
    let query = RecordQuery { limit: 10_000, ..RecordQuery::default() };
    assert_eq!(left.records(query).await?.items.len(), 800);
    assert_eq!((left.recovery().interrupted, left.verify()), (0, vec![]));
    let id = start(&scope, "f", 2100).id;
    assert!(matches!(left.flight(&scope, id).await?, Some(Flight::Ended(_))));
    Ok(())
}
