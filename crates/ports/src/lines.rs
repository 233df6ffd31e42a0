//! A stream of bytes, cut into lines for the log.
//!
//! Invariant: never blocks and never holds more than [`LINE_BYTES_MAX`] per stream; how many
//! bytes an invocation may log is the host's decision.

use crate::Host;
use crate::host;
use model::Labelled;
use model::wire::v1::Level;

/// The longest line that is passed on; the rest of a longer one is dropped and marked.
pub const LINE_BYTES_MAX: usize = 8 << 10;

/// The unfinished line of one stream.
#[derive(Debug, Default)]
pub struct Line {
    bytes: Vec<u8>,
    /// The line is longer than what is kept, and was sent: drop until its end.
    skipping: bool,
}

impl Line {
    /// Takes what the guest wrote and sends the lines that it finishes.
    pub fn write(&mut self, mut bytes: &[u8], level: Level, to: &dyn Host) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.keep(line, level, to);
            if !std::mem::take(&mut self.skipping) {
                self.send(level, false, to);
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.keep(bytes, level, to);
    }

    fn keep(&mut self, part: &[u8], level: Level, to: &dyn Host) {
        if self.skipping {
            return;
        }
        let room = LINE_BYTES_MAX - self.bytes.len();
        let (kept, beyond) = part.split_at(room.min(part.len()));
        self.bytes.extend_from_slice(kept);
        if !beyond.is_empty() {
            self.send(level, true, to);
            self.skipping = true;
        }
    }

    fn send(&mut self, level: Level, cut: bool, to: &dyn Host) {
        let line = std::mem::take(&mut self.bytes);
        // Whether it is kept is the host's affair; the guest is not told.
        to.log(Labelled::plain(host::Line { level, bytes: line, cut }));
    }

    /// Sends a last line that has no end.
    pub fn finish(&mut self, level: Level, to: &dyn Host) {
        if !self.bytes.is_empty() {
            self.send(level, false, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Future;
    use crate::host::{Answer, Ask, HostError};
    use parking_lot::Mutex;
    use std::sync::Arc;

    #[derive(Default)]
    struct Kept(Mutex<Vec<(Vec<u8>, bool)>>);

    impl Host for Kept {
        fn log(&self, line: Labelled<host::Line>) {
            self.0.lock().push((line.value.bytes, line.value.cut));
        }

        fn call(self: Arc<Self>, _: Ask) -> Future<'static, Result<Answer, HostError>> {
            Box::pin(std::future::ready(Err(HostError::Denied)))
        }
    }

    fn lines(writes: &[&[u8]]) -> Vec<(Vec<u8>, bool)> {
        let to = Kept::default();
        let mut line = Line::default();
        for write in writes {
            line.write(write, Level::Info, &to);
        }
        line.finish(Level::Info, &to);
        to.0.into_inner()
    }

    #[test]
    fn splits_at_line_ends_wherever_the_writes_are_cut() {
        let expect = vec![(b"one".to_vec(), false), (Vec::new(), false), (b"two".to_vec(), false)];
        assert_eq!(lines(&[b"one\n\ntwo"]), expect);
        assert_eq!(lines(&[b"o", b"ne", b"\n", b"\nt", b"wo", b""]), expect);
        assert_eq!(lines(&[]), vec![]);
    }

    #[test]
    fn cuts_a_long_line_once_and_goes_on_with_the_next() {
        let long = vec![b'x'; LINE_BYTES_MAX + 1];
        let expect = vec![(vec![b'x'; LINE_BYTES_MAX], true), (b"next".to_vec(), false)];
        assert_eq!(lines(&[&long, &long, b"end\nnext\n"]), expect);
        let exact = vec![b'x'; LINE_BYTES_MAX];
        assert_eq!(lines(&[&exact, b"\n"]), vec![(exact.clone(), false)]);
    }
}
