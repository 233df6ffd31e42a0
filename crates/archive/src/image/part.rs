//! A part of a file, read from its beginning.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

/// So many bytes of a file, from a place on. Others may read the file meanwhile.
pub(super) struct Part<'a> {
    file: &'a File,
    at: u64,
    rest: u64,
}

impl<'a> Part<'a> {
    pub(super) const fn new(file: &'a File, at: u64, size: u64) -> Self {
        Self { file, at, rest: size }
    }
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.rest).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(buffer.get_mut(..most).unwrap_or_default(), self.at)?;
        self.at += count as u64;
        self.rest -= count as u64;
        Ok(count)
    }
}
