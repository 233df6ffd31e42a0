//! The control socket: short messages, and the descriptors that go with them.
//!
//! It keeps the borders between messages (`SOCK_SEQPACKET`), so a descriptor always belongs to
//! exactly one of them.

use ports::executor::{Fault, Program};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// Longest message, in bytes.
const MESSAGE_BYTES_MAX: usize = 8 << 10;

/// What the node says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Down {
    /// With a socket: a lane.
    Lane,
    /// With a file, if it went well: the code that was asked for.
    Code {
        /// Whose.
        program: Program,
        /// Whether it is there.
        found: Result<(), Fault>,
    },
}

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Up {
    /// It is confined and ready.
    Ready,
    /// It needs the code of a program.
    Want(Program),
}

/// One end of the control socket. Only its kind differs from a stream's.
pub(crate) struct Control(UnixStream);

/// The two ends of a new control socket.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

impl Control {
    /// An end that is not blocking.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        UnixStream::from_std(socket.into()).map(Self)
    }

    /// Sends a message, and a descriptor with it.
    pub(crate) async fn send(
        &self,
        message: &impl Serialize,
        with: Option<BorrowedFd<'_>>,
    ) -> io::Result<()> {
        let bytes = postcard::to_allocvec(message).map_err(io::Error::other)?;
        self.0.async_io(Interest::WRITABLE, || send(self.0.as_fd(), &bytes, with)).await
    }

    /// The next message, and the descriptor that came with it. `None` if the other side hung up.
    pub(crate) async fn receive<T: DeserializeOwned>(
        &self,
    ) -> io::Result<Option<(T, Option<OwnedFd>)>> {
        let received = self.0.async_io(Interest::READABLE, || receive(self.0.as_fd()));
        let (bytes, fd) = received.await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let message = postcard::from_bytes(&bytes).map_err(io::Error::other)?;
        Ok(Some((message, fd)))
    }
}

fn send(socket: BorrowedFd<'_>, bytes: &[u8], with: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = with.map(|fd| [fd]);
    if let Some(fds) = &fds
        && !control.push(SendAncillaryMessage::ScmRights(fds))
    {
        return Err(io::Error::other("no room for a descriptor"));
    }
    sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn receive(socket: BorrowedFd<'_>) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut bytes = vec![0; MESSAGE_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut iov = [IoSliceMut::new(&mut bytes)];
    let received = recvmsg(socket, &mut iov, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    // All of them are taken out, so that none stays open unseen.
    let fds = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let fd = fds.flatten().next();
    bytes.truncate(received.bytes);
    Ok((bytes, fd))
}
