//! A connection of a process, as the host carries it: what the process sends is the body of an ask, and
//! what comes back the body of its answer.

use crate::seat::{InHand, Seat};
use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use model::{Labelled, Labels};
use ports::host::{Ask, Body, ConnectCall, ConnectionId, HostCall, HostError, HostReply};
use ports::outbound::Failure;
use std::future::Future as _;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;

/// Most bytes of one piece.
const PIECE_BYTES: usize = 16 << 10;

/// A connection that the host opened, which nothing went over yet.
pub(super) struct Pipe {
    id: ConnectionId,
    /// The invocation that it is put down to.
    number: u64,
    received: Body,
    start: oneshot::Sender<Source>,
    sent: oneshot::Receiver<()>,
}

impl Pipe {
    /// Asks for a connection. Nothing is taken from the process before it is there.
    ///
    /// # Errors
    /// The host's, or [`HostError::Denied`] with no invocation in hand.
    pub(super) async fn open(seat: &Seat, call: ConnectCall) -> Result<Self, HostError> {
        let InHand { host, number, risen } = seat.in_hand().ok_or(HostError::Denied)?;
        let (start, source) = oneshot::channel();
        let (over, sent) = oneshot::channel();
        let body = Sent { from: From::Later(source), _over: over }.boxed_unsync();
        let call = Labelled { value: HostCall::Connect(call), labels: Labels::NONE };
        let answer = tokio::select! {
            answer = host.call(Ask { call, body: Some(body) }) => answer?,
            _ = risen => return Err(HostError::Denied),
        };
        let (HostReply::Connected(id), Some(received)) = (answer.reply.value, answer.body) else {
            return Err(HostError::Failed);
        };
        Ok(Self { id, number, received, start, sent })
    }

    /// Carries bytes both ways until both sides have ended, or one is gone. `begun` was read from the
    /// process already.
    pub(super) async fn carry(self, seat: &Seat, begun: Bytes, stream: TcpStream) {
        let (read, mut write) = stream.into_split();
        // Nobody takes it if the connection is gone already, which is seen below.
        let _ = self.start.send(Source { begun, read, buffer: BytesMut::new() });
        let whole = tokio::select! {
            whole = receive(self.received, &mut write, self.sent) => whole,
            () = keep(seat, self.id, self.number) => false,
        };
        if !whole {
            reset(write);
        }
    }
}

/// Takes what comes back, to the end of both directions. Says whether it was the end.
async fn receive(
    mut received: Body,
    write: &mut OwnedWriteHalf,
    sent: oneshot::Receiver<()>,
) -> bool {
    while let Some(frame) = received.frame().await {
        let Ok(frame) = frame else { return false };
        let Ok(bytes) = frame.into_data() else { continue };
        if write.write_all(&bytes).await.is_err() {
            return false;
        }
    }
    if write.shutdown().await.is_err() {
        return false;
    }
    // Dropping what came back would close the connection: the process may have more to say.
    let _ = sent.await;
    true
}

/// Has a connection go on with the invocation that is in hand, whenever the one that it was put down
/// to has ended. Returns when it may not.
async fn keep(seat: &Seat, id: ConnectionId, mut number: u64) {
    let mut moves = seat.moves();
    loop {
        if !seat.has(number)
            && let Some(next) = seat.in_hand()
        {
            let kept = next.host.call(Ask::plain(HostCall::Keep(id))).await;
            match kept {
                Ok(_) => number = next.number,
                // An invocation that ended meanwhile says nothing about the next.
                Err(_) if !seat.has(next.number) => continue,
                Err(_) => return,
            }
        }
        if moves.changed().await.is_err() {
            return;
        }
    }
}

/// Tells the process that the connection broke: an end without an error would be taken for all that
/// there is.
pub(super) fn reset(write: OwnedWriteHalf) {
    let _ = write.as_ref().set_zero_linger();
    write.forget();
}

/// What a process sends.
struct Source {
    begun: Bytes,
    read: OwnedReadHalf,
    buffer: BytesMut,
}

impl Source {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<Bytes>> {
        if !self.begun.is_empty() {
            return Poll::Ready(Ok(std::mem::take(&mut self.begun)));
        }
        self.buffer.reserve(PIECE_BYTES);
        ready!(pin!(self.read.read_buf(&mut self.buffer)).poll(cx))?;
        Poll::Ready(Ok(self.buffer.split().freeze()))
    }
}

/// Where it comes from.
enum From {
    /// There is no connection yet.
    Later(oneshot::Receiver<Source>),
    Now(Source),
    Over,
}

/// What a process sends, as a body.
struct Sent {
    from: From,
    /// Dropped with this: whoever waits for that knows that nothing more is sent.
    _over: oneshot::Sender<()>,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        const CUT: HostError = HostError::Upstream(Failure::RequestBody);
        loop {
            let piece = match &mut self.from {
                From::Over => return Poll::Ready(None),
                From::Later(source) => match ready!(Pin::new(source).poll(cx)) {
                    Ok(source) => {
                        self.from = From::Now(source);
                        continue;
                    }
                    Err(_) => Err(CUT),
                },
                From::Now(source) => ready!(source.poll_piece(cx)).map_err(|_| CUT),
            };
            match piece {
                Ok(bytes) if !bytes.is_empty() => {
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                end => {
                    self.from = From::Over;
                    return Poll::Ready(end.err().map(Err));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.from, From::Over)
    }
}
