//! What every request of a worker is answered with.

use crate::access::AccessLog;
use crate::config::Config;
use crate::entry::Challenges;
use std::sync::Arc;

/// The engine, and what is answered without it.
pub(crate) struct Desk<E> {
    pub(crate) engine: Arc<E>,
    pub(crate) config: Arc<Config>,
    pub(crate) challenges: Option<Arc<dyn Challenges>>,
    /// Where requests are written down.
    pub(crate) log: Option<Arc<AccessLog>>,
}
