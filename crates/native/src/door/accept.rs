//! Accepting connections: a bounded number, which end with their door.

use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinSet};

/// How long nothing is accepted after an error, of which too few descriptors is the usual one.
const PAUSE: Duration = Duration::from_millis(100);

/// An open door. Dropping it closes the door and all connections through it.
pub(crate) struct Door(AbortHandle);

impl Drop for Door {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Has every connection of `listener` served on `runtime`. Beyond `most` at a time a connection is
/// closed at once, so that whoever opens them without end is told so and waits for nothing.
pub(super) fn open<F, W>(
    runtime: &Handle,
    listener: std::net::TcpListener,
    most: usize,
    serve: F,
) -> io::Result<Door>
where
    F: Fn(TcpStream) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    listener.set_nonblocking(true)?;
    let _entered = runtime.enter();
    let listener = TcpListener::from_std(listener)?;
    Ok(Door(runtime.spawn(accept(listener, most, serve)).abort_handle()))
}

async fn accept<F, W>(listener: TcpListener, most: usize, serve: F)
where
    F: Fn(TcpStream) -> W,
    W: Future<Output = ()> + Send + 'static,
{
    let mut served = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if served.len() < most => {
                    // Small answers are all that most processes wait for.
                    let _ = stream.set_nodelay(true);
                    served.spawn(serve(stream));
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "a jail's connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(_) = served.join_next() => {}
        }
    }
}
