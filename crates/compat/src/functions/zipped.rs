//! A package as a zip file: the files that were sent, and not the bytes that they were sent in.
//!
//! It is written as it is read, a piece at a time, and nothing in it is packed.

use crate::body::Broken;
use bytes::Bytes;
use crc32fast::Hasher;
use engine::Engine;
use futures_util::{Stream, stream};
use http_body::Frame;
use model::listing::{File, Listing};
use std::sync::Arc;

/// Names are UTF-8.
const FLAGS: u16 = 0x0800;
/// The first day that a zip file can say.
const DATE: u16 = 0x0021;
/// Of the format.
const VERSION: u16 = 20;
/// The same, on a system with Unix's modes.
const MADE_BY: u16 = 0x0314;

/// The zip file, as it is written.
pub(super) fn frames(
    engine: Arc<Engine>,
    list: Listing,
) -> impl Stream<Item = Result<Frame<Bytes>, Broken>> + Send {
    let writer = Writer {
        engine,
        files: list.files,
        at: 0,
        piece: None,
        written: 0,
        directory: Vec::new(),
        complete: false,
    };
    stream::unfold(writer, |mut writer| async move {
        let part = writer.next().await?;
        Some((part.map(Frame::data), writer))
    })
}

struct Writer {
    engine: Arc<Engine>,
    files: Vec<File>,
    at: usize,
    /// The next piece of the file; none before its head is written.
    piece: Option<usize>,
    written: u64,
    /// The directory at the end, as far as it is known.
    directory: Vec<u8>,
    complete: bool,
}

impl Writer {
    async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        loop {
            let Some(file) = self.files.get(self.at) else {
                let complete = std::mem::replace(&mut self.complete, true);
                return (!complete).then(|| self.end().ok_or(Broken));
            };
            let part = match self.piece {
                None => {
                    let crc = match self.crc(file).await {
                        Ok(crc) => crc,
                        Err(broken) => return Some(Err(broken)),
                    };
                    let Some(head) = self.head(crc) else { return Some(Err(Broken)) };
                    self.piece = Some(0);
                    head
                }
                Some(number) => match file.chunks.get(number) {
                    Some(digest) => {
                        self.piece = Some(number + 1);
                        match self.engine.read_artifact(*digest).await {
                            Ok(bytes) => bytes,
                            Err(_) => return Some(Err(Broken)),
                        }
                    }
                    None => {
                        self.at += 1;
                        self.piece = None;
                        continue;
                    }
                },
            };
            self.written += part.len() as u64;
            return Some(Ok(part));
        }
    }

    async fn crc(&self, file: &File) -> Result<u32, Broken> {
        let mut hasher = Hasher::new();
        for digest in &file.chunks {
            hasher.update(&self.engine.read_artifact(*digest).await.map_err(|_| Broken)?);
        }
        Ok(hasher.finalize())
    }

    /// The head of the file that is next, which is noted for the directory.
    fn head(&mut self, crc: u32) -> Option<Bytes> {
        let file = self.files.get(self.at)?;
        let (size, name) = (u32::try_from(file.size).ok()?, file.path.as_bytes());
        let length = u16::try_from(name.len()).ok()?;
        let mut common = Vec::new();
        for number in [VERSION, FLAGS, 0, 0, DATE] {
            common.extend(number.to_le_bytes());
        }
        for number in [crc, size, size] {
            common.extend(number.to_le_bytes());
        }
        common.extend(length.to_le_bytes());
        common.extend([0; 2]);
        let mode: u32 = if file.executable { 0o100_755 } else { 0o100_644 };
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(MADE_BY.to_le_bytes());
        self.directory.extend(&common);
        self.directory.extend([0; 6]);
        self.directory.extend((mode << 16).to_le_bytes());
        self.directory.extend(u32::try_from(self.written).ok()?.to_le_bytes());
        self.directory.extend(name);
        let mut head = b"PK\x03\x04".to_vec();
        head.extend(&common);
        head.extend(name);
        Some(head.into())
    }

    fn end(&self) -> Option<Bytes> {
        let count = u16::try_from(self.files.len()).ok()?;
        let mut end = self.directory.clone();
        end.extend(b"PK\x05\x06");
        end.extend([0; 4]);
        end.extend(count.to_le_bytes());
        end.extend(count.to_le_bytes());
        end.extend(u32::try_from(self.directory.len()).ok()?.to_le_bytes());
        end.extend(u32::try_from(self.written).ok()?.to_le_bytes());
        end.extend([0; 2]);
        Some(end.into())
    }
}
