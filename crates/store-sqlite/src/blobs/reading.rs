//! Reads an object, a chunk at a time, as fast as somebody takes it.
//!
//! Invariant: no byte is given out that was not sealed for this object and this place.

use super::chunks::{CHUNK_BYTES, Chunks, count};
use super::rows::{Held, ObjectRow};
use super::shared::{Shared, blocking, directory, of_io, what};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use ports::blobs::{ContainerRef, Error, Object, Range};
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

/// Opens an object and gives its bytes out.
pub(super) async fn open(
    shared: &Arc<Shared>,
    at: &ContainerRef,
    name: &str,
    range: Range,
) -> Result<Option<Object>, Error> {
    let mut missed: Option<u64> = None;
    loop {
        let Some(held) = shared.object(at, name).await? else { return Ok(None) };
        let path = path_of(shared, at, &held.row);
        let opened = blocking(move || match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(of_io(&path, error)),
        });
        match opened.await? {
            Some(file) => return source(shared, at, name, (held, file), range).map(Some),
            // Somebody may have put another one in its place, or renamed it, just now.
            None if missed != Some(held.version) => missed = Some(held.version),
            None => return Err(damaged(at, name, "its file is missing")),
        }
    }
}

fn path_of(shared: &Shared, at: &ContainerRef, row: &ObjectRow) -> PathBuf {
    let hex = row.file.hex();
    let dir = directory(shared.dir(), at).join("objects");
    dir.join(hex.get(..2).unwrap_or_default()).join(hex)
}

fn source(
    shared: &Shared,
    at: &ContainerRef,
    name: &str,
    (held, file): (Held, File),
    range: Range,
) -> Result<Object, Error> {
    let (info, Held { row, labels, .. }) = (held.info(), held);
    let chunks = Chunks::derive(&*shared.ring, row.epoch, at, row.file)?;
    let (from, until) = range.within(row.bytes);
    let source = Source { file, chunks, bytes: row.bytes, at: at.clone(), name: name.into() };
    let reading = Reading { source: Arc::new(source), next: from, until, running: None };
    Ok(Object { info, range: (from, until), labels, body: reading.boxed_unsync() })
}

fn damaged(at: &ContainerRef, name: &str, why: &str) -> Error {
    let hex = crate::store::sha256(name.as_bytes()).hex();
    let digest = hex.get(..16).unwrap_or_default();
    Error::Damaged(format!("{}: the object sha256:{digest}…: {why}", what(at)))
}

struct Source {
    file: File,
    chunks: Chunks,
    /// Length of the object.
    bytes: u64,
    at: ContainerRef,
    name: Box<str>,
}

impl Source {
    /// The bytes from `from` to the end of their chunk, or to `until`. Blocks.
    fn read(&self, from: u64, until: u64) -> Result<Bytes, Error> {
        let chunk = CHUNK_BYTES as u64;
        let number = from / chunk;
        let begins = number * chunk;
        let ends = (begins + chunk).min(self.bytes);
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(CHUNK_BYTES);
        let mut sealed = vec![0; self.chunks.sealed_bytes(size(ends - begins))];
        let wrong = |why: &str| damaged(&self.at, &self.name, why);
        match self.file.read_exact_at(&mut sealed, self.chunks.offset(number)) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(wrong("its file is too short"));
            }
            read => read.map_err(|error| of_io(&directory_of(&self.at), error))?,
        }
        let last = number + 1 == count(self.bytes);
        let plain = self.chunks.unseal(number, last, &sealed);
        let plain = Bytes::from(plain.ok_or_else(|| wrong("its bytes were changed"))?);
        let (first, end) = (size(from - begins), size(until.min(ends) - begins));
        if end > plain.len() {
            return Err(wrong("its bytes are too few"));
        }
        Ok(plain.slice(first..end))
    }
}

/// For errors.
fn directory_of(at: &ContainerRef) -> PathBuf {
    PathBuf::from(what(at))
}

/// The body of an object.
struct Reading {
    source: Arc<Source>,
    next: u64,
    until: u64,
    running: Option<JoinHandle<Result<Bytes, Error>>>,
}

impl HttpBody for Reading {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        if this.next >= this.until {
            return Poll::Ready(None);
        }
        let running = this.running.get_or_insert_with(|| {
            let (source, from, until) = (Arc::clone(&this.source), this.next, this.until);
            tokio::task::spawn_blocking(move || source.read(from, until))
        });
        let read = ready!(Pin::new(running).poll(cx));
        this.running = None;
        let read = read.unwrap_or_else(|_| Err(Error::Failed("a read ended early".to_owned())));
        match &read {
            Ok(bytes) => this.next += bytes.len() as u64,
            Err(_) => this.next = this.until,
        }
        Poll::Ready(Some(read.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.next >= self.until
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.until - self.next)
    }
}
