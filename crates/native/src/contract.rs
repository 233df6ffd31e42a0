//! What is said between a jail and the platform: one module per contract.
//!
//! A conversation is with one process. It is told of one invocation at a time, or of as many as the
//! contract and the manifest allow.

pub(crate) mod actionloop;
pub(crate) mod lambda;
pub(crate) mod once;
pub(crate) mod server;
mod task;

use http_body_util::combinators::UnsyncBoxBody;
use model::manifest::Contract;
use ports::Future;
use ports::executor::{Fault, Manner, RequestBody};

/// Where the package of a function of AWS Lambda is.
pub(crate) const TASK: &str = "/var/task";

/// Where a contract's functions find their code.
pub(crate) fn root(contract: Contract) -> &'static str {
    match contract {
        Contract::Lambda => TASK,
        Contract::OpenfaasClassic => "/home/app",
        contract => server::root(contract).unwrap_or("/workspace"),
    }
}

/// A line that processes of a contract print for their platform, if they do.
pub(crate) fn mark(contract: Contract) -> Option<&'static [u8]> {
    matches!(contract, Contract::Openwhisk | Contract::Actionloop)
        .then_some(render::whisk::SENTINEL)
}

/// The body of an answer, as the process sends it. Reading it is what moves it.
pub(crate) type AnswerBody = UnsyncBoxBody<bytes::Bytes, Fault>;

/// One invocation, as a contract is told of it.
pub(crate) struct Call {
    /// The request as the guest sees it: see [`ports::executor::Run::request`].
    pub(crate) request: http::Request<RequestBody>,
    /// Whether it is a request over HTTP or a bare event.
    pub(crate) manner: Manner,
    /// The invocation's id.
    pub(crate) id: String,
    /// When it will be ended: milliseconds since 1970, by the wall clock.
    pub(crate) deadline_ms: i64,
}

/// What a process answered.
pub(crate) struct Answer {
    /// The head and the body of the answer.
    pub(crate) response: http::Response<AnswerBody>,
    /// The function failed, although there is an answer: what the record says. The caller of a bare
    /// event is told of its function's error in the contract's own words.
    pub(crate) failed: Option<Fault>,
}

/// A conversation with one process in the words of one contract.
///
/// Dropping a future of it gives the invocation up: whoever does so ends the process. That the process
/// ended is seen elsewhere too, so nothing here has to wait for it.
pub(crate) trait Conversation: Send + Sync {
    /// Waits until the process can take an invocation. An error that the process reports about its
    /// start is a fault of the function.
    fn ready(&self) -> Future<'_, Result<(), Fault>>;

    /// Gives it an invocation, and waits for the answer's head.
    fn call(&self, call: Call) -> Future<'_, Result<Answer, Fault>>;

    /// Waits until the process has done what it does after its last answer, and can be frozen.
    fn settled(&self) -> Future<'_, ()>;

    /// Asks the process to end, in the contract's words, and waits as long as the contract says.
    /// Whoever asked kills it afterwards.
    fn stop(&self) -> Future<'_, ()>;

    /// Whether the process's end is a part of its answer, and no interruption of it.
    fn ends_with_its_answer(&self) -> bool {
        false
    }
}
