//! Counts what is under way, for each function and for the node.

use crate::fault::fail;
use model::FunctionRef;
use parking_lot::Mutex;
use ports::outbound::{Error, Failure};
use std::collections::HashMap;
use std::sync::Arc;

/// The counts and their limits.
#[derive(Debug)]
pub(crate) struct Slots {
    /// What is counted.
    what: &'static str,
    per_function: usize,
    per_node: usize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    /// A function without requests is not in it.
    each: HashMap<Arc<FunctionRef>, usize>,
}

/// A place among them. It is free again when the last holder drops it.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    function: Arc<FunctionRef>,
}

impl Slots {
    pub(crate) fn new(what: &'static str, per_function: usize, per_node: usize) -> Arc<Self> {
        Arc::new(Self { what, per_function, per_node, counts: Mutex::default() })
    }

    /// Takes a place, or says whose are used up. Nobody waits for one: a guest that is told can
    /// do something else.
    pub(crate) fn take(self: &Arc<Self>, function: &Arc<FunctionRef>) -> Result<Arc<Slot>, Error> {
        let counts = &mut *self.counts.lock();
        if counts.all >= self.per_node {
            let detail = format!("the node has {} {} under way", counts.all, self.what);
            return Err(fail(Failure::Connections, detail));
        }
        let own = counts.each.get(function).copied().unwrap_or_default();
        if own >= self.per_function {
            let detail = format!("{function} has {own} {} under way", self.what);
            return Err(fail(Failure::Connections, detail));
        }
        counts.each.insert(Arc::clone(function), own + 1);
        counts.all += 1;
        Ok(Arc::new(Slot { slots: Arc::clone(self), function: Arc::clone(function) }))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let counts = &mut *self.slots.counts.lock();
        counts.all = counts.all.saturating_sub(1);
        if let Some(own) = counts.each.get_mut(&self.function) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                counts.each.remove(&self.function);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::function;

    #[test]
    fn a_function_has_its_places_and_the_node_has_all() {
        let slots = Slots::new("requests", 2, 3);
        let (one, two) = (function("one"), function("two"));
        let first = slots.take(&one).expect("free");
        let _second = slots.take(&one).expect("free");
        assert_eq!(slots.take(&one).expect_err("full").failure, Failure::Connections);
        let _third = slots.take(&two).expect("another function's");
        let full = slots.take(&two).expect_err("the node is full");
        assert!(full.detail.contains("the node"), "{full}");
        drop(first);
        drop(slots.take(&two).expect("free again"));
        drop(slots.take(&one).expect("free again"));
    }

    #[test]
    fn nothing_is_kept_of_a_function_that_is_done() {
        let slots = Slots::new("requests", 0, 9);
        assert!(slots.take(&function("one")).is_err());
        let slots = Slots::new("requests", 1, 9);
        drop(slots.take(&function("one")).expect("free"));
        assert!(slots.counts.lock().each.is_empty() && slots.counts.lock().all == 0);
    }
}
