//! Segments that are sealed anew with a newer epoch of the root key.

use super::fixture::{TestClock, TestRing, config, memory_disk};
use crate::journal::disk::Disk as _;
use crate::journal::disk::unsynced::UnsyncedDisk;
use crate::journal::segment::HEADER_BYTES;
use crate::journal::{SegmentJournal, disk, rewrap};
use anyhow::Result;
use model::key::{Epoch, KeyPurpose};
use model::wire::v1::{Entry, Record};
use model::{BootId, Scope, Secret};
use ports::KeyRing;
use ports::journal::{Error, Journal as _, RecordQuery};
use ports::keyring::{Error as KeyError, Sealer, Signer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use testkit::journal::{end, record, start, tenant};

/// A ring that can be rotated, and that may lack what is older than an epoch.
struct Turning {
    newest: AtomicU32,
    oldest: AtomicU32,
    keys: TestRing,
}

impl Turning {
    fn new() -> Arc<Self> {
        Arc::new(Self { newest: 1.into(), oldest: 1.into(), keys: TestRing::default() })
    }

    fn rotate(&self) {
        self.newest.fetch_add(1, Ordering::SeqCst);
    }

    /// Has the newest epoch only.
    fn retire(&self) {
        self.oldest.store(self.newest.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

impl KeyRing for Turning {
    fn epoch(&self) -> Epoch {
        Epoch(self.newest.load(Ordering::SeqCst))
    }

    fn sealer(
        &self,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Arc<dyn Sealer>, KeyError> {
        match epoch.0 >= self.oldest.load(Ordering::SeqCst) && epoch <= self.epoch() {
            true => self.keys.sealer(epoch, purpose, context),
            false => Err(KeyError::UnknownEpoch(epoch)),
        }
    }

    fn signer(&self, _: Epoch, _: KeyPurpose, _: &[&str]) -> Result<Arc<dyn Signer>, KeyError> {
        Err(KeyError::Failed("not here".into()))
    }

    fn hash_key(&self, _: Epoch, _: KeyPurpose, _: &[&str]) -> Result<Secret<[u8; 32]>, KeyError> {
        Err(KeyError::Failed("not here".into()))
    }

    fn data_key(&self, _: Epoch, _: KeyPurpose, _: &[&str]) -> Result<Secret<[u8; 64]>, KeyError> {
        Err(KeyError::Failed("not here".into()))
    }
}

fn open(disk: &UnsyncedDisk, ring: &Arc<Turning>) -> Result<SegmentJournal, Error> {
    let (disk, clock) = (Arc::new(disk.clone()), Arc::new(TestClock::default()));
    SegmentJournal::open_on(disk, config(), Arc::clone(ring) as _, clock, BootId(1))
}

fn scopes() -> [Scope; 2] {
    [Scope::default(), tenant("other")]
}

/// Records of two tenants, each durable before the next, and an act now and then.
async fn write(journal: &SegmentJournal, numbers: std::ops::Range<u64>) -> Result<()> {
    for number in numbers {
        for scope in scopes() {
            let mark = journal.append(end(record(&scope, "f", number)))?;
            journal.durable(mark).await?;
        }
        let mark = journal.append(Entry::Act(vec![number as u8; 100]))?;
        journal.durable(mark).await?;
    }
    Ok(())
}

/// Whether there are just these records, and nothing is damaged.
async fn holds(journal: &SegmentJournal, count: u64) -> Result<()> {
    for scope in scopes() {
        let query = RecordQuery { scope: scope.clone(), limit: 1000, ..RecordQuery::default() };
        let found: Vec<Record> = journal.records(query).await?.items;
        let expected: Vec<Record> = (0..count).rev().map(|at| record(&scope, "f", at)).collect();
        let of_test = |it: &&Record| expected.iter().any(|own| own.start.id == it.start.id);
        let found: Vec<Record> = found.iter().filter(of_test).cloned().collect();
        anyhow::ensure!(found == expected, "{} of {count} records", found.len());
    }
    let acts = journal.control().into_iter().filter(|it| matches!(it, Entry::Act(_))).count();
    anyhow::ensure!(acts as u64 == count, "{acts} of {count} acts");
    anyhow::ensure!(journal.verify().is_empty(), "{:?}", journal.verify());
    Ok(())
}

/// Moves all there is. Says how many segments were moved, and how many are damaged.
async fn moved(journal: &SegmentJournal) -> Result<(u64, u64)> {
    let (mut all, mut after) = ((0, 0), None);
    loop {
        let done = journal.rewrap(after).await?;
        all = (all.0 + done.moved, all.1 + done.damaged);
        after = done.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// Segments that are sealed with an older epoch than this.
fn older(journal: &SegmentJournal, than: u32) -> usize {
    let streams = journal.core.streams.all();
    let all = streams.iter().flat_map(|stream| stream.shelf.all());
    all.filter(|segment| segment.is_older(Epoch(than))).count()
}

#[tokio::test]
async fn what_was_moved_is_read_without_the_epoch_before() -> Result<()> {
    let (disk, ring) = (memory_disk(), Turning::new());
    let journal = open(&disk, &ring)?;
    write(&journal, 0..20).await?;
    let running = start(&Scope::default(), "g", 777);
    let mark = journal.append(Entry::Start(running.clone()))?;
    journal.durable(mark).await?;
    for (epoch, count) in [(2, 25), (3, 30)] {
        ring.rotate();
        write(&journal, count - 5..count).await?;
        let (segments, damaged) = moved(&journal).await?;
        assert!(segments >= 3 && damaged == 0, "{segments}, {damaged}");
        assert_eq!(older(&journal, epoch), 0);
        assert_eq!(moved(&journal).await?, (0, 0), "nothing is done twice");
        holds(&journal, count).await?;
    }
    write(&journal, 30..31).await?;
    journal.close().await?;
    ring.retire();
    let drafts = disk.paths().into_iter().filter(|path| path.ends_with(".new"));
    assert_eq!(drafts.count(), 0);
    // The indexes that were there before are right for what took the segments' places.
    let journal = open(&disk, &ring)?;
    assert_eq!(journal.recovery().interrupted, 1);
    assert_eq!(journal.damage(), []);
    holds(&journal, 31).await?;
    write(&journal, 31..33).await?;
    holds(&journal, 33).await
}

#[tokio::test]
async fn after_a_start_there_is_nothing_of_the_epoch_before_either() -> Result<()> {
    let (disk, ring) = (memory_disk(), Turning::new());
    let journal = open(&disk, &ring)?;
    write(&journal, 0..10).await?;
    journal.close().await?;
    ring.rotate();
    // Nobody writes for the tenants: their newest segments are ended all the same.
    let journal = open(&disk, &ring)?;
    let (segments, damaged) = moved(&journal).await?;
    assert!(segments >= 3 && damaged == 0, "{segments}, {damaged}");
    assert_eq!(older(&journal, 2), 0);
    journal.close().await?;
    ring.retire();
    holds(&open(&disk, &ring)?, 10).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_sees_nothing_of_it() -> Result<()> {
    let (disk, ring) = (memory_disk(), Turning::new());
    let journal = Arc::new(open(&disk, &ring)?);
    write(&journal, 0..30).await?;
    let over = Arc::new(AtomicBool::new(false));
    let reading = {
        let (journal, over) = (Arc::clone(&journal), Arc::clone(&over));
        tokio::spawn(async move {
            while !over.load(Ordering::SeqCst) {
                holds(&journal, 30).await?;
            }
            anyhow::Ok(())
        })
    };
    for _ in 0..4 {
        ring.rotate();
        let (segments, damaged) = moved(&journal).await?;
        assert!(segments >= 3 && damaged == 0, "{segments}, {damaged}");
    }
    over.store(true, Ordering::SeqCst);
    reading.await??;
    assert_eq!(journal.damage(), []);
    Ok(())
}

/// A journal whose segments are all ended and of the epoch before.
async fn written(ring: &Arc<Turning>) -> Result<UnsyncedDisk> {
    let disk = memory_disk();
    let journal = open(&disk, ring)?;
    write(&journal, 0..16).await?;
    journal.close().await?;
    ring.rotate();
    Ok(disk)
}

#[tokio::test]
async fn a_crash_at_any_call_leaves_each_segment_as_it_was_or_as_it_is_to_be() -> Result<()> {
    for calls in 0.. {
        let ring = Turning::new();
        let disk = written(&ring).await?;
        let journal = open(&disk, &ring)?;
        disk.crash_after(calls);
        let mut after = None;
        loop {
            after = rewrap::step(&journal.core, after).next;
            if after.is_none() {
                break;
            }
        }
        let crashed = disk.is_crashed();
        for seed in 0..3 {
            let left = disk.after_crash(calls * 31 + seed);
            drop(open(&left, &ring)?);
            let drafts = left.paths().into_iter().filter(|path| path.ends_with(".new"));
            anyhow::ensure!(drafts.count() == 0, "drafts are left after {calls} calls");
            let journal = open(&left, &ring)?;
            holds(&journal, 16).await?;
            let (_, damaged) = moved(&journal).await?;
            anyhow::ensure!(damaged == 0 && older(&journal, 2) == 0, "after {calls} calls");
            holds(&journal, 16).await?;
        }
        if !crashed {
            anyhow::ensure!(calls > 12, "it was over after {calls} calls");
            return Ok(());
        }
    }
    Ok(())
}

const SEGMENT: &str = "t-default/0000000000000000.seg";

fn bytes_of(disk: &UnsyncedDisk, path: &std::path::Path) -> Result<Vec<u8>> {
    let file = disk.open(path)?;
    let len = file.size()?;
    Ok(disk::read(file.as_ref(), 0, len)?)
}

#[tokio::test]
async fn a_damaged_segment_stays_as_it_is_and_the_others_move() -> Result<()> {
    let ring = Turning::new();
    let disk = written(&ring).await?;
    disk.edit(SEGMENT, |bytes| bytes[HEADER_BYTES + 200] ^= 0x10);
    let journal = open(&disk, &ring)?;
    let path = journal.stream(&Scope::default()).shelf.all()[0].path.clone();
    let before = bytes_of(&disk, &path)?;
    let (segments, damaged) = moved(&journal).await?;
    assert!(segments >= 3 && damaged == 1, "{segments}, {damaged}");
    assert_eq!(older(&journal, 2), 1);
    assert_eq!(bytes_of(&disk, &path)?, before);
    assert!(!journal.verify().is_empty());
    Ok(())
}

#[tokio::test]
async fn what_was_evicted_meanwhile_does_not_come_back() -> Result<()> {
    let ring = Turning::new();
    let disk = written(&ring).await?;
    let journal = open(&disk, &ring)?;
    let stream = journal.stream(&Scope::default());
    let segments = stream.shelf.all();
    let (first, second) = (&segments[0], &segments[1]);
    // Out of the shelf, and about to be removed.
    stream.shelf.remove(first.first);
    let before = bytes_of(&disk, &first.path)?;
    let paths = disk.paths();
    let replace = || rewrap::replace(&journal.core, &stream, first, second.first, Epoch(2));
    assert_eq!(replace(), Ok(false));
    assert_eq!((bytes_of(&disk, &first.path)?, disk.paths()), (before, paths));
    disk.remove(&first.path)?;
    assert_eq!(replace(), Ok(false));
    assert!(bytes_of(&disk, &first.path).is_err());
    Ok(())
}
