//! All doors of one jail, opened on the listeners that its launcher hands over.

use super::accept::Door;
use super::authority::Authority;
use super::layout::{HOST, Layout};
use super::proxy::Passing;
use super::trust::PROXY;
use super::{forward, host, proxy};
use crate::seat::Seat;
use std::io;
use std::net::{SocketAddrV4, TcpListener};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Where every jail is listened on: its proxy, and its host's interface.
pub(crate) const LISTENERS: [SocketAddrV4; 2] = [PROXY, SocketAddrV4::new(HOST, 80)];

/// Opens the doors that every jail has, on listeners in the order of [`LISTENERS`].
///
/// # Errors
/// There are more or fewer, or the runtime does not take one.
pub(crate) fn open(
    runtime: &Handle,
    listeners: Vec<TcpListener>,
    seat: &Arc<Seat>,
    authority: Arc<Authority>,
    passing: Passing,
) -> io::Result<Vec<Door>> {
    let listeners = <[TcpListener; 2]>::try_from(listeners);
    let [first, second] = listeners.map_err(|_| miscounted())?;
    let first = proxy(runtime, first, Arc::clone(seat), authority, passing)?;
    Ok(vec![first, host(runtime, second, Arc::clone(seat))?])
}

/// Opens those of its granted destinations, on listeners in the order of [`Layout::listeners`].
///
/// # Errors
/// There are more or fewer, or the runtime does not take one.
pub(crate) fn open_granted(
    runtime: &Handle,
    listeners: Vec<TcpListener>,
    layout: &Layout,
    seat: &Arc<Seat>,
) -> io::Result<Vec<Door>> {
    if listeners.len() != layout.listeners.len() {
        return Err(miscounted());
    }
    let pairs = listeners.into_iter().zip(&layout.listeners);
    let door = |(listener, (_, host, port)): (TcpListener, &(SocketAddrV4, String, u16))| {
        forward(runtime, listener, (host.clone(), *port), Arc::clone(seat))
    };
    pairs.map(door).collect()
}

fn miscounted() -> io::Error {
    io::Error::other("a jail's listeners are not those that were asked for")
}
