//! Messages of the queue, done in one call: each of them up to its permit and through the function's
//! contract, as if it were alone; then one invocation for all of them; then what became of each.
//!
//! Invariant: of a key, none is in the call that has one before it that is not, and none is done that
//! has one before it that is not.

mod joined;
mod verdict;

use super::Landed;
use super::attempt::{code_of, landed};
use super::fund::start;
use crate::batch::{Batching, Piece, common, gathered, most_bytes};
use crate::publish::said_in;
use crate::reply::{Keeps, Seen};
use crate::stage::Permitted;
use crate::wiring::Engine;
use joined::joined;
use model::wire::queued::Call;
use model::wire::v1::{Start, Trigger};
use model::{Code, InvocationId, Labels};
use ports::queue::Leased;
use protect::contract::{BYTES_MAX, VALUES_MAX};
use std::collections::BTreeSet;
use std::sync::Arc;
use verdict::{Verdict, judged, refused};

/// What is around the messages of a batch, at most.
const FRAME: u64 = 128;

/// What came of one message.
pub(crate) type Ended = (Landed, Option<Seen>);

/// One that is in the call.
struct Aboard {
    flown: Flown,
    text: String,
    permitted: Permitted,
}

/// What is needed of one when the call is over.
struct Flown {
    /// Which of the messages.
    at: usize,
    /// What stands for its key.
    order: Option<[u8; 16]>,
    start: Start,
    /// The version of the policies that decided about it.
    policy: u64,
    labels: Labels,
}

/// How much is in the call.
#[derive(Default)]
struct Load {
    bytes: u64,
    /// Sensitive values that are looked for wherever data leaves, and their bytes.
    values: usize,
    value_bytes: usize,
}

impl Load {
    /// Whether a message fits beside the others.
    fn takes(&mut self, own: &Aboard) -> bool {
        let identified = &own.permitted.identified;
        let taken = identified.throttled.received.taken.as_ref();
        let swaps = taken.map_or(&[][..], |taken| taken.swaps.as_slice());
        self.bytes += own.text.len() as u64 + 1;
        self.values += swaps.len();
        self.value_bytes += swaps.iter().map(|swap| swap.plain().len()).sum::<usize>();
        self.bytes + FRAME <= most_bytes(&identified.function)
            && self.values <= VALUES_MAX
            && self.value_bytes <= BYTES_MAX
    }
}

impl Engine {
    /// Tries messages of one lot in one call. `over` says of which it is known already what came of
    /// them. Gives what came of each, in their order.
    pub(crate) async fn attempt_together(
        self: &Arc<Self>,
        leased: &[Leased],
        over: Vec<Option<Landed>>,
        batching: &Batching,
    ) -> Vec<Ended> {
        let now = self.parts.clock.wall();
        let id = InvocationId::from_parts(now.0, fastrand::u64(..).to_ne_bytes());
        let mut ends: Vec<Option<Ended>> = over.into_iter().map(|it| Some((it?, None))).collect();
        ends.resize_with(leased.len(), || None);
        let aboard = self.boarded(leased, &mut ends, batching, id).await;
        for (at, ended) in self.fly(aboard, id, batching).await {
            if let Some(end) = ends.get_mut(at) {
                *end = Some(ended);
            }
        }
        let not_yet = || (Landed::NotYet, None);
        ends.into_iter().map(|end| end.unwrap_or_else(not_yet)).collect()
    }

    /// Those that are in the call. What came of the others stands in `ends`.
    async fn boarded(
        self: &Arc<Self>,
        leased: &[Leased],
        ends: &mut [Option<Ended>],
        batching: &Batching,
        id: InvocationId,
    ) -> Vec<Aboard> {
        let mut aboard: Vec<Aboard> = Vec::new();
        let mut held: BTreeSet<[u8; 16]> = BTreeSet::new();
        let (mut load, mut first, mut full) = (Load::default(), None, false);
        for ((at, leased), end) in leased.iter().enumerate().zip(ends.iter_mut()) {
            let is_held = leased.order.is_some_and(|key| held.contains(&key));
            full |= aboard.len() >= batching.most;
            let tried = match end.take() {
                Some((landed, _)) => Err(landed),
                None if is_held || full => Err(Landed::NotYet),
                None => self.board(leased, at, batching, id).await,
            };
            let landed = match tried {
                Ok((own, call)) => {
                    let of = first.get_or_insert_with(|| call.clone());
                    let fits = load.takes(&own) && *of == call;
                    full |= !fits;
                    // One that does not fit alone fails as it would by itself.
                    if fits || aboard.is_empty() {
                        aboard.push(own);
                        continue;
                    }
                    Landed::NotYet
                }
                Err(landed) => landed,
            };
            if !is_last(&landed) {
                held.extend(leased.order);
            }
            *end = Some((landed, None));
        }
        aboard
    }

    /// All that comes before the call, for one of its messages.
    async fn board(
        self: &Arc<Self>,
        leased: &Leased,
        at: usize,
        batching: &Batching,
        batch: InvocationId,
    ) -> Result<(Aboard, Call), Landed> {
        let (call, _body) = Call::decode(&leased.payload)
            .map_err(|error| Landed::Hopeless(format!("{}: {error}", Code::QueueDamaged)))?;
        let permitted = self.reopen(leased)?;
        self.within_caps(&permitted).map_err(|refusal| landed(&refusal))?;
        let mut permitted = self.through_contract(permitted).await?;
        let said = said_in(&mut permitted).await;
        let said = said.map_err(|refusal| Landed::Hopeless(code_of(&refusal.problem)))?;
        let identified = &mut permitted.identified;
        let publisher = match &identified.trigger {
            Trigger::Event { publisher, .. } => Some(publisher.clone()),
            _ => None,
        };
        let (name, attempt) = (batching.name.clone(), leased.attempt);
        identified.trigger = Trigger::Batched { name, publisher, batch, attempt };
        let received = &identified.throttled.received;
        let piece = Piece {
            id: leased.claim.id,
            function: &leased.function,
            queue: batching.queue(&leased.function),
            caller: identified.caller.to_string(),
            attempt,
            queued: leased.queued,
            order: leased.order,
            now: received.at,
            said,
        };
        let text = piece.text(batching.form);
        let text = text.map_err(|problem| Landed::Hopeless(code_of(&problem)))?;
        let taken = received.taken.as_ref();
        let flown = Flown {
            at,
            order: leased.order,
            start: start(identified, received.at, None),
            policy: permitted.permit.version(),
            labels: taken.map_or(Labels::NONE, |taken| taken.labels.clone()),
        };
        Ok((Aboard { flown, text, permitted }, common(&call)))
    }

    /// The call, and what came of each message in it.
    async fn fly(
        self: &Arc<Self>,
        aboard: Vec<Aboard>,
        id: InvocationId,
        batching: &Batching,
    ) -> Vec<(usize, Ended)> {
        let (mut flown, mut texts, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for one in aboard {
            flown.push(one.flown);
            texts.push(one.text);
            all.push(one.permitted);
        }
        let messages = flown.iter().map(|own| own.start.id).collect();
        let trigger = Trigger::Batch { name: batching.name.clone(), messages };
        let Some(function) = flown.first().map(|own| Arc::clone(&own.start.function)) else {
            return Vec::new();
        };
        let whole = gathered(batching.form, batching.queue(&function), &texts);
        let Some(permitted) = joined(all, id, trigger, whole) else { return Vec::new() };
        let strict = permitted.identified.function.strict();
        let mut verdicts = match self.fund(permitted).await {
            Ok(funded) => {
                let seen = self.take_off(funded).unseen(Keeps::Given).await;
                judged(seen, &flown, batching.form)
            }
            Err(refusal) => refused(&refusal, &flown),
        };
        if !self.recorded(&flown, &verdicts).await && strict {
            // It may have been done: what a strict function did is done when it is on record.
            let unwritten = Landed::Failed(code_of(&Code::JournalRefuses.into()));
            let done = verdicts.iter_mut().filter(|it| it.landed == Landed::Done);
            done.for_each(|it| it.landed = unwritten.clone());
        }
        let ended = |Verdict { landed, seen, .. }: Verdict| (landed, seen);
        flown.iter().map(|own| own.at).zip(verdicts.into_iter().map(ended)).collect()
    }
}

/// Whether nothing of its key has to wait for it any more.
const fn is_last(landed: &Landed) -> bool {
    matches!(landed, Landed::Done | Landed::Hopeless(_) | Landed::TooOld)
}
