//! How an invocation travels: the stages of [`crate::stage`], one function each.
//!
//! What strangers learn: 401 for everything that they may not call, whether it exists or not.
//! What holders of a valid credential learn: 404 for everything that they may not call.

use crate::broker::Broker;
use crate::function::Function;
use crate::reply::{Ending, Flight, ReplyBody};
use crate::request::{check_length, guest_request, method_name, request_host, take_credentials};
use crate::router::{Found, UnsafePath};
use crate::slots::{CallerKey, Full, NodeGauge, Tally};
use crate::stage::{Funded, Identified, Permitted, Received, Seat, Throttled};
use crate::wiring::Engine;
use identity::Identity;
use model::trace::TraceParent;
use model::wire::v1::{Caller, Outcome, Start, Trigger};
use model::{Budget, Code, FunctionRef, InvocationId, Labels, Problem};
use policy::{Asker, InvokeAsk};
use ports::executor::{RequestBody, Run};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

/// A request as a door hands it in: limited, cleaned of forged context, otherwise unchecked.
pub struct Inbound {
    /// Method, path and query, headers as sent, body.
    pub request: http::Request<RequestBody>,
    /// Where it came from.
    pub peer: IpAddr,
}

/// An invocation that gives no answer of its own.
#[derive(Debug)]
pub struct Refusal {
    /// Why. Its `internal` part is not for the caller.
    pub problem: Problem,
    /// The invocation, if it came that far.
    pub invocation: Option<InvocationId>,
    /// When to try again, in seconds.
    pub retry_after_s: Option<u32>,
    /// Methods that the path does answer.
    pub allow: Vec<http::Method>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let retry = matches!(
            problem.code,
            Code::Overloaded
                | Code::FunctionBusy
                | Code::CallerBusy
                | Code::Draining
                | Code::NoInstance
                | Code::JournalRefuses
        );
        Self { problem, invocation: None, retry_after_s: retry.then_some(1), allow: Vec::new() }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Problem::new(code).into()
    }
}

impl Refusal {
    pub(crate) fn of(mut self, invocation: InvocationId) -> Self {
        self.invocation = Some(invocation);
        self
    }
}

type Outcomes<T> = Result<T, Refusal>;

impl Engine {
    /// Runs the function that the request is for, if everything allows it.
    ///
    /// # Errors
    /// A [`Refusal`]: nothing ran, or it failed before it had sent anything.
    pub async fn invoke(self: &Arc<Self>, inbound: Inbound) -> Outcomes<http::Response<ReplyBody>> {
        let received = self.receive(inbound.request, Some(inbound.peer));
        let id = received.id;
        let throttled = self.throttle(received)?;
        let identified = self.identify(throttled)?;
        let permitted = self.permit(identified)?;
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
        let received = self.receive(request, None);
        let id = received.id;
        let throttled = self.throttle(received)?;
        let catalog = self.catalog.load();
        let view = catalog.view(&function.scope);
        let found = view.and_then(|view| view.functions.get(&function.name)).map(Arc::clone);
        let function =
            found.ok_or_else(|| Problem::new(Code::NoSuchFunction).detail(&function.name))?;
        let trigger = Trigger::Direct { method: method_name(throttled.received.request.method()) };
        let caller_key = key_of(&"operator");
        let identified =
            Identified { throttled, caller: Caller::Operator, caller_key, function, trigger };
        let permitted = self.permit(identified)?;
        let funded = self.fund(permitted).await?;
        self.execute(funded).await.map_err(|refusal| refusal.of(id))
    }

    fn receive(&self, request: http::Request<RequestBody>, peer: Option<IpAddr>) -> Received {
        let at = self.parts.clock.wall();
        let id = InvocationId::from_parts(at.0, fastrand::u64(..).to_ne_bytes());
        Received { request, peer, id, at, began: self.parts.clock.monotonic() }
    }

    /// Cheap limits, before anything costs CPU.
    fn throttle(&self, received: Received) -> Outcomes<Throttled> {
        self.not_draining()?;
        let counted = NodeGauge::enter(&self.gauge).ok_or(Code::Overloaded)?;
        let share = match &received.peer {
            Some(peer) => Some(Tally::take(&self.callers, key_of(peer)).ok_or(Code::CallerBusy)?),
            None => None,
        };
        Ok(Throttled { received, seat: Seat { _counted: counted, _share: share, _slot: None } })
    }

    /// Finds the function and the caller. Credentials of the platform end here.
    fn identify(&self, mut throttled: Throttled) -> Outcomes<Identified> {
        let catalog = self.catalog.load();
        let credentials = take_credentials(&mut throttled.received.request);
        let request = &throttled.received.request;
        let host = request_host(request);
        let Some(view) = catalog.serving(host.as_deref(), &self.config.scope) else {
            return Err(Code::CredentialRequired.into());
        };
        // Tokens are looked up where the function lives: a token of another scope is unknown there.
        let identity = identity::identify(&credentials, &view.verifier, throttled.received.at);
        let (function, pattern) = match view.router.find(
            request.method().as_str(),
            host.as_deref(),
            request.uri().path(),
        ) {
            Err(UnsafePath) => {
                return Err(Problem::new(Code::Malformed)
                    .detail("the path has dot segments or encoded separators")
                    .into());
            }
            Ok(Found::Nothing) => return Err(nothing_for(&identity)),
            Ok(Found::OtherMethods { target, methods }) => {
                return Err(self.other_method(&throttled.received, &identity, target, &methods));
            }
            Ok(Found::Route { target, pattern }) => (Arc::clone(target), Arc::clone(pattern)),
        };
        let (caller, caller_key) = match (identity, &throttled.received.peer) {
            (Identity::Rejected, _) => return Err(Code::CredentialRequired.into()),
            (Identity::Token(name), _) => {
                let key = key_of(&name);
                (Caller::Token(name), key)
            }
            (Identity::Anonymous, peer) => (Caller::Anonymous, key_of(peer)),
        };
        let trigger = Trigger::Http { method: method_name(request.method()), route: pattern };
        Ok(Identified { throttled, caller, caller_key, function, trigger })
    }

    /// A known path with another method says so only to those who may call it.
    fn other_method(
        &self,
        received: &Received,
        identity: &Identity,
        function: &Function,
        methods: &[&str],
    ) -> Refusal {
        let caller = match identity {
            Identity::Token(name) => Caller::Token(name.clone()),
            Identity::Anonymous => Caller::Anonymous,
            Identity::Rejected => return Code::CredentialRequired.into(),
        };
        let allowed = methods.iter().any(|method| {
            let ask = InvokeAsk {
                principal: Asker::from(&caller),
                function: function.reference(),
                source: received.peer,
                method,
                route: "",
                trigger: "http",
            };
            function.policies.decide_invoke(&ask).is_ok()
        });
        if !allowed {
            return nothing_for(identity);
        }
        let mut allow: Vec<http::Method> =
            methods.iter().filter_map(|method| method.parse().ok()).collect();
        if allow.contains(&http::Method::GET) {
            allow.push(http::Method::HEAD);
        }
        Refusal { allow, ..Code::MethodNotAllowed.into() }
    }

    fn permit(&self, identified: Identified) -> Outcomes<Permitted> {
        let (method, route, trigger) = match &identified.trigger {
            Trigger::Http { method, route } => (method, &**route, "http"),
            Trigger::Direct { method } => (method, "", "direct"),
        };
        let ask = InvokeAsk {
            principal: Asker::from(&identified.caller),
            function: identified.function.reference(),
            source: identified.throttled.received.peer,
            method,
            route,
            trigger,
        };
        match identified.function.policies.decide_invoke(&ask) {
            Ok(permit) => Ok(Permitted { identified, permit }),
            Err(denial) => Err(self.denied(&identified, &denial)),
        }
    }

    /// Refuses as if there were nothing, and keeps the true reason in the record. Strangers leave
    /// no record: they could fill the journal with them.
    fn denied(&self, identified: &Identified, denial: &policy::Denial) -> Refusal {
        let internal = Problem::new(denial.code).internal(denial.to_string());
        match identified.caller {
            Caller::Anonymous => Code::CredentialRequired.into(),
            Caller::Operator => {
                Problem { hint: denial.hint.as_deref().map(str::to_owned), ..internal }.into()
            }
            Caller::Token(_) => {
                let ending = Ending::new(Outcome::Denied, denial.code, denial.to_string());
                self.record_refused(identified, 0, Code::NotFound.status(), ending);
                // Without the id: where there is nothing, there is none.
                Problem { code: Code::NotFound, ..internal }.into()
            }
        }
    }

    /// A slot, a budget, and the record's beginning.
    async fn fund(&self, mut permitted: Permitted) -> Outcomes<Funded> {
        let function = Arc::clone(&permitted.identified.function);
        let request = &permitted.identified.throttled.received.request;
        check_length(request, function.unit.limits.request_body_bytes)
            .map_err(|problem| self.not_run(&permitted, Outcome::Interrupted, problem))?;
        let identified = &mut permitted.identified;
        let slot = function.slots.take(identified.caller_key).await.map_err(|full| match full {
            Full::Function => Code::FunctionBusy,
            Full::Caller => Code::CallerBusy,
        })?;
        identified.throttled.seat._slot = Some(slot);
        if !function.readiness.is_ready() {
            self.make_ready(&function.readiness).await.map_err(|problem| {
                self.not_run(&permitted, Outcome::Platform, unready(&problem))
            })?;
        }
        let identified = &permitted.identified;
        let trace = identified.throttled.received.request.headers().get("traceparent");
        let trace = trace.and_then(|value| value.to_str().ok()).and_then(TraceParent::parse);
        let start = start(identified, identified.throttled.received.at, trace);
        if let Err(error) = self.parts.journal.append(model::wire::v1::Entry::Start(start.clone()))
        {
            if function.strict() {
                return Err(Problem::new(Code::JournalRefuses).internal(error).into());
            }
            tracing::debug!(%error, "the start of an invocation is not recorded");
        }
        Ok(Funded { permitted, start, _budget: Budget::default(), labels: Labels::NONE })
    }

    async fn execute(self: &Arc<Self>, funded: Funded) -> Outcomes<http::Response<ReplyBody>> {
        let Funded { permitted: Permitted { identified, permit }, start, labels, .. } = funded;
        let Identified { throttled: Throttled { received, seat }, caller, function, .. } =
            identified;
        let broker = Broker::new(
            Arc::clone(&self.parts),
            Arc::clone(&function),
            received.id,
            received.began,
        );
        let broker = Arc::new(broker);
        let request = guest_request(
            received.request,
            &received.id,
            &caller,
            function.unit.limits.request_body_bytes,
        );
        let run = Run {
            unit: Arc::clone(&function.unit),
            request,
            labels: labels.clone(),
            host: Arc::clone(&broker) as Arc<dyn ports::Host>,
        };
        let running = self.parts.executor.run(run);
        let flight = Flight::new(crate::reply::Boarding {
            engine: Arc::clone(self),
            running,
            function,
            broker,
            start,
            began: received.began,
            policy: permit.version(),
            labels,
            _seat: seat,
        });
        flight.answer().await
    }

    /// Refuses a call that was permitted, and keeps why. Only a full function or node refuses
    /// without a record, and so without an id: that has to cost nothing.
    fn not_run(&self, permitted: &Permitted, outcome: Outcome, problem: Problem) -> Refusal {
        let reason = problem.internal.clone().unwrap_or_else(|| problem.to_string());
        let ending = Ending::new(outcome, problem.code, reason);
        let identified = &permitted.identified;
        let status = problem.code.status();
        self.record_refused(identified, permitted.permit.version(), status, ending);
        Refusal::from(problem).of(identified.throttled.received.id)
    }

    /// Writes the record of a call for which no guest was started.
    fn record_refused(&self, identified: &Identified, policy: u64, status: u16, ending: Ending) {
        let record = model::wire::v1::Record {
            start: start(identified, identified.throttled.received.at, None),
            policy,
            end_us: self.parts.clock.wall(),
            outcome: ending.outcome,
            status,
            code: ending.code.and_then(crate::reply::code_number),
            reason: ending.reason,
            usage: model::Usage::default(),
            calls: Vec::new(),
            calls_omitted: 0,
            log_lines: 0,
            log_dropped: 0,
            labels: Labels::NONE,
            cost: model::Cost::default(),
        };
        if let Err(error) = self.parts.journal.append(model::wire::v1::Entry::End(Box::new(record)))
        {
            tracing::debug!(%error, "a refusal is not recorded");
        }
    }
}

/// Strangers are asked for a credential, whatever the path; others are told that nothing is there.
fn nothing_for(identity: &Identity) -> Refusal {
    match identity {
        Identity::Token(_) => Code::NotFound.into(),
        Identity::Anonymous | Identity::Rejected => Code::CredentialRequired.into(),
    }
}

/// Why a deployed component cannot be run is the operator's affair: the caller sent nothing wrong.
fn unready(problem: &Problem) -> Problem {
    let code = match problem.code {
        Code::ArtifactMissing | Code::DigestMismatch => Code::StoreCorrupt,
        code if code.status() >= 500 => code,
        _ => Code::Internal,
    };
    let reason = problem.internal.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    tracing::error!(%problem, reason, "a deployed component cannot be run");
    Problem::new(code).internal(format!("the component cannot be run: {problem}{reason}"))
}

fn start(identified: &Identified, at: model::Timestamp, traceparent: Option<TraceParent>) -> Start {
    let id = identified.throttled.received.id;
    Start {
        id,
        root: id,
        parent: None,
        depth: 0,
        function: Arc::clone(identified.function.reference()),
        revision: identified.function.row.revision,
        digest: identified.function.row.digest,
        caller: identified.caller.clone(),
        trigger: identified.trigger.clone(),
        start_us: at,
        traceparent,
    }
}

fn key_of(caller: &impl Hash) -> CallerKey {
    let mut hasher = DefaultHasher::new();
    caller.hash(&mut hasher);
    CallerKey(hasher.finish())
}
