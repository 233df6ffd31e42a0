//! Pulling: one task for each source, which opens it, takes as much as there is room for, puts it into
//! the queue, and only then says so to the other side.
//!
//! Invariant: nothing is pulled for a function that the source may not call, that has as much to do as
//! it may run at a time, or while the node drains.
//! Invariant: a message that comes again, and so does each that was not settled, is in the queue once
//! within the window of events.

use super::{Standing, State, called, wait_after};
use crate::function::Function;
use crate::publish::{KIND, Publisher, message};
use crate::wiring::Engine;
use model::manifest::SourceTrigger;
use model::wire::queued::{Call, Cause};
use model::wire::v1::Caller;
use model::{Claims, CloudEvent, Code, Problem, Timestamp};
use ports::queue::{self, Message, Post, Publication};
use ports::source::{Arrival, Fault, Feed, Opening};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// How often a source is looked at that has nobody to call.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is looked whether there is room.
const BREATH: Duration = Duration::from_millis(200);
/// How long a source may take to open, and to give nothing.
const OPEN: Duration = Duration::from_secs(60);
const NEXT: Duration = Duration::from_secs(120);
/// How often a source is asked for what lies there; also while nothing is pulled, so that it hears of
/// us.
const LAG: Duration = Duration::from_secs(2);

/// Whom a source calls now, as its manifest has it.
struct Called {
    function: Arc<Function>,
    spec: SourceTrigger,
    bytes_max: u64,
}

impl Engine {
    /// Pulls from the sources until `stop` is ready.
    pub async fn follow_sources(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let mut pulling = JoinSet::new();
        for one in &self.sources {
            pulling.spawn(Arc::clone(&self).follow_source(Arc::clone(one)));
        }
        stop.await;
        // What was given and not settled comes again at the next start.
        pulling.shutdown().await;
    }

    async fn follow_source(self: Arc<Self>, one: Arc<Standing>) {
        let mut failures = 0u32;
        loop {
            let mut came = false;
            match self.pull(&one, &mut came).await {
                Ok(()) => {
                    failures = 0;
                    sleep(LOOK).await;
                }
                Err(problem) => {
                    failures = if came { 1 } else { failures.saturating_add(1) };
                    let name = &one.source.name;
                    tracing::warn!(source = %name, %problem, internal = problem.internal, "a source failed; it is tried again");
                    let now = self.parts.clock.wall();
                    {
                        let mut facts = one.facts.lock();
                        facts.state = State::Down;
                        facts.error = Some((now, problem.to_string()));
                        facts.lag = None;
                    }
                    sleep(wait_after(failures)).await;
                }
            }
        }
    }

    /// Whom a source may call now; what it does while it may call nobody.
    fn whom(&self, one: &Standing) -> Option<Called> {
        let catalog = self.catalog.load();
        let view = catalog.view(&one.source.scope);
        let Some((function, spec)) = view.and_then(|view| called(view, &one.source.name)) else {
            one.is(State::NotUsed);
            return None;
        };
        if let Err(denial) = function.admits(&spec.name, KIND) {
            tracing::debug!(source = %spec.name, %denial, "a source may not call its function");
            one.is(State::NotGranted);
            return None;
        }
        if self.draining() {
            return None;
        }
        let own = function.unit.limits.request_body_bytes;
        let bytes_max = self.config.queue.body_bytes_max.min(own);
        Some(Called { function: Arc::clone(function), spec: spec.clone(), bytes_max })
    }

    /// Opens a source and pulls from it, as long as it may call somebody and does not fail.
    async fn pull(&self, one: &Standing, came: &mut bool) -> Result<(), Problem> {
        let Some(first) = self.whom(one) else { return Ok(()) };
        if one.facts.lock().state != State::Down {
            one.is(State::Connecting);
        }
        let source = &one.source;
        let secret = match &source.secret {
            Some(name) => Some(self.value_named(&source.scope, name).await?),
            None => None,
        };
        let scope = &source.scope;
        let origin = format!(
            "/tenants/{}/environments/{}/sources/{}",
            scope.tenant, scope.environment, source.name
        );
        let (function, bytes_max) = (Arc::clone(first.function.reference()), first.bytes_max);
        let opening = Opening { function, secret, origin, bytes_max };
        let opened = timeout(OPEN, source.port.open(opening)).await.map_err(|_| slow())?;
        let mut feed = opened?;
        let mut looked: Option<Instant> = None;
        loop {
            let Some(called) = self.whom(one) else { return Ok(()) };
            if called.bytes_max != bytes_max
                || called.function.reference() != first.function.reference()
            {
                // It was deployed anew with another limit, or by another name.
                return Ok(());
            }
            if looked.is_none_or(|looked| looked.elapsed() >= LAG) {
                looked = Some(Instant::now());
                let lag = timeout(NEXT, feed.lag()).await.map_err(|_| slow())??;
                one.facts.lock().lag = lag;
            }
            let room = self.room_for(one, &called).await?;
            if room == 0 {
                one.is(State::Full);
                sleep(BREATH).await;
                continue;
            }
            let arrivals = timeout(NEXT, feed.next(room)).await.map_err(|_| slow())??;
            *came = true;
            one.is(State::Running);
            if !arrivals.is_empty() {
                if !self.hand_over(one, called, &mut *feed, &arrivals).await? {
                    timeout(NEXT, feed.release(&arrivals)).await.map_err(|_| slow())??;
                    return Ok(());
                }
                timeout(NEXT, feed.settle(&arrivals)).await.map_err(|_| slow())??;
            }
        }
    }

    /// How many more messages a function may have here.
    async fn room_for(&self, one: &Standing, called: &Called) -> Result<usize, Problem> {
        let function = called.function.reference();
        let depths = self.parts.queue.depth(&one.source.scope).await?;
        let own = depths.iter().find(|depth| depth.function == **function);
        let waiting = own.map_or(0, |depth| depth.waiting);
        let slots = u64::from(called.function.unit.limits.concurrency);
        let most = one.source.backlog.unwrap_or(slots);
        Ok(usize::try_from(most.saturating_sub(waiting)).unwrap_or(usize::MAX))
    }

    /// Puts messages into the queue, all of them or nothing, and waits until there is room for them.
    /// `false`, if there is nobody to call any more: they stay with the source then.
    async fn hand_over(
        &self,
        one: &Standing,
        called: Called,
        feed: &mut dyn Feed,
        arrivals: &[Arrival],
    ) -> Result<bool, Problem> {
        let mut called = called;
        loop {
            let now = self.parts.clock.wall();
            let publication = self.publication(one, &called, arrivals, now)?;
            match self.parts.queue.publish(publication, self.config.queue.quota).await {
                Ok(new) => {
                    self.backlog.wake();
                    one.count(&new, arrivals, now);
                    return Ok(true);
                }
                Err(queue::Error::Quota { .. }) => {
                    one.is(State::Full);
                    sleep(LOOK).await;
                    timeout(NEXT, feed.hold(arrivals)).await.map_err(|_| slow())??;
                    match self.whom(one) {
                        Some(still) => called = still,
                        None => return Ok(false),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn publication(
        &self,
        one: &Standing,
        called: &Called,
        arrivals: &[Arrival],
        now: Timestamp,
    ) -> Result<Publication, Problem> {
        let caller = Caller::Trigger(one.source.name.clone());
        let mut posts = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            let message = self.message_of(called, &caller, arrival, now)?;
            let mark = self.mark_of(one, &arrival.event);
            posts.push(Post { mark, messages: vec![message] });
        }
        let window = i64::try_from(self.config.events.window.as_micros()).unwrap_or(i64::MAX);
        let (scope, until) = (one.source.scope.clone(), now.plus_us(window));
        Ok(Publication { scope, posts, now, until })
    }

    fn message_of(
        &self,
        called: &Called,
        caller: &Caller,
        arrival: &Arrival,
        now: Timestamp,
    ) -> Result<Message, Problem> {
        let Called { function, spec, .. } = called;
        let event = &arrival.event;
        let publisher =
            Publisher { caller, source: None, claims: Claims::NONE, from: None, depth: 0 };
        let fits = message(&spec.name, function, &publisher, event, now)?;
        match arrival.fault {
            None => {
                let said = spec.ordered_by.as_deref().and_then(|it| event.get(it));
                Ok(Message { order: said.map(|key| self.order(function, key)), ..fits })
            }
            // It goes the way of all calls, and no further than to the dead letters.
            Some(fault) => {
                let payload = unfit(&fits, fault, event)?.into();
                Ok(Message { payload, queued: now, due: now, ..fits })
            }
        }
    }

    /// The same for a message that comes again.
    fn mark_of(&self, one: &Standing, event: &CloudEvent) -> [u8; 16] {
        let texts = ["source", one.source.name.as_str(), event.source(), event.id()];
        (self.parts.digest)(texts.join("\n").as_bytes())
    }
}

/// The call of a message that does not fit: what `fits` is, with the reason.
fn unfit(fits: &Message, fault: Fault, event: &CloudEvent) -> Result<Vec<u8>, Problem> {
    let internal = |error| Problem::new(Code::Internal).internal(error);
    let (call, _) = Call::decode(&fits.payload).map_err(internal)?;
    let Caller::Trigger(name) = call.caller.clone() else { return Err(internal_cause()) };
    let code = fault.code();
    let why = format!("{code}: {}: {fault}", code.title());
    let call = Call { cause: Some(Cause::Unfit { name, why }), ..call };
    call.encode(event.data()).map_err(internal)
}

fn internal_cause() -> Problem {
    Problem::new(Code::Internal).internal("a source calls as itself")
}

fn slow() -> Problem {
    Problem::new(Code::SourceDown).detail("it does not answer")
}

impl Standing {
    fn count(&self, new: &[bool], arrivals: &[Arrival], now: Timestamp) {
        let mut facts = self.facts.lock();
        for (new, arrival) in new.iter().zip(arrivals) {
            facts.taken += 1;
            facts.repeated += u64::from(!new);
            facts.refused += u64::from(*new && arrival.fault.is_some());
            if let (true, Some(fault)) = (*new, arrival.fault) {
                let (name, token) = (&self.source.name, &arrival.token);
                let code = fault.code();
                tracing::warn!(source = %name, message = %token, %fault, "{code}: {}", code.title());
            }
        }
        facts.last = Some(now);
    }
}
