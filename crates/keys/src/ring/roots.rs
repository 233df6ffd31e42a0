//! Roots by epoch.
//!
//! Invariant: there is at least one, and epochs grow.

use super::Made;
use crate::derive;
use crate::file::Error;
use model::key::Epoch;
use model::{Secret, Timestamp};

/// The root of one epoch.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) epoch: Epoch,
    pub(crate) at: Option<Timestamp>,
    pub(crate) fingerprint: String,
    pub(crate) secret: Secret<[u8; 32]>,
}

impl Root {
    pub(crate) fn new(
        epoch: Epoch,
        at: Option<Timestamp>,
        secret: Secret<[u8; 32]>,
    ) -> Result<Self, Error> {
        let fingerprint = derive::fingerprint(&secret, epoch).map_err(|_| Error::Derivation)?;
        Ok(Self { epoch, at, fingerprint: hex::encode(fingerprint), secret })
    }

    pub(crate) fn made(&self) -> Made {
        Made { epoch: self.epoch, at: self.at, fingerprint: self.fingerprint.clone() }
    }
}

/// The roots of a ring.
#[derive(Debug, Clone)]
pub(crate) struct Roots {
    founding: Root,
    later: Vec<Root>,
}

impl Roots {
    /// Most of them. A root each month for twenty years is less.
    pub(crate) const MAX: usize = 255;

    pub(crate) fn of(founding: Root) -> Self {
        Self { founding, later: Vec::new() }
    }

    /// Nothing if there is none, or if their epochs do not grow.
    pub(crate) fn all_of(roots: Vec<Root>) -> Option<Self> {
        let grow = roots.iter().zip(roots.iter().skip(1)).all(|(a, b)| a.epoch < b.epoch);
        let mut roots = roots.into_iter();
        let founding = roots.next().filter(|_| grow)?;
        Some(Self { founding, later: roots.collect() })
    }

    pub(crate) fn founding(&self) -> &Root {
        &self.founding
    }

    pub(crate) fn newest(&self) -> &Root {
        self.later.last().unwrap_or(&self.founding)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Root> {
        std::iter::once(&self.founding).chain(&self.later)
    }

    pub(crate) fn get(&self, epoch: Epoch) -> Option<&Root> {
        self.all().find(|root| root.epoch == epoch)
    }

    /// These but one, which is neither the first nor the newest. Nothing if it is, or is not there.
    pub(crate) fn without(&self, epoch: Epoch) -> Option<Self> {
        let at = self.later.iter().position(|root| root.epoch == epoch)?;
        let mut fewer = self.clone();
        fewer.later.remove(at);
        (at < fewer.later.len()).then_some(fewer)
    }

    /// These and one more. Nothing if there is no room, or its epoch is not the newest.
    pub(crate) fn with(&self, root: Root) -> Option<Self> {
        if self.later.len() + 1 >= Self::MAX || root.epoch <= self.newest().epoch {
            return None;
        }
        let mut more = self.clone();
        more.later.push(root);
        Some(more)
    }
}
