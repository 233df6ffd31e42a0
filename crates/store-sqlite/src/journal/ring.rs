//! The ring: what is too old or too much goes, whole segments at a time.
//!
//! Invariant: while the tenants together are over their limit, only a tenant that is over its
//! equal share of it loses anything; and the control plane's stream never counts against them.

use super::core::Core;
use super::pen::Pen;
use super::stream::Stream;
use std::io;
use std::sync::Arc;

/// Most segments in one stream, so that a node that restarts without end cannot fill a directory
/// with tiny files.
const SEGMENTS_MAX: usize = 8192;

/// Evicts what is over the limits of size and age. `pens` are the streams' own, by number.
pub(super) fn turn(core: &Core, streams: &[Arc<Stream>], pens: &mut [Pen]) {
    for (stream, pen) in streams.iter().zip(pens) {
        if stream.tenant.is_some() {
            age(core, stream, pen);
        }
        while stream.shelf.len() > SEGMENTS_MAX && evict(core, stream) {}
    }
    let control = core.streams.control();
    while control.shelf.bytes() > core.config.control_bytes && evict(core, control) {}
    share(core, streams);
}

/// Evicts what is older than the limit. A segment that has been written to for an eighth of it is
/// ended, so that little traffic ages too.
fn age(core: &Core, stream: &Stream, pen: &mut Pen) {
    if !pen.is_idle() {
        // Its segment cannot be ended now.
        return;
    }
    let now_us = core.clock.wall().0;
    let age_us = i64::try_from(core.config.age_max.as_micros()).unwrap_or(i64::MAX);
    if pen.begun().is_some_and(|begun| begun.0.saturating_add(age_us / 8) < now_us) {
        pen.seal(core, stream);
        renew(core, stream, pen);
    }
    let limit_us = now_us.saturating_sub(age_us);
    let is_old = |times: Option<(i64, i64)>| times.is_none_or(|(_, max_us)| max_us < limit_us);
    let newest = stream.shelf.newest().and_then(|segment| segment.times());
    if newest.is_some() && is_old(newest) && pen.begun().is_none() {
        renew(core, stream, pen);
    }
    while stream.shelf.oldest().is_some_and(|segment| is_old(segment.times()))
        && evict(core, stream)
    {}
}

/// Begins a segment that is empty, to carry the numbering on when all others are gone.
fn renew(core: &Core, stream: &Stream, pen: &mut Pen) {
    if let Err(error) = pen.begin(core, stream) {
        tracing::warn!(%error, stream = stream.name, "no new segment was begun");
    }
}

/// Evicts from the tenants that are most over their shares until all fit.
fn share(core: &Core, streams: &[Arc<Stream>]) {
    let mut sizes: Vec<(u64, &Arc<Stream>)> = streams
        .iter()
        .filter(|stream| stream.tenant.is_some())
        .map(|stream| (stream.shelf.bytes(), stream))
        .filter(|(bytes, _)| *bytes > 0)
        .collect();
    let share = core.config.bytes_max / (sizes.len() as u64).max(1);
    while sizes.iter().map(|(bytes, _)| bytes).sum::<u64>() > core.config.bytes_max {
        let over = sizes.iter_mut().filter(|(bytes, it)| *bytes > share && it.shelf.len() > 1);
        let Some((bytes, stream)) = over.max_by_key(|(bytes, _)| *bytes) else { return };
        if !evict(core, stream) {
            return;
        }
        *bytes = stream.shelf.bytes();
    }
}

/// Removes a stream's oldest segment, but never its last.
fn evict(core: &Core, stream: &Stream) -> bool {
    let Some(segment) = stream.shelf.oldest().filter(|_| stream.shelf.len() > 1) else {
        return false;
    };
    let _names = core.names.lock();
    for path in [segment.path.with_extension("idx"), segment.path.clone()] {
        match core.disk.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, path = %path.display(), "an old segment was not removed");
                return false;
            }
            _ => {}
        }
    }
    stream.shelf.remove(segment.first);
    true
}
