//! The queue as operators see it, and what its workers have in hand.

mod peek;

use crate::invoke::trigger_of;
use crate::wiring::Engine;
use model::api;
use model::wire::queued::Call;
use model::wire::v1::Start;
use model::{Code, Digest, FunctionName, InvocationId, Problem, Scope};
use parking_lot::Mutex;
use ports::queue::{Claim, ListQuery, Purge, State, Status};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// Dead letters that are looked at together.
const PAGE: usize = 500;

/// What the workers have in hand.
#[derive(Default)]
pub(crate) struct Backlog {
    woken: Notify,
    /// The last lease of each message that runs on this node.
    in_hand: Mutex<HashMap<InvocationId, Arc<Mutex<Claim>>>>,
}

/// A message in hand; lets go of it when dropped.
pub(crate) struct InHand<'a> {
    backlog: &'a Backlog,
    claim: Arc<Mutex<Claim>>,
}

impl Backlog {
    /// Something is due.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Waits until something is due.
    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Takes a message in hand. If it runs already, because its lease ran out under it, the run
    /// goes on under the new lease and there is nothing to do: nothing runs twice at a time.
    pub(crate) fn hold(&self, claim: Claim) -> Option<InHand<'_>> {
        let mut in_hand = self.in_hand.lock();
        if let Some(held) = in_hand.get(&claim.id) {
            *held.lock() = claim;
            return None;
        }
        let claim = Arc::new(Mutex::new(claim));
        in_hand.insert(claim.lock().id, Arc::clone(&claim));
        Some(InHand { backlog: self, claim })
    }
}

impl InHand<'_> {
    /// The last lease.
    pub(crate) fn claim(&self) -> Claim {
        *self.claim.lock()
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        let id = self.claim().id;
        self.backlog.in_hand.lock().remove(&id);
    }
}

impl Engine {
    /// Calls that wait or were given up, the oldest first.
    ///
    /// # Errors
    /// The queue failed.
    pub async fn queued(&self, query: ListQuery) -> Result<Vec<api::Queued>, Problem> {
        let query = ListQuery { limit: query.limit.clamp(1, 1000), ..query };
        let found = self.parts.queue.list(query).await?;
        Ok(found.iter().map(view).collect())
    }

    /// Tries a dead letter again, with its attempts counted anew.
    ///
    /// # Errors
    /// There is none such, or the queue failed.
    pub async fn requeue(&self, scope: &Scope, id: InvocationId) -> Result<(), Problem> {
        let now = self.parts.clock.wall();
        if !self.parts.queue.requeue(scope, id, now).await? {
            return Err(Problem::new(Code::NoSuchMessage).detail(id));
        }
        self.backlog.wake();
        Ok(())
    }

    /// Tries the dead letters of a function again, or all of the scope, the oldest first. Says how
    /// many.
    ///
    /// # Errors
    /// The queue failed; those before are tried again.
    pub async fn redrive(
        &self,
        scope: &Scope,
        function: Option<FunctionName>,
    ) -> Result<u64, Problem> {
        let (mut count, mut after) = (0, None);
        loop {
            let (scope, function) = (scope.clone(), function.clone());
            let query = ListQuery { scope, function, dead: true, after, limit: PAGE };
            let page = self.parts.queue.list(query).await?;
            for dead in &page {
                let now = self.parts.clock.wall();
                let scope = &dead.function.scope;
                count += u64::from(self.parts.queue.requeue(scope, dead.id, now).await?);
            }
            self.backlog.wake();
            after = page.last().map(|last| last.id);
            if page.len() < PAGE {
                return Ok(count);
            }
        }
    }

    /// Removes dead letters, and says how many.
    ///
    /// # Errors
    /// There is none with the id that was named, or the queue failed.
    pub async fn purge(&self, scope: &Scope, which: Purge) -> Result<u64, Problem> {
        let one = if let Purge::One(id) = which { Some(id) } else { None };
        let gone = self.parts.queue.purge(scope, which).await?;
        match one {
            Some(id) if gone == 0 => Err(Problem::new(Code::NoSuchMessage).detail(id)),
            _ => Ok(gone),
        }
    }

    /// Writes a consistent copy of the queue to a new file, for a backup.
    ///
    /// # Errors
    /// The copy could not be made.
    pub async fn backup_queue(&self, file: std::path::PathBuf) -> Result<(), Problem> {
        Ok(self.parts.queue.backup(file).await?)
    }

    /// What is known of a call that still waits or runs. Dead letters have a record like all that
    /// ended.
    pub(crate) async fn unfinished(&self, scope: &Scope, id: InvocationId) -> Option<api::Record> {
        let status = match self.parts.queue.find(scope, id).await {
            Ok(status) => status.filter(|status| status.state != State::Dead)?,
            Err(error) => {
                // What is on record can be read all the same.
                tracing::warn!(%error, "the queue cannot be read");
                return None;
            }
        };
        // It may have ended meanwhile.
        let payload = self.parts.queue.payload(scope, id).await.ok()??;
        let (call, _) = Call::decode(&payload).ok()?;
        let mut record = api::Record::running(&self.start_of(&status, call));
        record.reason = status.error.map(|why| format!("attempt {}: {why}", status.attempts));
        if status.state == State::Waiting {
            "queued".clone_into(&mut record.outcome);
        }
        Some(record)
    }

    fn start_of(&self, status: &Status, call: Call) -> Start {
        let catalog = self.catalog.load();
        let function = catalog
            .view(&status.function.scope)
            .and_then(|view| view.functions.get(&status.function.name));
        Start {
            id: status.id,
            root: status.id,
            parent: None,
            depth: 0,
            function: Arc::new(status.function.clone()),
            revision: function.map_or(0, |function| function.row.revision),
            digest: function.map_or(Digest([0; 32]), |function| function.row.digest),
            trigger: trigger_of(&call, status.attempts),
            caller: call.caller,
            start_us: status.queued,
            traceparent: None,
        }
    }
}

fn view(status: &Status) -> api::Queued {
    let state = match status.state {
        State::Waiting => "queued",
        State::Leased => "running",
        State::Dead => "dead",
    };
    api::Queued {
        invocation: status.id,
        function: status.function.name.clone(),
        state: state.to_owned(),
        attempts: status.attempts,
        queued: status.queued.to_string(),
        due: status.due.to_string(),
        bytes: status.bytes,
        error: status.error.clone(),
    }
}
