//! Connections that wait for the next request, each function's own.
//!
//! Invariant: what a function gets out is what it put in: the functions' places are apart.

use crate::config::Config;
use crate::link::{One, Stream, Two};
use crate::target::Target;
use model::FunctionRef;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// All connections that wait, and those of HTTP/2 that can be shared.
pub(crate) struct Pool {
    places: Mutex<Functions>,
    /// How many are kept.
    all: Arc<AtomicUsize>,
    per_function: usize,
    per_node: usize,
    idle: Duration,
    age: Duration,
}

#[derive(Default)]
struct Functions {
    each: HashMap<Arc<FunctionRef>, HashMap<Target, Place>>,
}

/// What a function has to one target.
#[derive(Default)]
struct Place {
    /// The one used last is the last.
    ones: Vec<Kept<One>>,
    twos: Vec<Kept<Arc<Two>>>,
    /// Whether the server was seen to speak HTTP/1.1 only.
    plain: bool,
    /// Held by who dials, so that many who want the same connection of HTTP/2 make one.
    gate: Arc<tokio::sync::Mutex<()>>,
}

/// A connection that is kept.
struct Kept<L> {
    link: L,
    used: Instant,
    _counted: Counted,
}

/// Something to send a request on.
pub(crate) enum Lease {
    One(One),
    Two(Stream),
}

impl Pool {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            places: Mutex::default(),
            all: Arc::default(),
            per_function: config.idle_per_function,
            per_node: config.idle_per_node,
            idle: config.idle,
            age: config.age,
        }
    }

    /// A connection that waits, the one used last first.
    pub(crate) fn take(&self, function: &Arc<FunctionRef>, target: &Target) -> Option<Lease> {
        let mut places = self.places.lock();
        let place = places.each.get_mut(function)?.get_mut(target)?;
        let now = Instant::now();
        for kept in &mut place.twos {
            if now.duration_since(kept.link.made) < self.age
                && let Some(stream) = kept.link.share()
            {
                kept.used = now;
                return Some(Lease::Two(stream));
            }
        }
        while let Some(Kept { link, .. }) = place.ones.pop() {
            if now.duration_since(link.made) < self.age && !link.is_closed() {
                return Some(Lease::One(link));
            }
        }
        None
    }

    /// The gate of a target, or nothing if its server takes one request per connection.
    pub(crate) fn gate(
        &self,
        function: &Arc<FunctionRef>,
        target: &Target,
    ) -> Option<Arc<tokio::sync::Mutex<()>>> {
        let mut places = self.places.lock();
        let place = places.place(function, target);
        (!place.plain).then(|| Arc::clone(&place.gate))
    }

    /// Remembers that a server speaks HTTP/1.1 only, or that it does not any more.
    pub(crate) fn plain(&self, function: &Arc<FunctionRef>, target: &Target, plain: bool) {
        self.places.lock().place(function, target).plain = plain;
    }

    /// Keeps a connection for the next request, if there is room.
    pub(crate) fn put(&self, function: &Arc<FunctionRef>, target: &Target, one: One) {
        if one.is_closed() || self.per_function == 0 {
            return;
        }
        let Some(counted) = Counted::new(&self.all, self.per_node) else { return };
        let mut places = self.places.lock();
        places.make_room(function, self.per_function);
        let kept = Kept { link: one, used: Instant::now(), _counted: counted };
        places.place(function, target).ones.push(kept);
    }

    /// The first share of a new connection of HTTP/2, which others can use if there is room.
    pub(crate) fn share(
        &self,
        function: &Arc<FunctionRef>,
        target: &Target,
        two: &Arc<Two>,
    ) -> Option<Stream> {
        let mut places = self.places.lock();
        let stream = two.share();
        if let Some(counted) = Counted::new(&self.all, self.per_node) {
            places.make_room(function, self.per_function);
            let kept = Kept { link: Arc::clone(two), used: Instant::now(), _counted: counted };
            places.place(function, target).twos.push(kept);
        }
        stream
    }

    /// Closes what waited for too long, and forgets places without connections.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        let fresh = |made: Instant, used: Instant| {
            now.duration_since(made) < self.age && now.duration_since(used) < self.idle
        };
        let places = &mut self.places.lock();
        for place in places.each.values_mut().flat_map(HashMap::values_mut) {
            place.ones.retain(|kept| !kept.link.is_closed() && fresh(kept.link.made, kept.used));
            for kept in place.twos.iter_mut().filter(|kept| !kept.link.is_idle()) {
                kept.used = now;
            }
            place.twos.retain(|kept| !kept.link.is_over() && fresh(kept.link.made, kept.used));
        }
        places.forget();
    }

    /// Forgets a target that nothing waits for.
    pub(crate) fn tidy(&self, function: &Arc<FunctionRef>, target: &Target) {
        let mut places = self.places.lock();
        let Some(own) = places.each.get_mut(function) else { return };
        // What was seen of a server is kept a while: many may be about to dial it.
        if own.get(target).is_some_and(|place| place.is_empty() && !place.plain) {
            own.remove(target);
        }
        if own.is_empty() {
            places.each.remove(function);
        }
    }
}

impl Place {
    /// How many connections nobody uses.
    fn waiting(&self) -> usize {
        self.ones.len() + self.twos.iter().filter(|kept| kept.link.is_idle()).count()
    }

    /// When the one was used that was not used for longest.
    fn oldest(&self) -> Option<Instant> {
        let two = self.twos.iter().filter(|kept| kept.link.is_idle()).map(|kept| kept.used).min();
        let one = self.ones.first().map(|kept| kept.used);
        one.into_iter().chain(two).min()
    }

    fn drop_oldest(&mut self) {
        let oldest = self.oldest();
        if self.ones.first().map(|kept| kept.used) == oldest {
            self.ones.remove(0);
        } else {
            let old = |kept: &Kept<Arc<Two>>| kept.link.is_idle() && Some(kept.used) == oldest;
            self.twos.retain(|kept| !old(kept));
        }
    }

    fn is_empty(&self) -> bool {
        self.ones.is_empty() && self.twos.is_empty() && Arc::strong_count(&self.gate) == 1
    }
}

impl Functions {
    fn place(&mut self, function: &Arc<FunctionRef>, target: &Target) -> &mut Place {
        let own = self.each.entry(Arc::clone(function)).or_default();
        own.entry(target.clone()).or_default()
    }

    /// Closes what a function has not used for longest, until one more fits.
    fn make_room(&mut self, function: &Arc<FunctionRef>, most: usize) {
        let Some(own) = self.each.get_mut(function) else { return };
        while own.values().map(Place::waiting).sum::<usize>() >= most {
            let waiting = own.values_mut().filter_map(|place| Some((place.oldest()?, place)));
            let Some((_, place)) = waiting.min_by_key(|(used, _)| *used) else { return };
            place.drop_oldest();
        }
    }

    fn forget(&mut self) {
        for own in self.each.values_mut() {
            own.retain(|_, place| !place.is_empty());
        }
        self.each.retain(|_, own| !own.is_empty());
    }
}

/// One connection in the count of all that are kept.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    /// Counts one more, if there are less than `most`.
    fn new(all: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let more = |count: usize| (count < most).then_some(count + 1);
        let counted = all.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        counted.is_ok().then(|| Self(Arc::clone(all)))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
