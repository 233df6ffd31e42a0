//! `wasi:blobstore@0.2.0-draft`: what guests ask of containers, in the host's words, and its answers
//! in theirs.
//!
//! Nothing is decided here.
//!
//! Invariant: of a value only a few pieces of 64 KiB are held, and only so many values are under
//! way in one invocation.

mod containers;
mod incoming;
mod outgoing;

use crate::state::State;
use generated::wasi::blobstore::{blobstore, container, types};
use ports::blobs::{Ask, Reply};
use ports::host::{self, Answer, Host, HostCall, HostError, HostReply};
use std::sync::Arc;
use wasmtime::component::{HasData, Linker, ResourceTable, ResourceTableError};

mod generated {
    wasmtime::component::bindgen!({
        path: ["wit/io.wit", "wit/blobstore-draft.wit"],
        world: "wasi:blobstore/imports@0.2.0-draft",
        imports: { default: async | trappable },
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:blobstore/types.outgoing-value": crate::blobstore::outgoing::Outgoing,
            "wasi:blobstore/types.incoming-value": crate::blobstore::incoming::Incoming,
            "wasi:blobstore/container.container": crate::blobstore::Container,
            "wasi:blobstore/container.stream-object-names": crate::blobstore::Names,
        },
    });
}

/// Values of one invocation that may be read, or written, at once.
const VALUES_MAX: usize = 64;

/// A container that a guest opened.
#[expect(unreachable_pub, reason = "what Wasmtime generates gives it another name")]
pub struct Container {
    name: Arc<str>,
}

/// A listing that is under way.
#[expect(unreachable_pub, reason = "what Wasmtime generates gives it another name")]
pub struct Names {
    container: Arc<str>,
    after: Option<String>,
    over: bool,
}

/// What of an invocation `wasi:blobstore` needs.
pub(crate) struct View<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) values: &'a Values,
    pub(crate) host: &'a Arc<dyn Host>,
}

/// Counts the values that are under way: each holds a clone.
#[derive(Clone, Default)]
pub(crate) struct Values(Arc<()>);

impl Values {
    /// A place for one more value.
    fn one_more(&self) -> Option<Self> {
        // One is the invocation's own.
        (Arc::strong_count(&self.0) <= VALUES_MAX).then(|| self.clone())
    }
}

/// What a guest is told if it does not get what it asked for.
type Refused = String;

/// How Wasmtime finds a [`View`].
struct Has;

impl HasData for Has {
    type Data<'a> = View<'a>;
}

/// Lets guests import it.
///
/// # Errors
/// Wasmtime's, if a name is defined twice.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<State, Has>(linker, State::blobstore)?;
    container::add_to_linker::<State, Has>(linker, State::blobstore)?;
    blobstore::add_to_linker::<State, Has>(linker, State::blobstore)
}

/// An ask without a body.
fn ask(container: &str, ask: Ask) -> host::Ask {
    host::Ask::plain(HostCall::Blob { container: container.to_owned(), ask })
}

impl View<'_> {
    async fn ask(&mut self, container: &str, what: Ask) -> Result<Reply, Refused> {
        let answer = Arc::clone(self.host).call(ask(container, what)).await.map_err(refused)?;
        reply(answer).map(|(reply, _)| reply)
    }

    async fn done(&mut self, container: &str, what: Ask) -> Result<(), Refused> {
        match self.ask(container, what).await? {
            Reply::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }
}

/// What came, and the bytes beside it.
fn reply(answer: Answer) -> Result<(Reply, Option<host::Body>), Refused> {
    match answer.reply.value {
        HostReply::Blob(reply) => Ok((reply, answer.body)),
        _ => Err(unexpected()),
    }
}

/// The draft has errors in words only.
fn refused(error: HostError) -> Refused {
    match error {
        HostError::Denied => "access denied".to_owned(),
        other => other.to_string(),
    }
}

/// The host answered something else than was asked.
fn unexpected() -> Refused {
    HostError::Failed.to_string()
}

fn none_of_name() -> Refused {
    "there is no such object".to_owned()
}

fn too_many() -> Refused {
    format!("{VALUES_MAX} values are under way: finish or drop one first")
}

/// What the host's table refuses ends the invocation, as everywhere.
fn ends(error: ResourceTableError) -> wasmtime::Error {
    error.into()
}

/// Seconds since 1970; what is before has no form in the draft.
fn seconds(time: model::Timestamp) -> u64 {
    u64::try_from(time.0 / 1_000_000).unwrap_or_default()
}
