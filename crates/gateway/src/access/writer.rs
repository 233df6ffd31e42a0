//! The thread that writes: what waits in one go, and then what came meanwhile.

use super::{Destination, Entry, Shared, line};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

/// Bytes that are written in one go.
const BATCH_BYTES: usize = 64 * 1024;

/// Where lines go, opened.
pub(super) struct Output {
    destination: Destination,
    file: Option<File>,
    /// The last write failed, and it was said.
    failed: bool,
}

impl Output {
    /// # Errors
    /// If the file cannot be opened.
    pub(super) fn open(destination: Destination) -> io::Result<Self> {
        let file = open(&destination)?;
        Ok(Self { destination, file, failed: false })
    }

    fn reopen(&mut self) {
        match open(&self.destination) {
            Ok(file) => self.file = file,
            // The old file is written on, so nothing is lost.
            Err(error) => tracing::error!(%error, "the access log cannot be opened anew"),
        }
    }

    /// Whether it was written.
    fn write(&mut self, lines: &[u8]) -> bool {
        let written = match &mut self.file {
            Some(file) => file.write_all(lines),
            None => io::stderr().lock().write_all(lines),
        };
        match written {
            Ok(()) => self.failed = false,
            Err(error) if !self.failed => {
                self.failed = true;
                tracing::error!(%error, "the access log cannot be written; its lines are dropped");
            }
            Err(_) => {}
        }
        !self.failed
    }
}

fn open(destination: &Destination) -> io::Result<Option<File>> {
    match destination {
        Destination::Stderr => Ok(None),
        Destination::File(path) => {
            OpenOptions::new().append(true).create(true).mode(0o640).open(path).map(Some)
        }
    }
}

/// Writes until nobody can send any more.
pub(super) fn run(mut output: Output, entries: &Receiver<Box<Entry>>, shared: &Shared) {
    let mut lines = Vec::with_capacity(BATCH_BYTES);
    while let Ok(first) = entries.recv() {
        if shared.reopen.swap(false, Ordering::AcqRel) {
            output.reopen();
        }
        line::write(&mut lines, &first);
        let mut count = 1;
        while lines.len() < BATCH_BYTES
            && let Ok(entry) = entries.try_recv()
        {
            line::write(&mut lines, &entry);
            count += 1;
        }
        let dropped = shared.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            line::write_gap(&mut lines, dropped);
        }
        if !output.write(&lines) {
            shared.dropped.fetch_add(count + dropped, Ordering::Relaxed);
        }
        lines.clear();
    }
}
