//! Component files: where their bytes are, and what they hash to.

use aws_lc_rs::digest::{Context, SHA256};
use model::Digest;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

/// Largest component file that is read. A node's own limit may be lower.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Where a component's bytes are.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// In a file.
    File(PathBuf),
    /// In this binary.
    Embedded(&'static [u8]),
    /// Made by this command.
    Made(Arc<[u8]>),
}

/// A component to upload.
#[derive(Debug)]
pub(crate) struct Component {
    /// Its digest.
    pub(crate) digest: Digest,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its bytes.
    content: Content,
}

/// Why a component file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The path names something else than a file.
    #[error("it is no file")]
    NoFile,
    /// The file is above [`FILE_BYTES_MAX`].
    #[error("it is larger than {} MiB", FILE_BYTES_MAX >> 20)]
    TooLarge,
}

impl Component {
    /// Reads a component once, to know its size and digest.
    ///
    /// # Errors
    /// [`Error`] says why it cannot be used.
    pub(crate) fn digested(content: Content) -> Result<Self, Error> {
        if let Content::File(path) = &content
            && !path.metadata()?.is_file()
        {
            return Err(Error::NoFile);
        }
        let mut reader = open(&content)?.take(FILE_BYTES_MAX + 1);
        let mut context = Context::new(&SHA256);
        let mut bytes = 0;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = reader.read(&mut buffer)?;
            let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else { break };
            context.update(part);
            bytes += part.len() as u64;
        }
        if bytes > FILE_BYTES_MAX {
            return Err(Error::TooLarge);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Ok(Self { digest: Digest(digest), bytes, content })
    }

    /// The bytes once more. If the file changed since, the node notices by the digest.
    ///
    /// # Errors
    /// The file cannot be opened any more.
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(open(&self.content)?.take(self.bytes)))
    }
}

fn open(content: &Content) -> io::Result<Box<dyn Read>> {
    Ok(match content {
        Content::File(path) => Box::new(File::open(path)?),
        Content::Embedded(bytes) => Box::new(*bytes),
        Content::Made(bytes) => Box::new(io::Cursor::new(Arc::clone(bytes))),
    })
}
