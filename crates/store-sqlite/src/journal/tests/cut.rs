//! Files that end anywhere, or that hold anything: what comes back is a beginning of what was
//! written and nothing else, and the journal goes on behind it.

use super::fixture::{config, memory_disk, open_on};
use crate::journal::Config;
use crate::journal::block;
use crate::journal::disk::Disk as _;
use crate::journal::disk::unsynced::UnsyncedDisk;
use crate::journal::segment;
use model::Scope;
use model::wire::v1::{LogLine, Record};
use ports::journal::{Journal as _, LogQuery, RecordQuery};
use proptest::prelude::*;
use testkit::journal::{end, line, record};

const SEGMENT: &str = "t-default/0000000000000000.seg";
const WRITTEN: u64 = 24;

fn large() -> Config {
    Config { segment_bytes: 1 << 20, ..config() }
}

/// Runs to its end.
fn wait<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(future)
}

/// A record and a line in each of some blocks, as a node leaves them that was killed.
async fn written() -> anyhow::Result<UnsyncedDisk> {
    let disk = memory_disk();
    let journal = open_on(&disk, large())?;
    for number in 0..WRITTEN {
        journal.append(model::wire::v1::Entry::Log(log_line(number)))?;
        let mark = journal.append(end(record(&Scope::default(), "f", number)))?;
        journal.durable(mark).await?;
    }
    let killed = disk.after_crash(1);
    drop(journal);
    Ok(killed)
}

fn log_line(number: u64) -> LogLine {
    line(&Scope::default(), "f", number, "a line")
}

/// All records and lines, oldest first.
async fn read(disk: &UnsyncedDisk) -> anyhow::Result<(Vec<Record>, Vec<LogLine>)> {
    let journal = open_on(disk, large())?;
    let query = RecordQuery { limit: 1000, ..RecordQuery::default() };
    let mut records = journal.records(query).await?.items;
    records.reverse();
    let lines = journal.logs(LogQuery { limit: 1000, ..LogQuery::default() }).await?.items;
    journal.close().await?;
    Ok((records, lines))
}

async fn prefix_after_cut(at: usize) -> anyhow::Result<()> {
    let disk = written().await?;
    let mut len = 0;
    disk.edit(SEGMENT, |bytes| {
        bytes.truncate(at);
        len = bytes.len();
    });
    let (records, lines) = read(&disk).await?;
    let kept = records.len();
    let expected: Vec<Record> =
        (0..kept as u64).map(|number| record(&Scope::default(), "f", number)).collect();
    anyhow::ensure!(records == expected, "cut at {len}: no beginning of what was written");
    // A line goes before its record, so at most one more came back.
    let expected: Vec<LogLine> = (0..lines.len() as u64).map(log_line).collect();
    anyhow::ensure!(lines == expected, "cut at {len}: other lines");
    anyhow::ensure!(lines.len() == kept || lines.len() == kept + 1, "cut at {len}: lines are lost");
    // It goes on, and what was there stays.
    let journal = open_on(&disk, large())?;
    let more = record(&Scope::default(), "f", 99);
    let mark = journal.append(end(more.clone()))?;
    journal.durable(mark).await?;
    journal.close().await?;
    let (mut again, _) = read(&disk).await?;
    anyhow::ensure!(again.pop() == Some(more), "cut at {len}: what came after is not there");
    anyhow::ensure!(again == records, "cut at {len}: what was there changed");
    Ok(())
}

/// A segment whose blocks have checksums that fit and headers that say anything, as somebody makes
/// them who can write to the disk and has no key.
async fn survives_forged(name: u64, forged: Vec<(u64, u32, Vec<u8>)>) -> anyhow::Result<()> {
    let disk = written().await?;
    let mut bytes = Vec::new();
    disk.edit(SEGMENT, |own| bytes = own[..segment::HEADER_BYTES].to_vec());
    for (first, count, payload) in forged {
        let mut block = vec![0; block::HEADER_BYTES];
        block.extend(payload);
        let summary = crate::journal::facts::Summary {
            count,
            kinds: u8::MAX,
            outcomes: u16::MAX,
            bloom: u64::MAX,
            min_us: i64::MIN,
            max_us: i64::MAX,
        };
        block::Header { len: 0, first, summary, afloat: 0 }.finish(&mut block);
        bytes.extend(block);
    }
    let path = format!("/home/journal/t-default/{}", segment::file_name(name));
    disk.create(path.as_ref())?.write_all_at(&bytes, 0)?;
    let journal = open_on(&disk, large())?;
    let query = RecordQuery { limit: 1000, ..RecordQuery::default() };
    let known = journal.records(query).await?.items;
    let own: Vec<Record> =
        (0..WRITTEN).rev().map(|number| record(&Scope::default(), "f", number)).collect();
    anyhow::ensure!(known.iter().all(|record| own.contains(record)), "a forged record is read");
    let quiet = journal.damage().is_empty() && journal.recovery().torn.is_empty();
    anyhow::ensure!(!quiet || known == own, "records are gone, and nobody is told");
    let more = record(&Scope::default(), "f", 99);
    let mark = journal.append(end(more.clone()))?;
    journal.durable(mark).await?;
    journal.close().await?;
    let (records, _) = read(&disk).await?;
    anyhow::ensure!(records.last() == Some(&more), "what was acknowledged after it is lost");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_segment_cut_at_any_byte_gives_back_a_beginning_and_goes_on(at in 0usize..9000) {
        let outcome = wait(prefix_after_cut(at));
        prop_assert!(outcome.is_ok(), "{:?}", outcome);
    }

    #[test]
    fn forged_blocks_are_noticed_and_stop_nothing(
        name in prop_oneof![Just(1), Just(u64::MAX), Just(1 << 48), any::<u64>()],
        forged in prop::collection::vec(
            (
                prop_oneof![Just(u64::MAX), Just(1u64 << 48), 0u64..100, any::<u64>()],
                prop_oneof![Just(u32::MAX), 0u32..4],
                prop::collection::vec(any::<u8>(), 0..64),
            ),
            1..4,
        ),
    ) {
        let outcome = wait(survives_forged(name, forged));
        prop_assert!(outcome.is_ok(), "{:?}", outcome);
    }
}
