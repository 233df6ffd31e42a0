//! `casemate protect --serve`: a contract over HTTP, for programs outside of the platform.
//!
//! Who asks has a token whose digest stands in the file of callers. What was done is a line on
//! standard output before the answer leaves.
//!
//! Invariant: no value, no token and no text of a caller stands in what is written down.

mod callers;
mod desk;

use crate::interrupt::Interrupt;
use crate::voice::{Voice, closed};
use ::protect::outside::Outside;
use callers::Callers;
use desk::Desk;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use model::{Code, Problem};
use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// How long a client may take for its header fields.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an exchange may take in all.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(60);
/// Most connections at a time. More wait to be accepted.
const CONNECTIONS_MAX: usize = 64;
/// How long what is under way has to come to its end.
const GRACE: Duration = Duration::from_secs(5);

/// Serves a contract until the process is told to stop.
///
/// # Errors
/// E0331.
pub(super) fn run(
    outside: Outside,
    callers: &Path,
    address: SocketAddr,
    voice: &Voice,
) -> anyhow::Result<()> {
    let desk = Arc::new(Desk::new(outside, Callers::read(callers)?, Box::new(write_down)));
    let interrupt = Interrupt::listen()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Problem::new(Code::DataServe).detail(format!("`{address}`: {error}"))
        })?;
        voice.note(format_args!("serving the contract on http://{}", listener.local_addr()?));
        serve(&desk, listener, &interrupt).await;
        Ok(())
    })
}

/// Writes down what was done. If that cannot be, it is not done.
fn write_down(line: &str) -> bool {
    let mut out = std::io::stdout().lock();
    closed(writeln!(out, "{line}").and_then(|()| out.flush())).is_ok()
}

async fn serve(desk: &Arc<Desk>, listener: TcpListener, interrupt: &Interrupt) {
    let graceful = hyper_util::server::graceful::GracefulShutdown::new();
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut stop = std::pin::pin!(interrupt.wait());
    loop {
        let accept = async {
            let seat = Arc::clone(&seats).acquire_owned().await;
            (seat, listener.accept().await)
        };
        let (seat, accepted) = tokio::select! {
            accepted = accept => accepted,
            () = &mut stop => break,
        };
        let Ok((stream, _peer)) = accepted else {
            // Out of descriptors: waiting is better than spinning.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let desk = Arc::clone(desk);
        let service = service_fn(move |request| {
            let desk = Arc::clone(&desk);
            async move { Ok::<_, Infallible>(desk.answer(request).await) }
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        // One exchange for each connection: a proxy before it keeps its own.
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).keep_alive(false);
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // Whoever does not take the answer in time has none.
            let _ended_or_not = tokio::time::timeout(EXCHANGE_TIMEOUT, connection).await;
            drop(seat);
        });
    }
    drop(listener);
    let _in_time_or_not = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}
