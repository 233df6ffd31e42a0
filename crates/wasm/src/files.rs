//! `wasi:filesystem`: the files that a function carries, and nothing else.
//!
//! No directory of the machine is ever opened for a guest. What it sees is a list of names and
//! sizes; bytes are asked of the host, piece by piece. Nothing can be written, made or removed.
//!
//! Invariant: a path never leaves the descriptor that it is looked up from, and never becomes a
//! path of the disk.

mod stream;
mod tree;
mod view;

use crate::state::State;
use bytes::Bytes;
use model::listing::{CHUNK_BYTES, Listing};
use ports::host::{Ask, Host, HostCall, HostReply};
use std::sync::Arc;
use wasmtime::component::{HasData, Linker, ResourceTable};

pub(crate) use view::link;

/// What of an invocation `wasi:filesystem` needs.
pub(crate) struct View<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) files: Option<&'a Arc<Listing>>,
    pub(crate) host: &'a Arc<dyn Host>,
}

/// How Wasmtime finds a [`View`].
struct Has;

impl HasData for Has {
    type Data<'a> = View<'a>;
}

/// An open file or directory.
#[expect(unreachable_pub, reason = "what Wasmtime generates gives it another name")]
#[derive(Clone)]
pub struct Descriptor {
    /// From the root, without a slash at either end; empty for the root itself.
    path: Arc<str>,
    /// The size of a file; none for a directory.
    size: Option<u64>,
    /// The piece that was read last.
    last: Option<(u32, Bytes)>,
}

/// What is left of a directory that is read.
#[expect(unreachable_pub, reason = "what Wasmtime generates gives it another name")]
pub struct Entries {
    rest: std::vec::IntoIter<tree::Entry>,
}

/// The host has no bytes for a file that its list names: the function's log says why.
#[derive(Debug)]
struct Unreadable;

/// One piece of a file.
async fn piece(host: Arc<dyn Host>, path: Arc<str>, piece: u32) -> Result<Bytes, Unreadable> {
    let call = HostCall::File { path: path.to_string(), piece };
    let answer = host.call(Ask::plain(call)).await.map_err(|_| Unreadable)?;
    match answer.reply.value {
        HostReply::File(bytes) => Ok(bytes),
        _ => Err(Unreadable),
    }
}

/// The piece that holds an offset, and where in it.
fn place(offset: u64) -> Option<(u32, usize)> {
    let at = u32::try_from(offset / CHUNK_BYTES).ok()?;
    Some((at, usize::try_from(offset % CHUNK_BYTES).ok()?))
}

/// Up to `length` bytes of a piece, from `from` on.
fn part(bytes: &Bytes, from: usize, length: usize) -> Bytes {
    let from = from.min(bytes.len());
    bytes.slice(from..bytes.len().min(from.saturating_add(length)))
}

/// Lets guests import it.
///
/// # Errors
/// Wasmtime's.
pub(crate) fn link_over(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let linked = link(linker);
    linker.allow_shadowing(false);
    linked
}
