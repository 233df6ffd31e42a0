//! A key ring that is quick.

use model::Secret;
use model::key::{Epoch, KeyPurpose};
use ports::KeyRing;
use ports::keyring::{Error, Sealer, Signer};
use std::sync::Arc;

/// Keys that are a hash of what they are for. Not secret; bound to purpose, context and place.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainRing(pub u64);

struct PlainSealer(u64);

fn hash(start: u64, bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(start ^ 0xcbf2_9ce4_8422_2325, step)
}

impl Sealer for PlainSealer {
    fn seal(&self, place: &[u8], buffer: &mut Vec<u8>, from: usize) -> Result<(), Error> {
        let plain = buffer.get_mut(from..).ok_or_else(|| Error::Failed("too short".to_owned()))?;
        let tag = hash(hash(self.0, place), plain);
        plain.iter_mut().for_each(|byte| *byte ^= 0xa5);
        buffer.extend(tag.to_le_bytes());
        Ok(())
    }

    fn unseal(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let (body, tag) = sealed.split_last_chunk::<8>().ok_or(Error::NotAuthentic)?;
        let plain: Vec<u8> = body.iter().map(|byte| byte ^ 0xa5).collect();
        let fits = u64::from_le_bytes(*tag) == hash(hash(self.0, place), &plain);
        if fits { Ok(plain) } else { Err(Error::NotAuthentic) }
    }
}

impl KeyRing for PlainRing {
    fn epoch(&self) -> Epoch {
        Epoch(1)
    }

    fn sealer(
        &self,
        epoch: Epoch,
        purpose: KeyPurpose,
        context: &[&str],
    ) -> Result<Arc<dyn Sealer>, Error> {
        let text = format!("{epoch:?} {} {context:?}", purpose.word());
        Ok(Arc::new(PlainSealer(hash(self.0, text.as_bytes()))))
    }

    fn signer(&self, _: Epoch, _: KeyPurpose, _: &[&str]) -> Result<Arc<dyn Signer>, Error> {
        Err(Error::Failed("not here".to_owned()))
    }

    fn hash_key(&self, _: Epoch, _: KeyPurpose, _: &[&str]) -> Result<Secret<[u8; 32]>, Error> {
        Err(Error::Failed("not here".to_owned()))
    }

    fn data_key(&self, _: Epoch, _: KeyPurpose, _: &[&str]) -> Result<Secret<[u8; 64]>, Error> {
        Err(Error::Failed("not here".to_owned()))
    }
}
