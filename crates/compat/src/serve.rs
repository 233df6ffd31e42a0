//! The listener, and the way of each request through it.

use crate::body::{Answer, Room};
use crate::fault::Fault;
use crate::route::Operation;
use crate::{functions, invoke, signed, stream};
use engine::Engine;
use http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// How long a client may take for its headers.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Most connections at a time. More wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;

/// AWS Lambda's API, ready to serve.
pub struct Compat(Shared);

/// What every operation has.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    room: Arc<Room>,
    /// Where addresses of functions are: scheme, domain and port.
    pub(crate) urls: Arc<str>,
}

impl Compat {
    /// The API of this engine. `urls` is where addresses of functions are: scheme, domain and port,
    /// such as `https://fn.example.com`.
    #[must_use]
    pub fn new(engine: Arc<Engine>, urls: &str) -> Self {
        Self(Shared { engine, room: Arc::default(), urls: urls.into() })
    }

    /// Serves until `stop` is ready, then finishes what is under way for up to `grace`.
    pub async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>, grace: Duration) {
        let graceful = hyper_util::server::graceful::GracefulShutdown::new();
        let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut stop = std::pin::pin!(stop);
        loop {
            let accept = async {
                let seat = Arc::clone(&seats).acquire_owned().await;
                (seat, listener.accept().await)
            };
            let (seat, accepted) = tokio::select! {
                accepted = accept => accepted,
                () = &mut stop => break,
            };
            let Ok((stream, peer)) = accepted else {
                // Out of descriptors: waiting is better than spinning.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let _no_delay = stream.set_nodelay(true);
            let shared = self.0.clone();
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(shared.answer(request, peer.ip()).await) }
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
            let connection =
                graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection of a client of AWS's ended badly");
                }
                drop(seat);
            });
        }
        drop(listener);
        let _in_time_or_not = tokio::time::timeout(grace, graceful.shutdown()).await;
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Answer {
        let id = request_id();
        let mut answer = match self.done(request, peer, &id).await {
            Ok(answer) => answer,
            Err(fault) => fault.answer(&id),
        };
        let headers = answer.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        answer
    }

    async fn done(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
        id: &str,
    ) -> Result<Answer, Fault> {
        let (head, body) = request.into_parts();
        let signed = signed::admit(&self.engine, &self.room, &head, body, peer).await?;
        match signed.asked.operation {
            Operation::Invoke => Box::pin(invoke::invoke(self, &head, signed, id)).await,
            Operation::InvokeAsync => Box::pin(invoke::invoke_async(self, &head, signed)).await,
            Operation::InvokeWithResponseStream => {
                Box::pin(stream::invoke(self, &head, signed, id)).await
            }
            _ => Box::pin(functions::manage(self, &head, signed, id)).await,
        }
    }
}

/// A name for an answer that is no invocation's, of the form that AWS's have.
fn request_id() -> String {
    let hex = format!("{:032x}", fastrand::u128(..));
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
