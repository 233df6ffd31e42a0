//! What the fuzzers begin with, replayed.

use casemate_gateway::h2::frames::{Frames, Limits, PREFACE};
use casemate_gateway::proxy;

fn files(name: &str) -> Vec<(String, Vec<u8>)> {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let entries = std::fs::read_dir(corpus.join(name)).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()));
    let files: Vec<_> = files.collect();
    assert!(files.len() >= 10, "only {} files", files.len());
    files
}

#[test]
fn headers_of_proxies_end_where_they_say() {
    let mut whole = 0;
    for (name, bytes) in files("proxy") {
        let Ok(Some(header)) = proxy::read(&bytes) else { continue };
        assert_eq!(proxy::read(&bytes[..header.length]), Ok(Some(header)), "{name}");
        assert_eq!(proxy::read(&bytes[..header.length - 1]), Ok(None), "{name}");
        whole += 1;
    }
    assert_eq!(whole, 7);
}

#[test]
fn frames_in_pieces_are_followed_as_in_one_go() {
    let limits = Limits {
        frame_bytes: 16_384,
        block_bytes: 65_536,
        continuations: 8,
        resets: 20,
        control_frames: 20,
    };
    let mut faults = 0;
    for (name, bytes) in files("frames") {
        let bytes = [PREFACE, &bytes].concat();
        let at_once = Frames::new(limits).pass(&bytes, 0);
        let mut followed = Frames::new(limits);
        let pieces = bytes.chunks(1).try_for_each(|piece| followed.pass(piece, 0));
        assert_eq!(at_once, pieces, "{name}");
        faults += usize::from(at_once.is_err());
    }
    assert_eq!(faults, 7);
}
