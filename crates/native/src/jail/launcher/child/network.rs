//! The network of a jail: a loopback interface, and what the node has of it.

use super::super::super::sys;
use super::super::super::wire;
use super::super::super::words::Step;
use super::super::prepare::Prepared;
use super::{At as _, Ends, Stumble};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with};
use std::io::IoSlice;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd as _, OwnedFd};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// Brings the loopback interface up, and hands listeners and sockets out.
pub(super) fn build<'a>(prepared: &'a Prepared, ends: &Ends) -> Result<(), Stumble<'a>> {
    sys::loopback_up().at(Step::Loopback)?;
    for address in &prepared.listeners {
        let listener = listener(address).at(Step::Listener)?;
        hand_out(ends, b"L", &listener).at(Step::Listener)?;
    }
    for _ in 0..prepared.sockets {
        let socket = socket().at(Step::Socket)?;
        hand_out(ends, b"S", &socket).at(Step::Socket)?;
    }
    Ok(())
}

fn hand_out(ends: &Ends, kind: &[u8], fd: &OwnedFd) -> Result<(), Errno> {
    wire::send(ends.report.as_fd(), &[IoSlice::new(kind)], &[fd.as_fd()])
}

/// A listener in the network that this process is in.
pub(in super::super) fn listener(address: &SocketAddrV4) -> Result<OwnedFd, Errno> {
    let socket = socket()?;
    // So that a port can be had again while old connections of it end.
    rustix::net::sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, address)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// An unconnected socket of the network that this process is in.
pub(in super::super) fn socket() -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)
}
