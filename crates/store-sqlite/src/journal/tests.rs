//! The journal's tests: the port's suite, crashes, full disks, the ring, damage, and the codecs.

mod ahead;
mod codec;
mod crash;
mod cut;
mod damage;
mod fixture;
mod full;
mod group;
mod rewrap;
mod ring;

use super::{Config, SegmentJournal};
use fixture::{TestClock, TestRing, config, memory_disk, open_on};
use model::BootId;
use std::sync::Arc;
use testkit::journal::conforms;

#[tokio::test]
async fn segments_on_the_machines_disk_conform() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let config = Config { segment_bytes: 4096, ..Config::new(home.path().join("journal")) };
    let clock = Arc::new(TestClock::default());
    let journal = SegmentJournal::open(
        config.clone(),
        Arc::new(TestRing::default()),
        clock.clone(),
        BootId(1),
    )?;
    conforms(&journal).await?;
    drop(journal);
    let again = SegmentJournal::open(config, Arc::new(TestRing::default()), clock, BootId(2))?;
    assert_eq!(again.verify(), []);
    // The suite leaves one invocation open.
    assert_eq!(again.recovery().interrupted, 1);
    Ok(())
}

#[tokio::test]
async fn segments_on_a_disk_in_memory_conform() -> anyhow::Result<()> {
    conforms(&open_on(&memory_disk(), config())?).await
}

#[tokio::test]
async fn positions_outlive_a_restart() -> anyhow::Result<()> {
    use ports::journal::{Journal as _, LogQuery, RecordQuery};
    use testkit::journal::{end, line, record};
    let (disk, scope) = (memory_disk(), model::Scope::default());
    let journal = open_on(&disk, config())?;
    for number in 0..20 {
        journal.append(end(record(&scope, "f", number)))?;
        journal.append(model::wire::v1::Entry::Log(line(&scope, "f", number, "x")))?;
    }
    let query = RecordQuery { limit: 5, ..RecordQuery::default() };
    let logs = LogQuery { limit: 5, ..LogQuery::default() };
    let before = journal.records(query.clone()).await?.next;
    let after = journal.logs(logs.clone()).await?.next;
    journal.close().await?;
    let again = open_on(&disk, config())?;
    again.append(model::wire::v1::Entry::Log(line(&scope, "f", 20, "y")))?;
    let page = again.records(RecordQuery { before, ..query }).await?;
    assert_eq!(page.items[0], record(&scope, "f", 14));
    let page = again.logs(LogQuery { after, ..logs }).await?;
    assert_eq!(page.items, [line(&scope, "f", 20, "y")]);
    Ok(())
}

#[tokio::test]
async fn another_key_ring_reads_nothing() -> anyhow::Result<()> {
    use ports::journal::{Journal as _, RecordQuery};
    let disk = memory_disk();
    let journal = open_on(&disk, config())?;
    let scope = model::Scope::default();
    journal.append(testkit::journal::end(testkit::journal::record(&scope, "f", 1)))?;
    journal.close().await?;
    let (ring, clock) = (Arc::new(TestRing(9)), Arc::new(TestClock::default()));
    let other = SegmentJournal::open_on(Arc::new(disk), config(), ring, clock, BootId(2))?;
    let query = RecordQuery { limit: 9, ..RecordQuery::default() };
    assert!(other.records(query).await?.items.is_empty());
    assert!(!other.damage().is_empty());
    Ok(())
}
