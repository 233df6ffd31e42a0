//! A call of one function by another: the same stages, entered from within.

use super::Outcomes;
use crate::data::Taken;
use crate::host::Purse;
use crate::reply::ReplyBody;
use crate::request::method_name;
use crate::slots::CallerKey;
use crate::stage::Identified;
use crate::wiring::Engine;
use model::wire::v1::{Caller, Trigger};
use model::{Code, FunctionName, InvocationId, Problem, Scope};
use ports::executor::RequestBody;
use std::sync::Arc;

/// The invocation that another one comes from.
pub(crate) struct Origin {
    /// The first invocation of the tree.
    pub(crate) root: InvocationId,
    /// The one that calls; none of a batch, which may have many.
    pub(crate) parent: Option<InvocationId>,
    /// How deep in the tree the new one is.
    pub(crate) depth: u16,
    /// What the whole tree may still spend.
    pub(crate) purse: Arc<Purse>,
    /// What the one that calls knows of sensitive data, if it knows any.
    pub(crate) taken: Option<Box<Taken>>,
}

impl Engine {
    /// Runs a function for another one, which is `caller`. What is not there and what may not be
    /// called look alike.
    ///
    /// # Errors
    /// As [`Engine::invoke`].
    pub(crate) async fn invoke_inside(
        self: Arc<Self>,
        origin: Origin,
        caller: Caller,
        scope: &Scope,
        name: &FunctionName,
        request: http::Request<RequestBody>,
    ) -> Outcomes<http::Response<ReplyBody>> {
        let mut received = self.receive_direct(request);
        let mut origin = origin;
        received.taken = origin.taken.take();
        received.origin = Some(origin);
        let throttled = self.throttle(received)?;
        let catalog = self.catalog.load();
        let function = catalog.view(scope).and_then(|view| view.functions.get(name)).cloned();
        drop(catalog);
        let function = function.ok_or_else(|| Problem::new(Code::NotFound))?;
        let trigger = Trigger::Call { method: method_name(throttled.received.request.method()) };
        let caller_key = CallerKey::of(&caller);
        let (vouched, endpoint) = (None, None);
        let identified =
            Identified { throttled, caller, caller_key, vouched, function, endpoint, trigger };
        let permitted = self.permit(identified)?;
        self.answer(permitted).await
    }
}
