//! Bytes that were changed, swapped or taken away are found and named, and the rest is read.

use super::fixture::{config, memory_disk, open_on};
use crate::journal::Config;
use crate::journal::block::{self, Found};
use crate::journal::disk::unsynced::UnsyncedDisk;
use crate::journal::segment::{HEADER_BYTES, file_name};
use model::Scope;
use model::wire::v1::Record;
use ports::journal::{Error, Journal as _, RecordQuery};
use testkit::journal::{end, record};

const SEGMENT: &str = "t-default/0000000000000000.seg";

/// Thirty records, one in a block, in several segments; nothing is open.
async fn written() -> anyhow::Result<UnsyncedDisk> {
    let disk = memory_disk();
    let journal = open_on(&disk, config())?;
    for number in 0..30 {
        let mark = journal.append(end(record(&Scope::default(), "f", number)))?;
        journal.durable(mark).await?;
    }
    journal.close().await?;
    Ok(disk)
}

async fn read(disk: &UnsyncedDisk) -> anyhow::Result<(Vec<Record>, Vec<Error>)> {
    let journal = open_on(disk, config())?;
    let query = RecordQuery { limit: 100, ..RecordQuery::default() };
    let records = journal.records(query).await?.items;
    Ok((records, journal.verify()))
}

/// Where the blocks of a segment's bytes begin, and how long they are.
fn places(bytes: &[u8]) -> Vec<(usize, usize)> {
    let blocks = block::blocks(&bytes[HEADER_BYTES..], HEADER_BYTES as u64);
    let places = blocks.filter_map(|found| match found {
        Found::Block(block) => Some((block.offset as usize, block.bytes() as usize)),
        Found::Gap(_) => None,
    });
    places.collect()
}

fn names(damage: &[Error], segment: &str, offset: usize) -> bool {
    let expected = format!("{segment} at {offset}");
    damage.iter().any(|it| matches!(it, Error::Damaged { place, .. } if *place == expected))
}

#[tokio::test]
async fn a_changed_byte_anywhere_in_a_segment_is_found_and_costs_one_block() -> anyhow::Result<()> {
    let mut places_seen = 0;
    for at in (HEADER_BYTES..2000).step_by(37) {
        let disk = written().await?;
        let mut hit = 0;
        disk.edit(SEGMENT, |bytes| {
            bytes[at] ^= 0x10;
            let blocks = places(bytes);
            hit = blocks
                .iter()
                .map(|(from, len)| from + len)
                .filter(|end| *end <= at)
                .max()
                .unwrap_or(HEADER_BYTES);
        });
        let (records, damage) = read(&disk).await?;
        assert_eq!(records.len(), 29, "byte {at}");
        assert!(names(&damage, SEGMENT, hit), "byte {at}: {damage:?}");
        places_seen += 1;
    }
    assert!(places_seen > 40);
    Ok(())
}

#[tokio::test]
async fn a_changed_byte_in_a_segments_header_is_found() -> anyhow::Result<()> {
    for at in [0, 9, 13, 17, 30, 41, 50, 127] {
        let disk = written().await?;
        disk.edit(SEGMENT, |bytes| bytes[at] ^= 1);
        let (records, damage) = read(&disk).await?;
        assert!(records.len() < 30, "byte {at}: blocks are bound to the header");
        assert!(names(&damage, SEGMENT, 0), "byte {at}: {damage:?}");
    }
    Ok(())
}

#[tokio::test]
async fn swapped_blocks_are_found() -> anyhow::Result<()> {
    let disk = written().await?;
    let mut offset = 0;
    disk.edit(SEGMENT, |bytes| {
        let blocks = places(bytes);
        let ((first, len), (second, _)) = (blocks[1], blocks[2]);
        assert_eq!(blocks[2].1, len, "blocks of one record are equally long");
        let (a, b) = (bytes[first..first + len].to_vec(), bytes[second..second + len].to_vec());
        bytes[first..first + len].copy_from_slice(&b);
        bytes[second..second + len].copy_from_slice(&a);
        offset = first;
    });
    let (records, damage) = read(&disk).await?;
    assert_eq!(records.len(), 28);
    assert!(names(&damage, SEGMENT, offset), "{damage:?}");
    Ok(())
}

#[tokio::test]
async fn a_block_of_another_segment_or_tenant_is_found() -> anyhow::Result<()> {
    let disk = written().await?;
    let other = open_on(&disk, config())?;
    let scope = testkit::journal::tenant("other");
    let mark = other.append(end(record(&scope, "f", 0)))?;
    other.durable(mark).await?;
    other.close().await?;
    let mut foreign = Vec::new();
    disk.edit("t-other/0000000000000000.seg", |bytes| foreign = bytes.clone());
    let (_, len) = places(&foreign)[0];
    let mut offset = 0;
    disk.edit(SEGMENT, |bytes| {
        let (from, _) = places(bytes)[0];
        offset = from;
        bytes.splice(
            from..from + len.min(places(bytes)[0].1),
            foreign[HEADER_BYTES..HEADER_BYTES + len].to_vec(),
        );
    });
    let (records, damage) = read(&disk).await?;
    assert!(records.len() < 30);
    assert!(names(&damage, SEGMENT, offset), "{damage:?}");
    Ok(())
}

#[tokio::test]
async fn a_segment_that_was_taken_away_is_missed() -> anyhow::Result<()> {
    use crate::journal::disk::Disk as _;
    let disk = written().await?;
    let mine = disk.paths().into_iter().filter(|path| path.contains("t-default"));
    let segments: Vec<String> = mine.filter(|path| path.ends_with(".seg")).collect();
    assert!(segments.len() > 2, "{segments:?}");
    disk.remove(segments[1].as_ref())?;
    let (records, damage) = read(&disk).await?;
    assert!(records.len() < 30);
    let place = format!("t-default/{} at 0", segments[2].rsplit('/').next().unwrap_or_default());
    let named = damage.iter().any(|it| it.to_string().contains(&place));
    assert!(named, "{damage:?}");
    Ok(())
}

#[tokio::test]
async fn a_changed_or_missing_index_loses_nothing() -> anyhow::Result<()> {
    use crate::journal::disk::Disk as _;
    for at in [0, 9, 13, 17, 40, 80] {
        let disk = written().await?;
        disk.edit("t-default/0000000000000000.idx", |bytes| bytes[at] ^= 0x40);
        assert_eq!(read(&disk).await?, (read(&written().await?).await?.0, vec![]), "byte {at}");
    }
    let disk = written().await?;
    for path in disk.paths().iter().filter(|path| path.ends_with(".idx")) {
        disk.remove(path.as_ref())?;
    }
    let (records, damage) = read(&disk).await?;
    assert_eq!((records.len(), damage), (30, vec![]));
    assert!(disk.paths().iter().any(|path| path.ends_with(".idx")), "it is made again");
    Ok(())
}

#[tokio::test]
async fn a_torn_end_is_cut_and_no_earlier_block_with_it() -> anyhow::Result<()> {
    let large = Config { segment_bytes: 1 << 20, ..config() };
    let disk = memory_disk();
    let journal = open_on(&disk, large.clone())?;
    for number in 0..10 {
        let mark = journal.append(end(record(&Scope::default(), "f", number)))?;
        journal.durable(mark).await?;
    }
    let whole = disk.after_crash(1);
    drop(journal);
    let mut last = (0, 0);
    whole.edit(SEGMENT, |bytes| last = places(bytes)[9]);
    for cut in 1..last.1 {
        let disk = whole.after_crash(2);
        disk.edit(SEGMENT, |bytes| bytes.truncate(bytes.len() - cut));
        let journal = open_on(&disk, large.clone())?;
        let torn = (format!("{SEGMENT} at {}", last.0), (last.1 - cut) as u64);
        assert_eq!(journal.recovery().torn, [torn], "{cut} bytes are missing");
        drop(journal);
        let (records, damage) = read(&disk).await?;
        assert_eq!((records.len(), damage), (9, vec![]), "{cut} bytes are missing");
    }
    assert_eq!(file_name(0), "0000000000000000.seg");
    Ok(())
}

#[tokio::test]
async fn a_bad_end_of_a_segment_that_was_closed_is_damage_and_is_kept() -> anyhow::Result<()> {
    let disk = written().await?;
    let mut paths = disk.paths().into_iter();
    let last = paths.rfind(|it| it.contains("t-default") && it.ends_with(".seg"));
    let last = last.unwrap_or_default();
    let mut len = 0;
    disk.edit(&last, |bytes| {
        len = bytes.len();
        bytes[len - 1] ^= 1;
    });
    let journal = open_on(&disk, config())?;
    assert_eq!(journal.recovery().torn, []);
    assert_eq!(journal.damage().len(), 1);
    disk.edit(&last, |bytes| assert_eq!(bytes.len(), len));
    Ok(())
}
