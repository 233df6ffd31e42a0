//! What the fuzzer and the tests call: a segment's bytes, and an index's.
//!
//! Compiled for tests and for the fuzzer only; see `docs/FUZZING.md`.

use super::block::{self, Found};
use super::index::Index;
use super::position::{self, List};
use super::segment;
use model::wire::v1::Entry;

/// What a target says: nothing, or which promise was broken.
pub type Outcome = Result<(), String>;

/// Where the first block of a segment begins.
const FIRST: u64 = segment::HEADER_BYTES as u64;

fn hold(kept: bool, promise: impl std::fmt::Display) -> Outcome {
    if kept { Ok(()) } else { Err(promise.to_string()) }
}

/// A segment file. Its bytes are blocks and gaps without holes; a block that stands alone is read
/// as the same block, is found behind noise, and is no block any more with a byte changed; its
/// payload is frames without holes; and what the index made of it says is within the file and
/// comes back from the index's own file. The header comes back as it was read.
///
/// # Errors
/// The promise that was broken.
pub fn journal(bytes: &[u8]) -> Outcome {
    header(bytes)?;
    let body = bytes.get(segment::HEADER_BYTES..).unwrap_or(bytes);
    let mut index = Index::new(0);
    let mut next = FIRST;
    for found in block::blocks(body, FIRST) {
        let (offset, len) = match found {
            Found::Block(block) => {
                index.push(block.offset, block.bytes(), &block.header);
                let from = (block.offset - FIRST) as usize;
                alone(&body[from..from + block.bytes() as usize], &block.header)?;
                frames(block.sealed, block.header.summary.count)?;
                (block.offset, block.bytes())
            }
            Found::Gap(gap) => (gap.offset, gap.bytes),
        };
        hold(offset == next && len > 0, "a hole between blocks")?;
        next += len;
    }
    hold(next == FIRST + body.len() as u64, "the blocks end elsewhere")?;
    let len = next;
    for span in &index.spans {
        hold(span.offset >= FIRST && span.offset + span.len <= len, "a span outside of the file")?;
    }
    let file = index.encode(0, len);
    if let Some(read) = Index::decode(&file, 0, len) {
        hold(read == index, "an index that does not come back")?;
    }
    // The same bytes as an index: it is refused, or everything in it lies within the file.
    if let Some(read) = Index::decode(bytes, 0, len) {
        let within = read.spans.iter().all(|span| span.offset + span.len <= len);
        hold(within, "an index that points outside")?;
    }
    text(bytes)
}

fn header(bytes: &[u8]) -> Outcome {
    let Some(head) = bytes.first_chunk() else { return Ok(()) };
    match segment::Header::decode(head) {
        Ok(header) => {
            let again = segment::Header::decode(&header.encode());
            hold(again == Ok(header), "a header that does not come back")
        }
        Err(_) => Ok(()),
    }
}

fn alone(bytes: &[u8], header: &block::Header) -> Outcome {
    let is_it = |found: Found<'_>| matches!(found, Found::Block(it) if it.header == *header);
    let behind: Vec<u8> = b"cmb1 noise cmb1".iter().chain(bytes).copied().collect();
    hold(block::blocks(&behind, 0).any(is_it), "a block behind noise is lost")?;
    let at = bytes.len() * 7 / 11;
    let mut changed = bytes.to_vec();
    changed[at] ^= 0x40;
    let whole = |found: Found<'_>| matches!(found, Found::Block(it) if it.offset == 0);
    hold(!block::blocks(&changed, 0).any(whole), "a changed byte is not noticed")
}

fn frames(plain: &[u8], count: u32) -> Outcome {
    let Ok(frames) = block::frames(plain, count) else { return Ok(()) };
    let bytes: usize = frames.iter().map(|frame| frame.len() + block::FRAME_BYTES).sum();
    hold(bytes == plain.len() && frames.len() == count as usize, "frames with holes")?;
    for frame in frames {
        // Whether it can be read is not the question; see the target `record`.
        let _read = postcard::from_bytes::<Entry>(frame);
    }
    Ok(())
}

/// Names of files and positions in lists: what is read is what is printed.
fn text(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    if let Some(first) = segment::first_of(text) {
        hold(segment::file_name(first) == text, "a file's name that has two readings")?;
    }
    match position::parse(List::Logs, "t-a", text) {
        Ok(number) => hold(position::print(List::Logs, "t-a", number) == text, "another position"),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn journal() {
        fuzzing::run("journal", 4000, super::journal);
    }
}
