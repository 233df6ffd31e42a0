//! A clock that stands still, a key ring that is quick, a disk in memory, small limits.

use crate::journal::disk::unsynced::UnsyncedDisk;
use crate::journal::{Config, SegmentJournal};
use model::key::{Epoch, KeyPurpose};
use model::{BootId, Secret, Timestamp};
use ports::journal::{Error, Journal as _, Mark};
use ports::keyring::{Error as KeyError, Sealer, Signer};
use ports::{Clock, KeyRing};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Stands at the fixtures' time until it is moved.
pub(super) struct TestClock(pub AtomicI64);

impl Default for TestClock {
    fn default() -> Self {
        Self(AtomicI64::new(testkit::journal::EPOCH_US))
    }
}

impl Clock for TestClock {
    fn wall(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// Keys that are a hash of what they are for. Not secret; bound to purpose, context and place.
#[derive(Default)]
pub(super) struct TestRing(pub u64);

struct TestSealer(u64);

fn hash(start: u64, bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(start ^ 0xcbf2_9ce4_8422_2325, step)
}

impl Sealer for TestSealer {
    fn seal(&self, place: &[u8], buffer: &mut Vec<u8>, from: usize) -> Result<(), KeyError> {
        let tag = hash(hash(self.0, place), &buffer[from..]);
        buffer[from..].iter_mut().for_each(|byte| *byte ^= 0xa5);
        buffer.extend(tag.to_le_bytes());
        Ok(())
    }

    fn unseal(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        let (body, tag) = sealed.split_last_chunk::<8>().ok_or(KeyError::NotAuthentic)?;
        let plain: Vec<u8> = body.iter().map(|byte| byte ^ 0xa5).collect();
        match u64::from_le_bytes(*tag) == hash(hash(self.0, place), &plain) {
            true => Ok(plain),
            false => Err(KeyError::NotAuthentic),
        }
    }
}

impl KeyRing for TestRing {
    fn epoch(&self) -> Epoch {
        Epoch(1)
    }
    fn sealer(
        &self,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Arc<dyn Sealer>, KeyError> {
        let text = format!("{epoch:?} {} {context:?}", purpose.word());
        Ok(Arc::new(TestSealer(hash(self.0, text.as_bytes()))))
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

/// Small, so that little writing turns segments.
pub(super) fn config() -> Config {
    Config {
        segment_bytes: 2048,
        group_ms: 1,
        reserve_bytes: 0,
        low_water_bytes: Some(0),
        retry_ms: 1,
        ..Config::new("/home/journal")
    }
}

/// A disk with room for everything.
pub(super) fn memory_disk() -> UnsyncedDisk {
    UnsyncedDisk::new(1 << 30)
}

/// Opens a journal whose clock stands still.
pub(super) fn open_on(disk: &UnsyncedDisk, config: Config) -> Result<SegmentJournal, Error> {
    open_at(disk, config, &Arc::new(TestClock::default()))
}

/// Opens a journal with a clock that the test moves.
pub(super) fn open_at(
    disk: &UnsyncedDisk,
    config: Config,
    clock: &Arc<TestClock>,
) -> Result<SegmentJournal, Error> {
    let (disk, ring) = (Arc::new(disk.clone()), Arc::new(TestRing::default()));
    SegmentJournal::open_on(disk, config, ring, clock.clone(), BootId(1))
}

/// Asks again until an entry that was refused for a while is durable.
pub(super) async fn until_durable(journal: &SegmentJournal, mark: Mark) {
    while journal.durable(mark).await.is_err() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
