//! Values that a guest writes.
//!
//! The guest writes into a short line of pieces, and the host takes them from there once the value
//! was given to a container. The value ends well only if the guest finishes it.
//!
//! Invariant: a value holds at most [`PIECES`] pieces of [`PIECE_BYTES`].

use super::generated::wasi::blobstore::types;
use super::{Refused, Values, View, ask, ends, refused, reply, too_many, unexpected};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use ports::blobs::{Ask, Reply};
use ports::host::{self, Answer, Host, HostError};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, poll_noop, spawn};

/// Largest piece, in bytes.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces that a guest may be ahead of the disk, or of giving the value to a container.
const PIECES: usize = 4;

/// A value that a guest writes.
#[expect(unreachable_pub, reason = "what Wasmtime generates gives it another name")]
pub struct Outgoing {
    /// Until the guest has its stream.
    pieces: Option<mpsc::Sender<Bytes>>,
    finish: oneshot::Sender<()>,
    /// Until it was given to a container.
    body: Option<Written>,
    /// Whether it was.
    taken: Arc<AtomicBool>,
    ask: Option<Asking>,
    _place: Values,
}

/// The host's ask.
enum Asking {
    Running(AbortOnDropJoinHandle<Result<Answer, HostError>>),
    Over(Result<Answer, HostError>),
}

impl Outgoing {
    fn new(place: Values) -> Self {
        let (pieces, body) = mpsc::channel(PIECES);
        let (finish, finished) = oneshot::channel();
        Self {
            pieces: Some(pieces),
            finish,
            body: Some(Written { pieces: body, finished: Some(finished) }),
            taken: Arc::default(),
            ask: None,
            _place: place,
        }
    }

    /// Gives it to a container. What can be said at once is said at once.
    pub(super) fn begin(
        &mut self,
        host: Arc<dyn Host>,
        container: &str,
        name: String,
    ) -> Result<(), Refused> {
        let again = || "the value was given to a container before".to_owned();
        let body = self.body.take().ok_or_else(again)?;
        self.taken.store(true, Relaxed);
        let what = ask(container, Ask::Put { name });
        let what = host::Ask { body: Some(body.boxed_unsync()), ..what };
        let mut call = host.call(what);
        self.ask = Some(match poll_noop(Pin::new(&mut call)) {
            Some(Err(error)) => return Err(refused(error)),
            Some(over) => Asking::Over(over),
            None => Asking::Running(spawn(call)),
        });
        Ok(())
    }
}

impl types::Host for View<'_> {}

impl types::HostOutgoingValue for View<'_> {
    async fn new_outgoing_value(&mut self) -> wasmtime::Result<Resource<Outgoing>> {
        // The draft has no error here.
        let place = self.values.one_more();
        let place = place.ok_or_else(|| wasmtime::format_err!("{}", too_many()))?;
        self.table.push(Outgoing::new(place)).map_err(ends)
    }

    async fn outgoing_value_write_body(
        &mut self,
        this: Resource<Outgoing>,
    ) -> wasmtime::Result<Result<Resource<DynOutputStream>, ()>> {
        let value = self.table.get_mut(&this).map_err(ends)?;
        let Some(pieces) = value.pieces.take() else { return Ok(Err(())) };
        let taken = Arc::clone(&value.taken);
        let stream: DynOutputStream = Box::new(Writing { pieces, permit: None, taken });
        Ok(Ok(self.table.push_child(stream, &this).map_err(ends)?))
    }

    async fn finish(&mut self, this: Resource<Outgoing>) -> wasmtime::Result<Result<(), Refused>> {
        let Outgoing { pieces, finish, ask, .. } = self.table.delete(this).map_err(ends)?;
        drop(pieces);
        // Who reads may have given up; then the answer says why.
        let _ = finish.send(());
        let answer = match ask {
            Some(Asking::Running(running)) => running.await,
            Some(Asking::Over(over)) => over,
            None => return Ok(Err("the value was given to no container".to_owned())),
        };
        Ok(answer.map_err(refused).and_then(reply).and_then(|(said, _)| match said {
            Reply::Done => Ok(()),
            _ => Err(unexpected()),
        }))
    }

    async fn drop(&mut self, this: Resource<Outgoing>) -> wasmtime::Result<()> {
        self.table.delete(this).map_err(ends)?;
        Ok(())
    }
}

/// What was written, as the host reads it. It breaks off if the guest did not finish it.
struct Written {
    pieces: mpsc::Receiver<Bytes>,
    finished: Option<oneshot::Receiver<()>>,
}

impl HttpBody for Written {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        if let Some(piece) = ready!(self.pieces.poll_recv(cx)) {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let Some(finished) = &mut self.finished else { return Poll::Ready(None) };
        let well = ready!(Pin::new(finished).poll(cx)).is_ok();
        self.finished = None;
        let broke = || Err(HostError::Invalid("the value was not finished".to_owned()));
        Poll::Ready((!well).then(broke))
    }
}

/// The stream that a guest writes to.
struct Writing {
    pieces: mpsc::Sender<Bytes>,
    /// Room for one piece.
    permit: Option<mpsc::OwnedPermit<Bytes>>,
    taken: Arc<AtomicBool>,
}

impl OutputStream for Writing {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self.permit.take() {
            Some(permit) if bytes.len() <= PIECE_BYTES => {
                drop(permit.send(bytes));
                Ok(())
            }
            _ => Err(StreamError::trap("more was written than there was room for")),
        }
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        // That it is on disk is what `finish` says.
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        if self.permit.is_none() {
            match self.pieces.clone().try_reserve_owned() {
                Ok(permit) => self.permit = Some(permit),
                Err(mpsc::error::TrySendError::Closed(_)) => return Err(StreamError::Closed),
                // Nobody will ever take what waits.
                Err(mpsc::error::TrySendError::Full(_)) if !self.taken.load(Relaxed) => {
                    let text = "the value is given to no container yet: call `write-data` first";
                    return Err(StreamError::LastOperationFailed(wasmtime::format_err!("{text}")));
                }
                Err(mpsc::error::TrySendError::Full(_)) => return Ok(0),
            }
        }
        Ok(PIECE_BYTES)
    }
}

impl Pollable for Writing {
    fn ready<'a, 'async_trait>(
        &'a mut self,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'async_trait>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            // Without a taker there is nothing to wait for: `check_write` says so.
            if self.permit.is_none() && self.taken.load(Relaxed) {
                self.permit = self.pieces.clone().reserve_owned().await.ok();
            }
        })
    }
}
