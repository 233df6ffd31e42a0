//! Groups of entries on their way to disk.

use super::super::block::{self, Block};
use super::super::core::Core;
use super::super::shelf::Segment;
use super::super::stream::{Plain, Stream};
use ports::keyring::Sealer;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What is to become a block.
pub(super) enum Group {
    Plain(Plain),
    Sealed(Sealed),
}

/// A block that is ready for one place.
pub(super) struct Sealed {
    pub bytes: Vec<u8>,
    /// Entries with a lower number are in it or were written before.
    pub horizon: u64,
    pub header: block::Header,
    pub segment: Arc<Segment>,
    pub offset: u64,
}

impl Group {
    /// How many bytes of memory it takes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Plain(plain) => plain.bytes.len(),
            Self::Sealed(sealed) => sealed.bytes.len(),
        }
    }
}

/// One plain group of many, in their order; `None` if nothing is in them.
pub(super) fn unite(
    core: &Core,
    stream: &Stream,
    groups: impl Iterator<Item = Group>,
) -> Option<Plain> {
    let plain = groups.filter_map(|group| match group {
        Group::Plain(plain) => Some(plain),
        Group::Sealed(sealed) => unseal(core, stream, &sealed),
    });
    plain.reduce(|mut all, group| {
        all.join(&group);
        all
    })
}

/// The plain form of a group that was sealed for a place where it does not stand.
fn unseal(core: &Core, stream: &Stream, sealed: &Sealed) -> Option<Plain> {
    let payload = sealed.bytes.get(block::HEADER_BYTES..).unwrap_or_default();
    let block = Block { offset: sealed.offset, header: sealed.header, sealed: payload };
    match open_block(core, stream, &sealed.segment, &block) {
        Ok(bytes) => {
            let mut plain = Plain::new(Vec::with_capacity(sealed.bytes.len()));
            plain.bytes.extend_from_slice(&bytes);
            plain.summary = sealed.header.summary;
            plain.horizon = sealed.horizon;
            Some(plain)
        }
        Err(error) => {
            // Our own bytes did not open: a broken key ring or memory. They are lost.
            let lost = u64::from(sealed.header.summary.count);
            core.dropped.fetch_add(lost, Ordering::Relaxed);
            tracing::error!(%error, lost, stream = stream.name, "a group was lost");
            None
        }
    }
}

/// The plain payload of a block.
///
/// # Errors
/// Why it does not open: the key is missing, or it was not written at this place.
pub(in super::super) fn open_block(
    core: &Core,
    stream: &Stream,
    segment: &Segment,
    block: &Block<'_>,
) -> Result<Vec<u8>, String> {
    let mut reason = "its segment's header is damaged".to_owned();
    for (head, epoch) in segment.heads() {
        let place = block.header.place(&head, block.offset);
        let sealer = core.sealer(stream, epoch).map_err(|error| error.to_string());
        let open = |sealer: Arc<dyn Sealer>| sealer.unseal(&place, block.sealed);
        match sealer.and_then(|sealer| open(sealer).map_err(|error| error.to_string())) {
            Ok(plain) => return Ok(plain),
            Err(error) => reason = error,
        }
    }
    Err(reason)
}
