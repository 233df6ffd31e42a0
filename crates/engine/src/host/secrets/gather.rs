//! Bodies of which all is needed before anything of them is sent.
//!
//! Invariant: what all invocations together hold in memory for that is bounded, and nobody waits
//! for room: whoever finds none is refused.

use super::super::Broker;
use super::super::record::Step;
use crate::wiring::Engine;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use model::{Code, Problem};
use ports::host::{Body, HostError};
use ports::outbound::Failure;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Most bytes of a body that is signed or changed.
pub(crate) const BODY_BYTES_MAX: usize = 4 << 20;
/// Most bytes of all such bodies on the node.
const NODE_BYTES_MAX: usize = 64 << 20;

/// How many bytes of gathered bodies are in memory.
#[derive(Debug, Default)]
pub(crate) struct Gathered(AtomicUsize);

impl Gathered {
    fn count(&self, more: usize) -> bool {
        let room = |held: usize| held.checked_add(more).filter(|all| *all <= NODE_BYTES_MAX);
        self.0.fetch_update(Relaxed, Relaxed, room).is_ok()
    }

    /// Bytes that are in memory now.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.0.load(Relaxed)
    }
}

/// Room that is counted until nobody needs it any more.
pub(crate) struct Hold<'e>(&'e Gathered, usize);

impl<'e> Hold<'e> {
    pub(crate) fn new(gathered: &'e Gathered) -> Self {
        Self(gathered, 0)
    }

    /// Whether a body of so many bytes may have so many more.
    pub(crate) fn is_room(&mut self, before: usize, more: usize) -> bool {
        before.saturating_add(more) <= BODY_BYTES_MAX && self.take(more)
    }

    /// Room for more bytes, or none.
    pub(crate) fn take(&mut self, more: usize) -> bool {
        let fits = self.0.count(more);
        if fits {
            self.1 += more;
        }
        fits
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(self.1, Relaxed);
    }
}

/// Bytes that are counted until nobody holds them any more.
struct Counted {
    bytes: Vec<u8>,
    counted: usize,
    engine: Arc<Engine>,
}

impl Counted {
    /// Room for more, or none.
    fn count(&mut self, more: usize) -> bool {
        let fits = self.engine.gathered.count(more);
        if fits {
            self.counted += more;
        }
        fits
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.engine.gathered.0.fetch_sub(self.counted, Relaxed);
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Broker {
    /// Reads a body to its end.
    pub(in crate::host) async fn gather(
        &self,
        step: &Step,
        mut body: Body,
        most: usize,
    ) -> Result<Bytes, HostError> {
        let engine = Arc::clone(&self.engine);
        let mut held = Counted { bytes: Vec::new(), counted: 0, engine };
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else {
                let why = "a body that is signed or changed has no trailers";
                return Err(self.failed(step, HostError::Upstream(Failure::Request), why));
            };
            if held.bytes.len().saturating_add(data.len()) > most || !held.count(data.len()) {
                let problem = Problem::new(Code::SecretBodyTooLarge);
                self.failed(step, HostError::Denied, &problem.to_string());
                return Err(HostError::Limit("bytes of a body that is signed or changed".into()));
            }
            held.bytes.extend_from_slice(&data);
        }
        Ok(Bytes::from_owner(held))
    }
}
