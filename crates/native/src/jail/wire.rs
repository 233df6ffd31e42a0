//! Messages between the node and its launcher: short, and with the descriptors that belong to them.

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read as _, Seek as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Longest message, in bytes.
const MESSAGE_BYTES_MAX: usize = 8 << 10;
/// Most descriptors with one message.
pub(super) const DESCRIPTORS_MAX: usize = 64;
/// Largest plan, in bytes.
const PLAN_BYTES_MAX: u64 = 16 << 20;

/// The node's end and the launcher's of a new socket. The node's is not blocking.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    let kind = SocketType::SEQPACKET;
    let (own, other) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
    rustix::io::ioctl_fionbio(&own, true)?;
    Ok((own, other))
}

/// Sends a message.
pub(super) fn say(
    socket: BorrowedFd<'_>,
    message: &impl Serialize,
    with: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let bytes = postcard::to_allocvec(message).map_err(io::Error::other)?;
    Ok(send(socket, &[IoSlice::new(&bytes)], with)?)
}

/// Sends bytes as one message. It allocates nothing.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    bytes: &[IoSlice<'_>],
    with: &[BorrowedFd<'_>],
) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !with.is_empty() && !control.push(SendAncillaryMessage::ScmRights(with)) {
        return Err(Errno::TOOBIG);
    }
    loop {
        match sendmsg(socket, bytes, &mut control, SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            sent => return sent.map(|_| ()),
        }
    }
}

/// The next message and what came with it; `None` if the other side hung up.
pub(super) fn hear<T: DeserializeOwned>(
    socket: BorrowedFd<'_>,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let (bytes, fds) = receive(socket)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    Ok(Some((postcard::from_bytes(&bytes).map_err(io::Error::other)?, fds)))
}

/// The next message as bytes, which are none if the other side hung up.
pub(super) fn receive(socket: BorrowedFd<'_>) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut bytes = vec![0; MESSAGE_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut iov = [IoSliceMut::new(&mut bytes)];
    let received = recvmsg(socket, &mut iov, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let fds = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    let fds = fds.flatten().collect();
    bytes.truncate(received.bytes);
    Ok((bytes, fds))
}

/// Puts something into a file that lies nowhere: for what is too long for a message.
pub(super) fn file_of(something: &impl Serialize) -> io::Result<OwnedFd> {
    let bytes = postcard::to_allocvec(something).map_err(io::Error::other)?;
    let file = rustix::fs::memfd_create(c"plan", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = File::from(file);
    file.write_all(&bytes)?;
    Ok(file.into())
}

/// Takes it out again.
pub(super) fn in_file<T: DeserializeOwned>(file: impl AsFd) -> io::Result<T> {
    let mut file = File::from(file.as_fd().try_clone_to_owned()?);
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(PLAN_BYTES_MAX).read_to_end(&mut bytes)?;
    postcard::from_bytes(&bytes).map_err(io::Error::other)
}
