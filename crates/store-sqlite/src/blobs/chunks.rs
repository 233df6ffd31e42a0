//! How a file is sealed: in chunks of 64 KiB, each by itself, in the STREAM construction (Hoang,
//! Reyhanitabar, Rogaway, Vizár, "Online authenticated encryption and its nonce-reuse
//! misuse-resistance", 2015) with random nonces.
//!
//! The key is the file's own. With each chunk its number is authenticated, and whether it is the
//! last, so chunks can be neither moved, left out, nor cut off. An object has at least one chunk.

use super::rows::FileId;
use model::key::{Epoch, KeyPurpose};
use ports::KeyRing;
use ports::blobs::{ContainerRef, Error};
use ports::keyring::Sealer;
use std::sync::Arc;

/// Bytes of a chunk, before it is sealed. The last one may have fewer.
pub(super) const CHUNK_BYTES: usize = 64 << 10;

/// Seals and opens the chunks of one file.
pub(super) struct Chunks {
    sealer: Arc<dyn Sealer>,
    /// Bytes by which what is sealed is longer.
    over: usize,
}

impl Chunks {
    pub(super) fn derive(
        ring: &dyn KeyRing,
        epoch: Epoch,
        at: &ContainerRef,
        file: FileId,
    ) -> Result<Self, Error> {
        let (name, hex) = (at.name.to_string(), file.hex());
        let scope = &at.scope;
        let parts = ["blob", scope.tenant.as_str(), scope.environment.as_str(), &name, &hex];
        let sealer = ring.sealer(epoch, KeyPurpose::Value, &parts).map_err(failed)?;
        let mut empty = Vec::new();
        sealer.seal(&[], &mut empty, 0).map_err(failed)?;
        Ok(Self { sealer, over: empty.len() })
    }

    /// Seals a chunk in its own memory.
    pub(super) fn seal(
        &self,
        number: u64,
        last: bool,
        mut plain: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        self.sealer.seal(&place(number, last), &mut plain, 0).map_err(failed)?;
        Ok(plain)
    }

    /// Opens a chunk; `None` if it is not the one that was sealed there.
    pub(super) fn unseal(&self, number: u64, last: bool, sealed: &[u8]) -> Option<Vec<u8>> {
        self.sealer.unseal(&place(number, last), sealed).ok()
    }

    /// Where a chunk begins in the file.
    pub(super) const fn offset(&self, number: u64) -> u64 {
        number.saturating_mul((CHUNK_BYTES + self.over) as u64)
    }

    /// Bytes of a chunk with so many plain ones.
    pub(super) const fn sealed_bytes(&self, plain_bytes: usize) -> usize {
        plain_bytes + self.over
    }

    /// Memory that a chunk needs to be sealed in place.
    pub(super) fn buffer(&self) -> Vec<u8> {
        Vec::with_capacity(CHUNK_BYTES + self.over)
    }
}

/// Chunks of an object of so many bytes.
pub(super) const fn count(bytes: u64) -> u64 {
    match bytes.div_ceil(CHUNK_BYTES as u64) {
        0 => 1,
        count => count,
    }
}

fn place(number: u64, last: bool) -> [u8; 9] {
    let mut place = [0; 9];
    if let Some((head, tail)) = place.split_first_chunk_mut::<8>() {
        *head = number.to_be_bytes();
        tail.fill(u8::from(last));
    }
    place
}

#[expect(clippy::needless_pass_by_value, reason = "it is given by `map_err`")]
fn failed(error: ports::keyring::Error) -> Error {
    Error::Failed(error.to_string())
}
