//! A look at every byte of the journal: what is damaged, missing or in another's place.

use super::block::{self, Found};
use super::core::{Core, damaged};
use super::disk;
use super::scan::entries;
use super::segment::HEADER_BYTES;
use super::shelf::Segment;
use super::stream::Stream;
use ports::journal::Error;

/// What was found damaged in all streams, now and since the journal was opened.
pub(super) fn all(core: &Core) -> Vec<Error> {
    let mut found = core.damage();
    for stream in core.streams.all() {
        for damage in verify(core, &stream) {
            if !found.contains(&damage) {
                found.push(damage);
            }
        }
    }
    found
}

/// Everything in a stream that does not fit, by segment and offset.
fn verify(core: &Core, stream: &Stream) -> Vec<Error> {
    let segments = stream.shelf.all();
    let mut found = Vec::new();
    let mut next = segments.first().map_or(0, |segment| segment.first);
    for (at, segment) in segments.iter().enumerate() {
        let last = at + 1 == segments.len();
        if last && segment.times().is_none() {
            // It was begun and holds nothing durable yet.
            break;
        }
        if segment.first != next {
            let reason = format!("the entries from {next} on are missing before this segment");
            found.push(damaged(&stream.name, segment.first, 0, &reason));
        }
        let end = segments.get(at + 1).map_or(u64::MAX, |next| next.first);
        next = segment.first;
        if let Err(error) = walk(core, stream, segment, end, &mut next, &mut found) {
            next = end;
            let here = stream.shelf.all().iter().any(|it| it.first == segment.first);
            if error.kind() == std::io::ErrorKind::NotFound && !here {
                // The ring took it meanwhile.
                continue;
            }
            found.push(damaged(&stream.name, segment.first, 0, &error.to_string()));
        }
    }
    found
}

fn walk(
    core: &Core,
    stream: &Stream,
    segment: &Segment,
    end: u64,
    next: &mut u64,
    found: &mut Vec<Error>,
) -> std::io::Result<()> {
    let mut note = |offset, reason: &str| {
        found.push(damaged(&stream.name, segment.first, offset, reason));
    };
    let file = core.disk.open(&segment.path)?;
    // The newest segment may be written to now, and is read as far as it is durable.
    let durable = segment.spans().last().map_or(HEADER_BYTES as u64, |it| it.offset + it.len);
    let len = if end < u64::MAX { file.size()? } else { durable };
    let mut head = [0; HEADER_BYTES];
    file.read_exact_at(&mut head, 0)?;
    if !segment.is_headed(&head) || segment.header.is_none() {
        note(0, "the segment's header was changed");
    }
    let from = HEADER_BYTES as u64;
    let bytes = disk::read(file.as_ref(), from, len.saturating_sub(from))?;
    for it in block::blocks(&bytes, from) {
        let block = match it {
            Found::Gap(_) if *next >= end => continue,
            Found::Gap(gap) => {
                note(gap.offset, gap.reason);
                continue;
            }
            Found::Block(block) if block.header.first >= end => continue,
            Found::Block(block) => block,
        };
        if let Err(reason) = entries(core, stream, segment, &block) {
            note(block.offset, &reason);
            continue;
        }
        if block.header.first != *next {
            note(
                block.offset,
                &format!("the entries from {next} on are missing before this block"),
            );
        }
        *next = block.header.end();
    }
    Ok(())
}
