//! A connection of the way out, in the form that protocols and TLS read and write.

use bytes::{Buf as _, Bytes};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use model::{Destination, FunctionRef};
use ports::Outbound;
use ports::host::{Body, HostError};
use ports::outbound::{ConnectLimits, Connecting};
use ports::source::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest silence. Whoever waits for messages asks more often than that.
const IDLE: Duration = Duration::from_secs(120);

/// What is read from and written to.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection. Dropped, it is closed.
pub(crate) struct Line {
    received: Body,
    /// What was received and not read.
    rest: Bytes,
    /// None after the end.
    sender: Option<mpsc::UnboundedSender<Bytes>>,
}

impl Line {
    /// Connects through the way out, which looks at the address.
    pub(crate) async fn open(
        outbound: &Arc<dyn Outbound>,
        function: Arc<FunctionRef>,
        destination: &Destination,
    ) -> Result<Self, Error> {
        let (sender, pieces) = mpsc::unbounded_channel();
        let limits = ConnectLimits { connect: CONNECT, idle: IDLE, received_bytes: u64::MAX };
        let sent = Sent(pieces).boxed_unsync();
        let destination = destination.clone();
        let connecting = Connecting { function, destination, sent, limits };
        let connection = outbound.connect(connecting).await;
        let connection = connection.map_err(|error| Error::Down(error.detail))?;
        Ok(Self { received: connection.received, rest: Bytes::new(), sender: Some(sender) })
    }
}

/// What is sent: as much as was written. Whoever writes waits for an answer before writing more, so
/// there is never much.
struct Sent(mpsc::UnboundedReceiver<Bytes>);

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.received).poll_frame(cx)) {
                None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error.to_string()))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.rest = data;
                    }
                }
            }
        }
        let length = self.rest.len().min(buffer.remaining());
        buffer.put_slice(self.rest.get(..length).unwrap_or_default());
        self.rest.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = self.sender.as_ref().map(|it| it.send(Bytes::copy_from_slice(bytes)));
        Poll::Ready(match sent {
            Some(Ok(())) => Ok(bytes.len()),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sender = None;
        Poll::Ready(Ok(()))
    }
}
