//! The sensitive data of functions: what their manifests say, with keys, ready to be applied.
//!
//! Invariant: a contract is applied above every executor, before the function's request is made, so
//! that no function sees what its contract names.

mod exits;
mod handed;
mod intake;
mod kind;
mod laid;
mod reveal;
mod salts;
mod sift;

pub use exits::DataDefaults;
pub(crate) use exits::Exits;
pub(crate) use intake::{OF_THE_OLD_BODY, put_headers, with_query};
pub(crate) use kind::Has;
#[cfg(any(test, fuzzing))]
pub(crate) use sift::fuzz::sift as sift_any;

use crate::wiring::Engine;
use http::HeaderValue;
use model::manifest::{Arrival, DataSpec, Require, Unnamed};
use model::{Code, DataClass, FunctionRef, FunctionRow, Labels, Problem, Scope};
use ports::executor::RequestBody;
use protect::contract::{Bound, Contract, Direction, Swap};
use protect::outside::KeyFile;
use protect::transform::ClassKeys;
use sift::Sift;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// What the request is known to contain, as the function and the queue see it.
const LABELS: &str = "casemate-labels";
/// What stands there if a contract was applied and found nothing.
const NOTHING: &str = "none";

/// The sensitive data of one function.
pub(crate) struct Data {
    spec: Box<DataSpec>,
    /// Whether the manifest says anything.
    says: bool,
    /// Whether the operator does, once somebody asked.
    laid: OnceLock<bool>,
    /// Made when it is first needed: deriving keys costs microseconds, and most functions of a node
    /// are not called in a while.
    ready: OnceLock<Result<Ready, Problem>>,
}

/// The contracts of one function, with keys.
pub(crate) struct Ready {
    /// What is done with requests, by the way in which they come; one entry, if all are alike.
    intakes: Intakes,
    /// What becomes of values that no field names, if requests are changed or refused for them.
    pub(crate) sift: Option<Sift>,
    /// Where values come back, in the manifest's order.
    pub(crate) reveals: Box<[Reveal]>,
}

/// What is done with requests, by the way in which they come.
type Intakes = Box<[(Arrival, Option<Intake>)]>;

/// What is done with requests.
pub(crate) struct Intake {
    bound: Bound,
    has: Has,
    /// What of it is the operator's, and what the manifest's: a body has to be of a kind that each
    /// of them reads.
    parties: Box<[Has]>,
    /// Parts that are files.
    files: Box<[String]>,
}

/// Where values of a class come back.
pub(crate) struct Reveal {
    pub(crate) class: DataClass,
    pub(crate) purpose: String,
    pub(crate) bound: Bound,
    pub(crate) has: Has,
    /// What the caller's token must say, if they come back in replies.
    pub(crate) reply: Option<Require>,
}

/// What is known of the sensitive data in a request.
#[derive(Default)]
pub(crate) struct Taken {
    /// What it contains, and in which form.
    pub(crate) labels: Labels,
    /// What stands for which value.
    pub(crate) swaps: Vec<Arc<Swap>>,
    /// Those of which the value itself came with this very request: who sent it has it.
    pub(crate) came: Vec<Arc<Swap>>,
    /// Those of which the value itself came with a request further up in the tree.
    pub(crate) above: Vec<Arc<Swap>>,
    /// What was done, for the record, and with how many values.
    pub(crate) done: Vec<(String, u64)>,
    /// Values that no field names: what they are, what became of them, and how many.
    pub(crate) found: Vec<(DataClass, &'static str, u64)>,
}

impl Taken {
    /// Adds what is known of another request that is answered in one with this one.
    pub(crate) fn join(&mut self, other: Self) {
        let Self { labels, swaps, came, above, done, found } = other;
        self.labels.join(&labels);
        self.swaps.extend(swaps);
        self.came.extend(came);
        self.above.extend(above);
        for (what, many) in done {
            match self.done.iter_mut().find(|own| own.0 == what) {
                Some(own) => own.1 += many,
                None => self.done.push((what, many)),
            }
        }
        for (class, word, many) in found {
            match self.found.iter_mut().find(|own| own.0 == class && own.1 == word) {
                Some(own) => own.2 += many,
                None => self.found.push((class, word, many)),
            }
        }
    }
}

/// What a reply is known to contain, for the function that called.
#[derive(Clone)]
pub(crate) struct Told(pub(crate) Labels);

impl Data {
    /// What a function's manifest says, if it says anything.
    pub(crate) fn of(row: &FunctionRow) -> Self {
        let says = row.spec.data.is_some();
        let spec = row.spec.data.clone().unwrap_or_default();
        Self { spec, says, laid: OnceLock::new(), ready: OnceLock::new() }
    }

    /// The contracts with their keys.
    pub(crate) fn ready(&self, engine: &Engine, function: &FunctionRef) -> Result<&Ready, Problem> {
        let made = self.ready.get_or_init(|| engine.contracts(&self.spec, function));
        made.as_ref().map_err(Clone::clone)
    }
}

impl Engine {
    fn contracts(&self, spec: &DataSpec, function: &FunctionRef) -> Result<Ready, Problem> {
        let scope = &function.scope;
        let bind = |contract: &Contract, direction| {
            contract.bind(&scope.tenant, direction, &mut |class| self.class_keys(scope, class))
        };
        let intakes = self.intakes(spec, function)?;
        let reveals = spec.reveal.iter().map(|one| {
            let contract = Contract::of_reveal(one, &spec.classes)?;
            let (class, purpose) = (one.class.clone(), one.purpose.clone());
            let bound = bind(&contract, Direction::Reveal)?;
            let wanted = || Require { claims: one.claims.clone(), network: Vec::new() };
            let (has, reply) = (Has::of(&contract), one.is_reply().then(wanted));
            Ok::<_, Problem>(Reveal { class, purpose, bound, has, reply })
        });
        let reveals: Result<Box<[Reveal]>, Problem> = reveals.collect();
        Ok(Ready { intakes, sift: self.sift(spec, scope)?, reveals: reveals? })
    }

    /// What becomes of values that no field names.
    fn sift(&self, spec: &DataSpec, scope: &Scope) -> Result<Option<Sift>, Problem> {
        if spec.unnamed.values().all(|it| *it == Unnamed::Observe) {
            return Ok(None);
        }
        let detector = self.detector()?;
        let actions = Sift::actions(&detector, &spec.unnamed);
        let tokens = actions.iter().filter(|(_, action)| **action == Unnamed::Token);
        let tokens = tokens.map(|(class, _)| {
            let bound =
                Contract::of_found(class).bind(&scope.tenant, Direction::Ingest, &mut |class| {
                    self.class_keys(scope, class)
                })?;
            Ok::<_, Problem>((class.clone(), bound))
        });
        let tokens = tokens.collect::<Result<_, _>>()?;
        Ok(Some(Sift { detector, actions, tokens }))
    }

    /// The keys of a class. Their names are fixed for ever: purpose, epoch, tenant, environment,
    /// class. The epoch is the founding one: what stands for values is outside of the house, where
    /// nobody can seal it anew, and what keeps its format has no room for an epoch.
    fn class_keys(&self, scope: &Scope, class: &DataClass) -> Result<ClassKeys, Problem> {
        let ring = &self.parts.keys;
        let epoch = ring.founding();
        let context = [scope.tenant.as_str(), scope.environment.as_str(), class.as_str()];
        let own = ClassKeys::derive(epoch, |purpose| {
            let key = ring.data_key(epoch, purpose, &context);
            key.map_err(|error| Problem::new(Code::Internal).internal(error))
        });
        let handed = ring.handed(scope, class);
        let handed = handed.iter().map(|handed| {
            Ok::<_, Problem>((KeyFile::read(handed.keys.expose())?.handed(class)?, handed.used))
        });
        Ok(own?.with_handed(handed.collect::<Result<Vec<_>, _>>()?))
    }
}

/// Tells the function what its request is known to contain.
pub(crate) fn tell(request: &mut http::Request<RequestBody>, labels: &Labels) {
    if labels.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::try_from(labels.to_string()) {
        request.headers_mut().insert(LABELS, value);
    }
}

/// Marks a call for the queue as one to which a contract was applied, or as one to which none was.
pub(crate) fn mark(request: &mut http::Request<RequestBody>, taken: Option<&Taken>) {
    request.headers_mut().remove(LABELS);
    let Some(taken) = taken else { return };
    match taken.labels.is_empty() {
        true => drop(request.headers_mut().insert(LABELS, HeaderValue::from_static(NOTHING))),
        false => tell(request, &taken.labels),
    }
}

/// What the fields of a call of the queue say that it is known to contain.
pub(crate) fn labels_kept(fields: &[(String, Vec<u8>)]) -> Labels {
    let own = fields.iter().find(|(name, _)| name == LABELS);
    let text = own.and_then(|(_, value)| std::str::from_utf8(value).ok());
    text.filter(|text| *text != NOTHING).map_or(Labels::NONE, Labels::parse)
}

/// What a call of the queue is known to contain; nothing if no contract was applied to it.
fn marked(request: &mut http::Request<RequestBody>) -> Option<Labels> {
    let value = request.headers_mut().remove(LABELS)?;
    let text = value.to_str().ok()?;
    Some(if text == NOTHING { Labels::NONE } else { Labels::parse(text) })
}

/// Says that something of a reply was covered, with the id of the record that says what.
pub(crate) fn say_masked(head: &mut http::response::Parts, masked: &AtomicBool) {
    if masked.load(Relaxed)
        && let Some(id) = head.headers.get("casemate-invocation").cloned()
    {
        head.headers.insert("casemate-masked", id);
    }
}
