//! What a door may want to know of a request beside its answer: which route and function it met.

use model::FunctionName;
use std::sync::{Arc, OnceLock};

/// Filled once, when the route of a request is found; whatever becomes of the request then.
#[derive(Debug, Default)]
pub struct Noted(OnceLock<Met>);

/// What a request met.
#[derive(Debug)]
pub struct Met {
    /// The pattern of the route, as it was declared.
    pub route: Arc<str>,
    /// The function.
    pub function: FunctionName,
}

impl Noted {
    /// What the request met, if it met a route.
    #[must_use]
    pub fn met(&self) -> Option<&Met> {
        self.0.get()
    }

    pub(crate) fn meet(&self, route: &Arc<str>, function: &FunctionName) {
        // A request meets one route.
        let _ = self.0.set(Met { route: Arc::clone(route), function: function.clone() });
    }
}
