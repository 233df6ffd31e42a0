//! The way to a broker: through the way out, and with TLS where it is wanted.

use crate::Surroundings;
use crate::line::{Line, Stream};
use crate::tls::Trust;
use model::{Destination, FunctionRef};
use ports::Outbound;
use ports::source::Error;
use std::sync::Arc;

/// Longest text of the other side's that is passed on.
const SAID_CHARS_MAX: usize = 200;

/// Connects one source.
pub(crate) struct Dialer {
    outbound: Arc<dyn Outbound>,
    trust: Trust,
}

impl Dialer {
    pub(crate) fn new(around: Surroundings) -> Self {
        let trust = Trust::new(around.authorities, around.system_authorities);
        Self { outbound: around.outbound, trust }
    }

    /// Connects.
    pub(crate) async fn dial(
        &self,
        function: Arc<FunctionRef>,
        at: &Destination,
    ) -> Result<Box<dyn Stream>, Error> {
        Ok(Box::new(Line::open(&self.outbound, function, at).await?))
    }

    /// Shakes hands.
    pub(crate) async fn shake(
        &self,
        at: &Destination,
        stream: Box<dyn Stream>,
    ) -> Result<Box<dyn Stream>, Error> {
        self.trust.shake(at.host(), stream).await
    }
}

/// What the other side said, short and in one line.
pub(crate) fn plain(said: &str) -> String {
    said.chars().filter(|it| !it.is_control()).take(SAID_CHARS_MAX).collect()
}
