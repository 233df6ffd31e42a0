//! What every command is given: the global options, a voice, and a way to the node.

use crate::args::Global;
use crate::client::Client;
use crate::local;
use crate::voice::Voice;
use model::{Problem, Scope};

/// The surroundings of a command.
pub(crate) struct Context {
    /// The global options.
    pub(crate) global: Global,
    /// How to speak.
    pub(crate) voice: Voice,
}

impl Context {
    /// Surroundings from the global options.
    pub(crate) fn new(global: Global) -> Self {
        let voice = Voice::new(global.format, global.quiet);
        Self { global, voice }
    }

    /// The tenant and environment that the command is about.
    pub(crate) fn scope(&self) -> Scope {
        Scope { tenant: self.global.tenant.clone(), environment: self.global.env.clone() }
    }

    /// A client of the node that the options or the environment name.
    ///
    /// # Errors
    /// E0606 if there is none.
    pub(crate) fn client(&self) -> Result<Client, Problem> {
        let target = local::locate(self.global.home.as_deref())?;
        Client::new(&target.url, target.token, self.scope())
    }
}
