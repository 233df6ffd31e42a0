//! The ring: by size, by age, by share, and what it must not touch.

use super::fixture::{TestClock, config, memory_disk, open_at, open_on};
use crate::journal::{Config, SegmentJournal};
use model::Scope;
use model::wire::v1::{Entry, Record};
use ports::journal::{Journal as _, RecordQuery};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use testkit::journal::{end, record, tenant};

fn small() -> Config {
    Config { bytes_max: 64 << 10, control_bytes: 16 << 10, segment_bytes: 4096, ..config() }
}

/// Writes records `from..to`, each durable before the next.
async fn write(
    journal: &SegmentJournal,
    scope: &Scope,
    numbers: std::ops::Range<u64>,
) -> anyhow::Result<()> {
    for number in numbers {
        let mark = journal.append(end(record(scope, "f", number)))?;
        journal.durable(mark).await?;
    }
    Ok(())
}

async fn read(journal: &SegmentJournal, scope: &Scope) -> anyhow::Result<Vec<Record>> {
    let query = RecordQuery { scope: scope.clone(), limit: 10_000, ..RecordQuery::default() };
    Ok(journal.records(query).await?.items)
}

#[tokio::test]
async fn the_oldest_go_when_there_is_too_much() -> anyhow::Result<()> {
    let (disk, scope) = (memory_disk(), Scope::default());
    let journal = open_on(&disk, small())?;
    write(&journal, &scope, 0..1000).await?;
    journal.close().await?;
    assert!(disk.used() < 80 << 10, "{} bytes are on disk", disk.used());
    let left = read(&journal, &scope).await?;
    assert!((100..900).contains(&left.len()), "{} are left", left.len());
    assert_eq!(left[0], record(&scope, "f", 999));
    let expected = (1000 - left.len() as u64..1000).rev().map(|it| record(&scope, "f", it));
    assert!(left.into_iter().eq(expected), "what is left is not the newest without a gap");
    assert_eq!(journal.verify(), []);
    let health = journal.health();
    assert!(health.bytes <= health.bytes_max + 8192, "{health:?}");
    assert!(health.oldest > Some(record(&scope, "f", 99).start.start_us));
    Ok(())
}

#[tokio::test]
async fn a_flood_of_one_tenant_takes_nothing_from_the_share_of_another() -> anyhow::Result<()> {
    let (disk, quiet, noisy) = (memory_disk(), tenant("quiet"), tenant("noisy"));
    let journal = open_on(&disk, small())?;
    write(&journal, &quiet, 0..50).await?;
    let acts: Vec<Entry> = (0..20u8).map(|act| Entry::Act(vec![act; 100])).collect();
    for act in &acts {
        journal.append(act.clone())?;
    }
    write(&journal, &noisy, 1000..2500).await?;
    journal.close().await?;
    assert_eq!(read(&journal, &quiet).await?.len(), 50);
    let left = read(&journal, &noisy).await?;
    assert!((50..1400).contains(&left.len()), "{} are left", left.len());
    assert_eq!(left[0], record(&noisy, "f", 2499));
    let control = journal.control();
    assert!(acts.iter().all(|act| control.contains(act)), "acts were evicted");
    Ok(())
}

#[tokio::test]
async fn control_acts_have_a_ring_of_their_own() -> anyhow::Result<()> {
    let (disk, scope) = (memory_disk(), Scope::default());
    let journal = open_on(&disk, small())?;
    write(&journal, &scope, 0..50).await?;
    for act in 0..500u16 {
        let mark = journal.append(Entry::Act(vec![act as u8; 200]))?;
        journal.durable(mark).await?;
    }
    journal.close().await?;
    assert_eq!(read(&journal, &scope).await?.len(), 50);
    let control = journal.control();
    assert!((20..400).contains(&control.len()), "{} acts are left", control.len());
    assert!(journal.core.streams.control().shelf.bytes() < 24 << 10);
    Ok(())
}

#[tokio::test]
async fn what_is_too_old_goes_even_if_there_is_little() -> anyhow::Result<()> {
    let (disk, scope) = (memory_disk(), Scope::default());
    let clock = Arc::new(TestClock::default());
    let aging = Config { age_max: Duration::from_secs(60), ..small() };
    let journal = open_at(&disk, aging.clone(), &clock)?;
    write(&journal, &scope, 0..3).await?;
    journal.close().await?;
    for (later_us, left) in [(30_000_000, 3), (31_000_000, 0), (31_000_000, 0)] {
        clock.0.fetch_add(later_us, Ordering::Relaxed);
        let journal = open_at(&disk, aging.clone(), &clock)?;
        assert_eq!(read(&journal, &scope).await?.len(), left, "after {later_us} us more");
        journal.close().await?;
    }
    // The numbers go on, and so do positions.
    let journal = open_at(&disk, aging, &clock)?;
    write(&journal, &scope, 300_000..300_001).await?;
    assert_eq!(journal.stream(&scope).shelf.newest().map(|it| it.first), Some(3));
    assert_eq!(journal.verify(), []);
    Ok(())
}
