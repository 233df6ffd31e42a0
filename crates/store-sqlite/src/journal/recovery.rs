//! What an opening journal does with what an earlier start of the node left.
//!
//! Every segment's first block says all that was open when it was written, so the newest segment
//! with a sound first block tells what was open at the end; older ones are looked at by their
//! index only. A torn end is cut; other damage stays where it is and is noted.
//!
//! Several blocks may be on their way when the power fails, and the disk writes them in any order.
//! So the first bad place is cut with all that follows, unless a later block says that the place
//! was durable before.
//!
//! Invariant: nothing that was acknowledged is cut: acknowledged blocks were synced, and a torn
//! end is what no sync had covered. Where an index says that a segment was ended in good order,
//! a bad end is damage and is not cut.
//! Invariant: what is read here is durable before anything new is written, so that no later
//! crash takes back what the new entries follow from.

use super::block::{self, Block, Found};
use super::core::{Core, damaged, failed};
use super::disk;
use super::facts::Summary;
use super::index::Index;
use super::pen::{Pen, write_index};
use super::rewrap::is_draft;
use super::scan::entries;
use super::segment::{HEADER_BYTES, first_of};
use super::shelf::Segment;
use super::stream::{CONTROL, Plain, Stream};
use model::wire::v1::{Entry, Outcome, Record, Start};
use model::{Cost, InvocationId, Labels, TenantName, Usage};
use ports::journal::Error;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What an interrupted invocation's record gives as its reason.
pub(super) const REASON: &str = "the node stopped";

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Invocations that were open and are now marked as interrupted.
    pub interrupted: u64,
    /// Ends of segments that were written and not synced, and are cut: where, and how many bytes.
    pub torn: Vec<(String, u64)>,
}

/// Opens all streams that have a directory.
pub(super) fn recover(core: &Core) -> Result<(Vec<Pen>, Recovery), Error> {
    let dir = &core.config.dir;
    let io = |error: io::Error| failed(dir, &error);
    core.disk.make_dir(dir).map_err(io)?;
    let mut names = core.disk.list(dir).map_err(io)?;
    names.sort_unstable();
    for name in &names {
        if let Some(Ok(tenant)) = name.strip_prefix("t-").map(TenantName::parse) {
            core.streams.of(&tenant)?;
        }
    }
    let mut recovery = Recovery::default();
    let mut pens = Vec::new();
    for stream in core.streams.all() {
        let found = stream.tenant.is_some() || names.iter().any(|name| name == CONTROL);
        pens.push(if found {
            recover_stream(core, &stream, &mut recovery)?
        } else {
            Pen::default()
        });
    }
    Ok((pens, recovery))
}

fn recover_stream(core: &Core, stream: &Stream, recovery: &mut Recovery) -> Result<Pen, Error> {
    let names = core.disk.list(&stream.dir).map_err(|error| failed(&stream.dir, &error))?;
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| first_of(name)).collect();
    firsts.sort_unstable();
    for name in names.iter().filter(|name| is_draft(name)) {
        // One that stays is in nobody's way.
        let _ = core.disk.remove(&stream.dir.join(name));
    }
    let mut next = 0;
    for (at, first) in firsts.iter().copied().enumerate() {
        let end = firsts.get(at + 1).copied();
        let segment = match load(core, stream, first, end, recovery) {
            Ok(segment) => segment,
            Err(error) => {
                core.note(damaged(&stream.name, first, 0, &error.to_string()));
                next = next.max(first.saturating_add(1));
                continue;
            }
        };
        next = next.max(first).max(segment.end());
        if segment.header.is_none() && segment.bytes() > HEADER_BYTES as u64 {
            next = next.max(first.saturating_add(1));
        }
        stream.shelf.push(Arc::new(segment));
    }
    sync_newest(core, stream)?;
    let open = open_invocations(core, stream);
    recovery.interrupted += open.len() as u64;
    let ends = (!open.is_empty()).then(|| interrupt(core, open)).transpose()?;
    Ok(Pen::new(next, ends))
}

/// Older segments were durable before they were ended.
fn sync_newest(core: &Core, stream: &Stream) -> Result<(), Error> {
    let Some(newest) = stream.shelf.newest() else { return Ok(()) };
    let file = core.disk.open(&newest.path).and_then(|file| file.sync_data());
    let synced = file.and_then(|()| core.disk.sync_dir(&stream.dir));
    synced.map_err(|error| failed(&newest.path, &error))
}

/// Reads a segment's header and index. The index is made again if it is missing. `end` is the
/// next segment's first entry, `None` for the newest segment.
fn load(
    core: &Core,
    stream: &Stream,
    first: u64,
    end: Option<u64>,
    recovery: &mut Recovery,
) -> io::Result<Segment> {
    let path = stream.dir.join(super::segment::file_name(first));
    let file = core.disk.open(&path)?;
    let len = file.size()?;
    let mut head = [0; HEADER_BYTES];
    if len >= HEADER_BYTES as u64 {
        file.read_exact_at(&mut head, 0)?;
    }
    let stored = read_index(core, &path);
    let index = stored.as_deref().and_then(|bytes| Index::decode(bytes, first, len));
    let index_bytes = stored.map_or(0, |bytes| bytes.len() as u64);
    let ended = index.is_some();
    if let (Some(index), Some(_)) = (&index, end) {
        let segment = Segment::new(path, first, head, index.clone());
        segment.measure(len + index_bytes);
        check_header(core, stream, &segment);
        return Ok(segment);
    }
    let from = HEADER_BYTES as u64;
    let bytes = disk::read(file.as_ref(), from.min(len), len.saturating_sub(from))?;
    let mut survey = survey(&bytes, first);
    let mut kept = len;
    let cut = survey.gaps.iter().map(|gap| gap.offset).find(|offset| *offset >= survey.durable);
    if let Some(cut) = cut.filter(|_| end.is_none() && !ended) {
        file.truncate(cut)?;
        torn(stream, first, cut, len - cut, recovery);
        survey = self::survey(bytes.get(..(cut - from) as usize).unwrap_or_default(), first);
        kept = cut;
    }
    for gap in survey.gaps.iter().filter(|gap| end.is_none_or(|end| gap.next < end)) {
        core.note(damaged(&stream.name, first, gap.offset, gap.reason));
    }
    let segment = Segment::new(path, first, head, survey.index);
    if segment.times().is_none() {
        segment.measure(kept);
        return Ok(segment);
    }
    let index = segment.encode_index(kept);
    if !ended && write_index(core, &segment.path, &index).is_err() {
        tracing::warn!(path = %segment.path.display(), "a segment's index was not written");
    }
    segment.measure(kept + index.len() as u64);
    check_header(core, stream, &segment);
    Ok(segment)
}

fn torn(stream: &Stream, first: u64, offset: u64, bytes: u64, recovery: &mut Recovery) {
    let place = format!("{}/{} at {offset}", stream.name, super::segment::file_name(first));
    tracing::warn!(place, bytes, "an unfinished write was cut");
    recovery.torn.push((place, bytes));
}

fn read_index(core: &Core, segment: &Path) -> Option<Vec<u8>> {
    let file = core.disk.open(&segment.with_extension("idx")).ok()?;
    let len = file.size().ok()?;
    disk::read(file.as_ref(), 0, len).ok()
}

fn check_header(core: &Core, stream: &Stream, segment: &Segment) {
    let reason = match super::segment::Header::decode(&segment.head) {
        Ok(header) if header.first == segment.first && header.stream == stream.name => return,
        Ok(_) => "the segment belongs to another place",
        Err(reason) => reason,
    };
    core.note(damaged(&stream.name, segment.first, 0, reason));
}

/// What the bytes behind a segment's header hold.
struct Survey {
    index: Index,
    /// What is no block, with the number of the entry that is expected there.
    gaps: Vec<Gap>,
    /// The segment was durable up to here at least.
    durable: u64,
}

struct Gap {
    offset: u64,
    next: u64,
    reason: &'static str,
}

fn survey(bytes: &[u8], first: u64) -> Survey {
    let from = HEADER_BYTES as u64;
    let mut survey = Survey { index: Index::new(first), gaps: Vec::new(), durable: from };
    for found in block::blocks(bytes, from) {
        match found {
            Found::Block(block) => {
                survey.durable = survey.durable.max(block.durable());
                survey.index.push(block.offset, block.bytes(), &block.header);
            }
            Found::Gap(block::Gap { offset, reason, .. }) => {
                survey.gaps.push(Gap { offset, next: survey.index.end, reason });
            }
        }
    }
    survey
}

/// The invocations that were open at the end of a stream.
fn open_invocations(core: &Core, stream: &Stream) -> Vec<Start> {
    let segments = stream.shelf.all();
    let sound = |segment: &Arc<Segment>| {
        let spans = segment.spans();
        spans.first().is_some_and(|span| span.offset == HEADER_BYTES as u64)
            && segment.header.is_some()
    };
    let from = segments.iter().rposition(sound).unwrap_or(0);
    let mut open: HashMap<InvocationId, Start> = HashMap::new();
    for (at, segment) in segments.iter().enumerate().skip(from) {
        let end = segments.get(at + 1).map_or(u64::MAX, |next| next.first);
        each_block(core, segment, |block| {
            if block.header.first >= end {
                return;
            }
            match entries(core, stream, segment, block) {
                Ok(entries) => follow(&mut open, entries),
                Err(reason) => {
                    core.note(damaged(&stream.name, segment.first, block.offset, &reason));
                }
            }
        });
    }
    open.into_values().collect()
}

/// Within a block a start may stand behind its end, so all starts go first.
fn follow(open: &mut HashMap<InvocationId, Start>, entries: Vec<(u64, Entry)>) {
    let mut ended = Vec::new();
    for (_, entry) in entries {
        match entry {
            Entry::Start(start) => {
                open.insert(start.id, start);
            }
            Entry::End(record) => ended.push(record.start.id),
            _ => {}
        }
    }
    for id in ended {
        open.remove(&id);
    }
}

fn each_block(core: &Core, segment: &Segment, mut visit: impl FnMut(&Block<'_>)) {
    // A file that cannot be read was noted when it was loaded.
    let Ok(file) = core.disk.open(&segment.path) else { return };
    for span in segment.spans() {
        let Ok(bytes) = disk::read(file.as_ref(), span.offset, span.len) else { return };
        for found in block::blocks(&bytes, span.offset) {
            if let Found::Block(block) = found {
                visit(&block);
            }
        }
    }
}

/// The ends of invocations that the node's stop interrupted.
fn interrupt(core: &Core, open: Vec<Start>) -> Result<Plain, Error> {
    let now = core.clock.wall();
    let mut plain = Plain::new(Vec::new());
    for start in open {
        let record = Record {
            start,
            policy: 0,
            end_us: now,
            outcome: Outcome::Interrupted,
            status: 0,
            code: None,
            reason: Some(REASON.into()),
            usage: Usage::default(),
            calls: Vec::new(),
            calls_omitted: 0,
            log_lines: 0,
            log_dropped: 0,
            labels: Labels::NONE,
            cost: Cost::default(),
        };
        let entry = Entry::End(Box::new(record));
        plain.push(&entry, &Summary::of(&entry, || now))?;
    }
    Ok(plain)
}
