//! What can be known of entries without reading them: times, kinds, outcomes and a small filter
//! over the functions. Blocks and index spans carry it, and queries skip by it.
//!
//! Invariant: a summary never leaves out what one of its entries says, so that skipping by it
//! loses nothing; it may claim too much.

use model::wire::v1::{Entry, Outcome, Start};
use model::{EnvironmentName, FunctionName, InvocationId, Timestamp};

/// An entry's kind, as its number on the wire.
pub(super) type Kind = u8;
pub(super) const START: Kind = 0;
pub(super) const END: Kind = 1;
pub(super) const LOG: Kind = 2;
pub(super) const ACT: Kind = 3;
pub(super) const BOOT: Kind = 4;

/// The outline of one entry, or of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Summary {
    /// How many entries.
    pub count: u32,
    /// The earliest time that any of them names, in microseconds.
    pub min_us: i64,
    /// The latest.
    pub max_us: i64,
    /// A 64-bit filter over environments and functions.
    pub bloom: u64,
    /// One bit for each kind.
    pub kinds: u8,
    /// One bit for each outcome.
    pub outcomes: u16,
}

impl Summary {
    /// Of no entries.
    pub(super) const EMPTY: Self =
        Self { count: 0, min_us: i64::MAX, max_us: i64::MIN, bloom: 0, kinds: 0, outcomes: 0 };

    /// Of one entry. An act carries no time that can be read here; it is given `now`.
    pub(super) fn of(entry: &Entry, now: impl FnOnce() -> Timestamp) -> Self {
        match entry {
            Entry::Start(start) => Self::of_start(start),
            Entry::End(record) => {
                let mut summary = Self::of_start(&record.start);
                summary.reach(record.end_us.0);
                summary.kinds = 1 << END;
                summary.outcomes = 1 << record.outcome as u16;
                summary
            }
            Entry::Log(line) => {
                let mut summary = Self { count: 1, kinds: 1 << LOG, ..Self::EMPTY };
                summary.reach(line.at.0);
                summary.reach(line.invocation.time_us());
                summary.bloom = bits(&line.function.scope.environment, Some(&line.function.name));
                summary
            }
            Entry::Act(_) => Self::timed(ACT, now()),
            Entry::Boot { at, .. } => Self::timed(BOOT, *at),
        }
    }

    /// Of one start.
    pub(super) fn of_start(start: &Start) -> Self {
        let mut summary = Self::timed(START, start.start_us);
        summary.reach(start.id.time_us());
        summary.bloom = bits(&start.function.scope.environment, Some(&start.function.name));
        summary
    }

    fn timed(kind: Kind, at: Timestamp) -> Self {
        Self { count: 1, kinds: 1 << kind, min_us: at.0, max_us: at.0, ..Self::EMPTY }
    }

    fn reach(&mut self, us: i64) {
        self.min_us = self.min_us.min(us);
        self.max_us = self.max_us.max(us);
    }

    /// Adds what `other` stands for.
    pub(super) fn join(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
        self.bloom |= other.bloom;
        self.kinds |= other.kinds;
        self.outcomes |= other.outcomes;
    }
}

/// What a query can use to skip.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    kinds: u8,
    bloom: u64,
    outcomes: Option<u16>,
    since_us: i64,
    minted_us: Option<i64>,
}

impl Wanted {
    /// Entries of these kinds, whatever they say.
    pub(super) fn kinds(kinds: &[Kind]) -> Self {
        let kinds = kinds.iter().fold(0, |bits, kind| bits | 1 << kind);
        Self { kinds, bloom: 0, outcomes: None, since_us: i64::MIN, minted_us: None }
    }

    /// Of an environment, and of a function there.
    pub(super) fn of(mut self, at: &EnvironmentName, function: Option<&FunctionName>) -> Self {
        self.bloom = bits(at, function);
        self
    }

    /// With one outcome only.
    pub(super) fn ended(mut self, outcome: Option<Outcome>) -> Self {
        self.outcomes = outcome.map(|outcome| 1 << outcome as u16);
        self
    }

    /// Not wholly before a time.
    pub(super) fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since_us = since.map_or(i64::MIN, |time| time.0);
        self
    }

    /// About one invocation, whose id says when it was minted.
    pub(super) fn about(mut self, invocation: Option<InvocationId>) -> Self {
        self.minted_us = invocation.map(|id| id.time_us());
        self
    }

    /// Whether entries with this summary may hold what is wanted.
    pub(super) fn may_be_in(&self, summary: &Summary) -> bool {
        let Summary { min_us, max_us, bloom, kinds, outcomes, .. } = *summary;
        kinds & self.kinds != 0
            && bloom & self.bloom == self.bloom
            && self.outcomes.is_none_or(|wanted| outcomes & wanted != 0)
            && max_us >= self.since_us
            && self.minted_us.is_none_or(|us| min_us <= us && us <= max_us)
    }
}

/// The filter's bits: one for the environment, two for the function in it.
fn bits(environment: &EnvironmentName, function: Option<&FunctionName>) -> u64 {
    let hash = fnv1a(FNV_START, environment.as_str().as_bytes());
    let mut bits = 1 << (mix(hash) & 63);
    if let Some(function) = function {
        let hash = mix(fnv1a(fnv1a(hash, b"/"), function.as_str().as_bytes()));
        bits |= 1 << (hash & 63) | 1 << (hash >> 6 & 63);
    }
    bits
}

/// Spreads a hash of few bytes over all bits: the finalizer of `MurmurHash3` (A. Appleby, public
/// domain). A part of the format.
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): a part of the format.
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv1a(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
