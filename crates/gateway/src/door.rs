//! What the gateway asks of the floor below: to answer one request.

use bytes::Bytes;
use engine::{Cut, Engine, ReplyBody};
use http::Response;
use http_body::Body;
use std::sync::Arc;

pub use engine::{Inbound, Refusal};

/// Any error, as hyper takes it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

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

    /// The time of a drain is over: what is under way is dropped after this.
    fn out_of_time(&self) {}
}

impl Invoke for Engine {
    type Body = ReplyBody;

    async fn invoke(self: &Arc<Self>, inbound: Inbound) -> Result<Response<ReplyBody>, Refusal> {
        Self::invoke(self, inbound).await
    }

    fn out_of_time(&self) {
        self.cut(Cut::Grace);
    }
}
