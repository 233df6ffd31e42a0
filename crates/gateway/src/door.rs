//! What the gateway asks of the floor below: to answer one request.

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body;
use model::{InvocationId, Problem};
use ports::executor::RequestBody;
use std::net::IpAddr;
use std::sync::Arc;

/// Any error, as hyper takes it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request, limited and cleaned of forged platform context, otherwise unchecked.
pub struct Inbound {
    /// Method, path and query (never an authority), headers as sent, body.
    pub request: Request<RequestBody>,
    /// Where it came from.
    pub peer: IpAddr,
}

/// No answer of the function's own.
#[derive(Debug)]
pub struct Refusal {
    /// Why. Its `internal` part is not for the caller.
    pub problem: Problem,
    /// The invocation, if it came that far.
    pub invocation: Option<InvocationId>,
    /// When to try again, in seconds.
    pub retry_after_s: Option<u32>,
    /// Methods that the path does answer.
    pub allow: Vec<Method>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, invocation: None, retry_after_s: None, allow: Vec::new() }
    }
}

/// Answers requests.
pub trait Invoke: Send + Sync + 'static {
    /// The answer's body. Polling it may run the guest; dropping it stops the guest.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static;

    /// Answers one request. Runs in the connection's task, on a worker's single-threaded runtime;
    /// dropped when the client goes away.
    fn invoke(
        self: &Arc<Self>,
        inbound: Inbound,
    ) -> impl Future<Output = Result<Response<Self::Body>, Refusal>> + Send;
}
