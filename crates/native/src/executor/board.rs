//! Finding a process for an invocation: one that has room, or a new one.

use super::fleet::Fleet;
use super::instance::Instance;
use super::run::Aboard;
use super::{Shared, start};
use crate::seat::Taken;
use ports::Host;
use ports::executor::{Fault, Unit};
use ports::host::{Ask, HostCall, HostReply};
use std::sync::Arc;

/// Finds a process for an invocation, or starts one.
pub(super) async fn board(
    shared: Arc<Shared>,
    unit: Arc<Unit>,
    host: Arc<dyn Host>,
    said: Vec<(String, String)>,
) -> Result<Aboard, Fault> {
    let revealed = reveal(&unit, &host).await?;
    let fleet = shared.fleet(&unit);
    Search { shared, unit, host, fleet, revealed, said }.find().await
}

/// The secrets that a function reads, as it may read them now.
#[derive(Default)]
pub(super) struct Revealed {
    pub(super) values: Vec<(String, model::Secret<Vec<u8>>)>,
    /// What they are, to see whether a process has the same.
    pub(super) digest: Option<model::Digest>,
}

async fn reveal(unit: &Unit, host: &Arc<dyn Host>) -> Result<Revealed, Fault> {
    let mut values = Vec::new();
    for name in &unit.revealed {
        let ask = Ask::plain(HostCall::Reveal(name.clone()));
        let reply = Arc::clone(host).call(ask).await.map(|answer| answer.reply.value);
        // It is not there for a function that may not read it.
        if let Ok(HostReply::Secret(value)) = reply {
            values.push((name.clone(), value));
        }
    }
    let digest = (!unit.revealed.is_empty()).then(|| start::digest_of(&values));
    Ok(Revealed { values, digest })
}

/// What is known of an invocation that has no process yet.
struct Search {
    shared: Arc<Shared>,
    unit: Arc<Unit>,
    host: Arc<dyn Host>,
    fleet: Arc<Fleet>,
    revealed: Revealed,
    /// What a process is told of it in its environment.
    said: Vec<(String, String)>,
}

impl Search {
    async fn find(self) -> Result<Aboard, Fault> {
        if let Some(aboard) = self.waiting() {
            return self.ready(aboard).await;
        }
        if !self.fleet.is_shared() {
            return match self.fleet.soon(|| self.waiting()).await {
                Some(aboard) => self.ready(aboard).await,
                None => self.begin().await,
            };
        }
        // Those that come together share the first one's process, and do not start one each.
        let turn = self.fleet.turn().await;
        let aboard = match self.waiting() {
            Some(aboard) => aboard,
            None => self.start().await?,
        };
        drop(turn);
        self.ready(aboard).await
    }

    /// A process with room, which is taken.
    fn waiting(&self) -> Option<Aboard> {
        while let Some(instance) = self.fleet.board() {
            // What it was given to read may have changed, or may be it no longer may read it.
            if instance.revealed() == self.revealed.digest {
                let taken = instance.seat().take(Arc::clone(&self.host));
                return Some(self.aboard(instance, Some(taken)));
            }
            self.fleet.leave(&instance);
            instance.alight(self.shared.parts.clock.monotonic(), false);
        }
        None
    }

    /// A new process that is this invocation's alone.
    async fn begin(&self) -> Result<Aboard, Fault> {
        let aboard = self.start().await?;
        let ready = start::ready(&aboard.instance, &self.unit).await;
        // What makes jails ended, and took this one along before it was given anything to do.
        if ready.is_err() && aboard.instance.is_orphaned() {
            let aboard = self.start().await?;
            return self.ready(aboard).await;
        }
        ready.map(|()| aboard)
    }

    async fn start(&self) -> Result<Aboard, Fault> {
        let host = Some(Arc::clone(&self.host));
        let (instance, taken) =
            start::start(&self.shared, &self.unit, (&self.revealed, &self.said), host).await?;
        let aboard = self.aboard(Arc::new(instance), taken);
        if aboard.instance.is_shared() {
            self.fleet.put_last(&aboard.instance);
        }
        Ok(aboard)
    }

    async fn ready(&self, aboard: Aboard) -> Result<Aboard, Fault> {
        start::ready(&aboard.instance, &self.unit).await.map(|()| aboard)
    }

    fn aboard(&self, instance: Arc<Instance>, taken: Option<Taken>) -> Aboard {
        let native = self.unit.around.native.as_ref();
        Aboard {
            instance,
            taken,
            fleet: Arc::clone(&self.fleet),
            clock: Arc::clone(&self.shared.parts.clock),
            fresh: native.is_some_and(|it| it.fresh || it.contract.is_a_process_each()),
            sound: false,
        }
    }
}
