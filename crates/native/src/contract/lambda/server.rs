//! Serves the Runtime API on a jail's listener: HTTP/1.1, connections kept.
//!
//! Invariant: what the process sends costs the node a fixed number of connections, each with a fixed
//! buffer. Dropping the server closes all of them.

use super::api;
use super::state::State;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

/// Connections beside one for each invocation at a time: extensions, and lines that were left.
const CONNECTIONS_SPARE: usize = 32;
/// Most bytes of a request's head. Runtimes send causes for X-Ray of up to 1 MiB in a field.
const HEAD_BYTES_MAX: usize = (1 << 20) + (64 << 10);
/// How long accepting rests after it failed.
const REST: Duration = Duration::from_millis(50);

/// A server that runs. Dropping it ends it.
pub(super) struct Server {
    task: JoinHandle<()>,
}

impl Server {
    pub(super) fn start(listener: TcpListener, state: Arc<State>, handle: &Handle) -> Self {
        Self { task: handle.spawn(accept(listener, state)) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let parallel = state.facts.parallel.min(Semaphore::MAX_PERMITS / 2);
    let room = Arc::new(Semaphore::new(parallel + CONNECTIONS_SPARE));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let state = Arc::clone(&state);
                connections.spawn(async move {
                    serve(stream, state).await;
                    drop(permit);
                });
            }
            Err(_) => tokio::time::sleep(REST).await,
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    // It is the difference of some milliseconds for each answer, and of none if it fails.
    let _no_delay = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(api::answer(&state, request).await) }
    });
    let mut http = http1::Builder::new();
    http.max_buf_size(HEAD_BYTES_MAX).auto_date_header(false);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    // Whatever the process does to its line, the invocation hears of it elsewhere.
    let _ended = connection.await;
}
