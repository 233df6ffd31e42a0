//! How an invocation travels: the stages of [`crate::stage`], one function each.
//!
//! What strangers learn: 401 for everything that they may not call, whether it exists or not.
//! What holders of a valid credential learn: 404 for everything that they may not call.

mod attempt;
mod credential;
mod defer;
mod events;
mod fund;
mod identify;
mod inside;
mod keys;
mod permit;
mod refusal;
mod together;

pub(crate) use attempt::{Landed, trigger_of};
pub(crate) use defer::whole;
pub use events::takes_events;
pub(crate) use events::{too_large, unread};
pub(crate) use inside::Origin;
pub use refusal::Refusal;
pub(crate) use together::Ended;

use crate::batch;
use crate::carried::Carried;
use crate::data;
use crate::function::Function;
use crate::guard::network;
use crate::host::{Audience, Broker};
use crate::noted::Noted;
use crate::publish::{Form, form};
use crate::reply::{Flight, ReplyBody};
use crate::request::{guest_request, method_name};
use crate::schedule::is_event;
use crate::slots::{CallerKey, NodeGauge, Tally};
use crate::spin;
use crate::stage::{Funded, Identified, Permitted, Received, Seat, Throttled};
use crate::upload;
use crate::wiring::Engine;
use model::manifest::Dialect;
use model::wire::v1::{Caller, Trigger};
use model::{Code, FunctionRef, InvocationId, Problem};
use ports::executor::{Manner, RequestBody, Run, Unit};
use std::net::IpAddr;
use std::sync::Arc;

/// A request as a door hands it in: limited, cleaned of forged context, otherwise unchecked.
pub struct Inbound {
    /// Method, path and query, headers as sent, body.
    pub request: http::Request<RequestBody>,
    /// Where it came from: the client, or the last proxy that is not trusted.
    pub peer: IpAddr,
    /// The certificate that the client proved to hold, in DER, checked against the authorities
    /// that the node trusts for clients.
    pub certificate: Option<Arc<[u8]>>,
    /// Where the door wants to find what the request met.
    pub noted: Option<Arc<Noted>>,
}

impl Inbound {
    /// A request in the clear from this address.
    #[must_use]
    pub const fn plain(request: http::Request<RequestBody>, peer: IpAddr) -> Self {
        Self { request, peer, certificate: None, noted: None }
    }
}

pub(crate) type Outcomes<T> = Result<T, Refusal>;

impl Engine {
    /// Runs the function that the request is for, if everything allows it.
    ///
    /// # Errors
    /// A [`Refusal`]: nothing ran, or it failed before it had sent anything.
    pub async fn invoke(self: &Arc<Self>, inbound: Inbound) -> Outcomes<http::Response<ReplyBody>> {
        if model::route::is_own(inbound.request.uri().path()) {
            return Box::pin(self.own(self.receive(inbound))).await;
        }
        let crossed = self.crossed(&inbound.request);
        let received = self.receive(inbound);
        let mut outcome = match &crossed {
            Some(page) if page.is_preflight() => {
                self.throttle(received).map(|_room| page.permission())
            }
            _ => self.admit(received).await,
        };
        if let Some(page) = crossed {
            page.stamp(&mut outcome);
        }
        outcome
    }

    async fn admit(self: &Arc<Self>, received: Received) -> Outcomes<http::Response<ReplyBody>> {
        let throttled = self.proven(self.throttle(received)?).await?;
        self.look_for_key(&throttled).await;
        let identified = self.identify(throttled)?;
        let permitted = self.permit(identified)?;
        self.is_ordinary(&permitted)?;
        if let Some(limits) = upload::takes(&permitted.identified) {
            self.is_read(&permitted)?;
            return Box::pin(self.upload(permitted, limits)).await;
        }
        if defer::preferred(&permitted.identified)
            && let Some(later) = self.may_defer(&permitted)
        {
            return self.accept(permitted, later).await;
        }
        self.answer(permitted).await
    }

    /// Answers what is permitted: with a file, or by running the function.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        permitted: Permitted,
    ) -> Outcomes<http::Response<ReplyBody>> {
        if let Some(shelf) = permitted.identified.function.shelf.clone() {
            return self.serve(permitted, &shelf).await;
        }
        let id = permitted.identified.throttled.received.id;
        let permitted = match self.data_of(&permitted.identified.function) {
            // What no cap has room for costs no work.
            Some(_) => {
                self.within_caps(&permitted)?;
                Box::pin(self.take_in(permitted)).await?
            }
            None => permitted,
        };
        let funded = self.fund(permitted).await?;
        self.execute(funded).await.map_err(|refusal| refusal.of(id))
    }

    /// Runs a function for the operator, whatever its routes are.
    ///
    /// # Errors
    /// As [`Engine::invoke`].
    pub async fn invoke_direct(
        self: &Arc<Self>,
        function: &FunctionRef,
        request: http::Request<RequestBody>,
    ) -> Outcomes<http::Response<ReplyBody>> {
        let permitted = self.permit_direct(function, request)?;
        self.answer(permitted).await
    }

    /// From nowhere, and for the operator, who learns what is not there.
    fn permit_direct(
        &self,
        function: &FunctionRef,
        request: http::Request<RequestBody>,
    ) -> Outcomes<Permitted> {
        self.permit_as(Caller::Operator, None, Code::NoSuchFunction, (function, None), request)
    }

    /// The stages up to the permit, for a caller who names a function and not a route. `missing` is
    /// what is said where there is none such. Beside the function stands its version, if one is
    /// named.
    pub(crate) fn permit_as(
        &self,
        caller: Caller,
        peer: Option<IpAddr>,
        missing: Code,
        function: (&FunctionRef, Option<u32>),
        request: http::Request<RequestBody>,
    ) -> Outcomes<Permitted> {
        let (function, version) = function;
        let received = Received { peer, ..self.receive_direct(request) };
        let throttled = self.throttle(received)?;
        let catalog = self.catalog.load();
        let view = catalog.view(&function.scope);
        let found = view.and_then(|view| view.function(&function.name, version)).map(Arc::clone);
        let function = found.ok_or_else(|| Problem::new(missing).detail(&function.name))?;
        let trigger = Trigger::Direct { method: method_name(throttled.received.request.method()) };
        let caller_key = CallerKey::of(&caller);
        let identified = Identified {
            throttled,
            caller,
            caller_key,
            vouched: None,
            function,
            endpoint: None,
            trigger,
        };
        self.permit(identified)
    }

    pub(crate) fn receive(&self, inbound: Inbound) -> Received {
        let Inbound { request, peer, certificate, noted } = inbound;
        Received { peer: Some(peer), certificate, noted, ..self.receive_direct(request) }
    }

    /// As [`Engine::receive`], from nowhere: the operator's requests come over the admin API.
    fn receive_direct(&self, request: http::Request<RequestBody>) -> Received {
        let at = self.parts.clock.wall();
        let id = InvocationId::from_parts(at.0, fastrand::u64(..).to_ne_bytes());
        let began = self.parts.clock.monotonic();
        let (peer, certificate, noted) = (None, None, None);
        let (signed, origin, taken) = (None, None, None);
        Received { request, peer, certificate, noted, signed, id, origin, taken, at, began }
    }

    /// Cheap limits, before anything costs CPU.
    pub(crate) fn throttle(&self, received: Received) -> Outcomes<Throttled> {
        self.not_draining()?;
        let counted = NodeGauge::enter(&self.gauge).ok_or(Code::Overloaded)?;
        let share = match &received.peer {
            Some(peer) => {
                let key = CallerKey::of(&network(*peer));
                Some(Tally::take(&self.callers, key).ok_or(Code::CallerBusy)?)
            }
            None => None,
        };
        Ok(Throttled { received, seat: Seat { _counted: counted, _share: share, _slot: None } })
    }

    pub(crate) async fn execute(
        self: &Arc<Self>,
        funded: Funded,
    ) -> Outcomes<http::Response<ReplyBody>> {
        self.take_off(funded).answer().await
    }

    fn take_off(self: &Arc<Self>, funded: Funded) -> Flight {
        let Funded { permitted, start, purse, cpu_us, ticket, labels } = funded;
        let Permitted { identified, permit } = permitted;
        let Identified {
            throttled: Throttled { mut received, seat },
            caller,
            vouched,
            function,
            trigger,
            ..
        } = identified;
        let audience = Audience {
            function: Arc::clone(&function),
            invocation: received.id,
            began: received.began,
            vouched: vouched.clone(),
            purse,
            cpu_us,
            root: start.root,
            depth: start.depth,
            labels: labels.clone(),
            limits: self.config.host,
        };
        let broker = Arc::new(Broker::new(Arc::clone(self), audience));
        if function.unit.around.native.is_some() {
            broker.note_dangers();
        }
        if let Some(taken) = received.taken.take() {
            broker.take_in(&taken);
        }
        let mut request = guest_request(
            received.request,
            &received.id,
            &caller,
            vouched.as_deref(),
            function.unit.limits.request_body_bytes,
        );
        data::tell(&mut request, &labels);
        if function.row.spec.dialect == Some(Dialect::Spin) {
            spin::stamp(&mut request, &trigger, &function.row.spec.http, received.peer);
        }
        let request = broker.observed(request);
        let run = Run {
            unit: with_cpu(&function.unit, cpu_us),
            request,
            manner: manner(&trigger, &function),
            labels,
            files: function.carried.as_ref().and_then(Carried::opened),
            host: Arc::clone(&broker) as Arc<dyn ports::Host>,
        };
        let running = self.parts.executor.run(run);
        Flight::new(crate::reply::Boarding {
            engine: Arc::clone(self),
            running,
            function,
            broker,
            start,
            began: received.began,
            policy: permit.version(),
            ticket,
            _seat: seat,
        })
    }
}

/// A direct call brings an event, also when it waited, and so do a schedule and an event to whom
/// expects one; all others are requests.
fn manner(trigger: &Trigger, function: &Function) -> Manner {
    match trigger {
        Trigger::Direct { .. } => Manner::Event,
        Trigger::Queue { route, .. } if route.is_empty() => Manner::Event,
        Trigger::Schedule { .. } if is_event(function) => Manner::Event,
        Trigger::Event { name, .. } if form(function, name) != Form::Request => Manner::Event,
        Trigger::Batch { .. } if batch::is_event(&function.row.spec) => Manner::Event,
        _ => Manner::Request,
    }
}

/// The same unit with less CPU time, if the purse has no more.
fn with_cpu(unit: &Arc<Unit>, cpu_us: u64) -> Arc<Unit> {
    let cpu_ms = cpu_us.div_ceil(1000);
    if cpu_ms >= unit.limits.cpu_ms {
        return Arc::clone(unit);
    }
    let mut less = Unit::clone(unit);
    less.limits.cpu_ms = cpu_ms;
    Arc::new(less)
}
