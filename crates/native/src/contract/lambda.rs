//! AWS Lambda: the process asks for its next invocation, and posts what it answers.
//!
//! The Runtime API (2018-06-01) and the Extensions API (2020-01-01), on a listener that only the
//! process can reach. See `docs/decisions/0036-lambda-is-its-runtime-api.md`.

mod api;
mod environment;
mod event;
mod extension_api;
mod extensions;
mod facts;
mod outcome;
mod receive;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use environment::{Around, environment, proposed};
pub(crate) use facts::Facts;

use super::{Answer, Call, Conversation};
use ports::executor::Fault;
use ports::{Clock, Future};
use render::lambda::Failure;
use serde_json::json;
use server::Server;
use state::State;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

/// How long extensions may take to end.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// A conversation with one process. Dropping it closes every connection.
pub(crate) struct Lambda {
    state: Arc<State>,
    _server: Server,
}

impl Lambda {
    /// Serves the Runtime API on this listener, with tasks on this runtime.
    pub(crate) fn start(
        listener: TcpListener,
        facts: Facts,
        clock: Arc<dyn Clock>,
        handle: &Handle,
    ) -> Self {
        let state = Arc::new(State::new(facts, clock));
        let server = Server::start(listener, Arc::clone(&state), handle);
        Self { state, _server: server }
    }

    async fn talk(&self, call: Call) -> Result<Answer, Fault> {
        let (manner, id) = (call.manner, call.id.clone());
        let (handed, told) = event::of(call, &self.state).await?;
        let answer = self.state.change(|table| {
            let answer = table.offer(handed)?;
            table.extensions.tell(&told, |wants| wants.invoke);
            Ok(answer)
        })?;
        let _given_up = Owed { state: &self.state, id };
        match answer.await {
            Ok(outcome) => outcome::answer(outcome, manner, self.state.facts.form).await,
            // The line broke before all of it was there, or an extension ended the process.
            Err(_) => match self.state.table().broken() {
                Some(fault) => Err(fault.clone()),
                None => Err(outcome::fault(&Failure::truncated())),
            },
        }
    }

    async fn shut_down(&self) {
        let now_ms = self.state.clock.wall().0 / 1000;
        let deadline_ms = now_ms.saturating_add(i64::try_from(SHUTDOWN.as_millis()).unwrap_or(0));
        let event = json!({
            "eventType": "SHUTDOWN",
            "shutdownReason": "spindown",
            "deadlineMs": deadline_ms,
        });
        let told = self.state.change(|table| {
            table.stop();
            table.extensions.tell(&event, |wants| wants.shutdown)
        });
        if told > 0 {
            // Most end without another word, which nobody sees here.
            let idle = self.state.until(|table| table.extensions.idle().then_some(()));
            let _late = tokio::time::timeout(SHUTDOWN, idle).await;
        }
    }
}

impl Conversation for Lambda {
    fn ready(&self) -> Future<'_, Result<(), Fault>> {
        Box::pin(self.state.until(|table| table.ready()))
    }

    fn call(&self, call: Call) -> Future<'_, Result<Answer, Fault>> {
        Box::pin(self.talk(call))
    }

    fn settled(&self) -> Future<'_, ()> {
        Box::pin(self.state.until(|table| table.idle().then_some(())))
    }

    fn stop(&self) -> Future<'_, ()> {
        Box::pin(self.shut_down())
    }
}

/// An invocation that somebody waits for. Dropping it gives it up.
struct Owed<'a> {
    state: &'a State,
    id: String,
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        self.state.change(|table| table.forget(&self.id));
    }
}
