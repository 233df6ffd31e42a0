//! Sealing for what has no room for an epoch: small files that are replaced as a whole.

use model::key::KeyPurpose;
use ports::KeyRing;
use ports::keyring::{Error, Sealer};
use std::sync::Arc;

/// Seals with the newest epoch of the moment, and unseals with whichever sealed. What is sealed
/// begins with the id of its key, so that trying the epochs costs a comparison each.
pub struct Across {
    ring: Arc<dyn KeyRing>,
    purpose: KeyPurpose,
    context: Vec<String>,
}

impl Across {
    /// A sealer for `purpose` and the parts of `context`.
    #[must_use]
    pub fn new(ring: Arc<dyn KeyRing>, purpose: KeyPurpose, context: &[&str]) -> Self {
        let context = context.iter().map(ToString::to_string).collect();
        Self { ring, purpose, context }
    }

    fn sealer(&self, epoch: model::key::Epoch) -> Result<Arc<dyn Sealer>, Error> {
        let context: Vec<&str> = self.context.iter().map(String::as_str).collect();
        self.ring.sealer(epoch, self.purpose, &context)
    }
}

impl Sealer for Across {
    fn seal(&self, place: &[u8], buffer: &mut Vec<u8>, from: usize) -> Result<(), Error> {
        self.sealer(self.ring.epoch())?.seal(place, buffer, from)
    }

    fn unseal(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        for epoch in self.ring.epochs().into_iter().rev() {
            match self.sealer(epoch)?.unseal(place, sealed) {
                Err(Error::NotAuthentic) => {}
                opened => return opened,
            }
        }
        Err(Error::NotAuthentic)
    }
}
