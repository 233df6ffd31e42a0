//! A server's beginning and end. All of it runs on native's runtime.

use super::fault::fault;
use super::row::{Form, Ready, Stop};
use super::{Inner, whisk};
use http::Method;
use model::manifest::Hook;
use ports::executor::{Fault, FaultKind};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// The first pause between two looks whether a server is there.
const LOOK_FIRST: Duration = Duration::from_millis(1);
/// The longest one: Azure's.
const LOOK_MAX: Duration = Duration::from_millis(25);
/// Longest time for what a server does before it is frozen or stopped (Function Compute's default).
const HOOK: Duration = Duration::from_secs(3);

impl Inner {
    /// Waits until the server can take calls.
    pub(super) async fn ready(&self) -> Result<(), Fault> {
        let end = Instant::now() + self.start;
        let ready = match &self.server.probe {
            Some(path) => Ready::Probe(path),
            None => self.row.ready,
        };
        if timeout_at(end, self.until(ready)).await.is_err() {
            return Err(self.late(&missing(ready, self.facts.port)));
        }
        if self.has(Hook::Initialize) {
            let asked = timeout_at(end, self.ask(Method::POST, "/initialize", true));
            let (status, text) =
                asked.await.map_err(|_| self.late("did not answer `/initialize`"))??;
            if !status.is_success() {
                let text = String::from_utf8_lossy(&text);
                let what = format!("the server answered `/initialize` with {status}: {text}");
                return Err(fault(FaultKind::GuestError, what));
            }
        }
        if self.row.form == Form::Whisk {
            let told = timeout_at(end, whisk::init(self)).await;
            return told.map_err(|_| self.late("did not answer `/init`"))?;
        }
        Ok(())
    }

    async fn until(&self, ready: Ready<'_>) {
        let mut pause = LOOK_FIRST;
        loop {
            let there = match ready {
                // Looking would use up the only connection.
                Ready::Listening if self.row.form == Form::Stdio => true,
                Ready::Listening if self.row.form == Form::Worker => {
                    self.links.reaches().await && self.events.reaches().await
                }
                Ready::Listening => self.links.reaches().await,
                Ready::Answers => self.ask(Method::GET, "/", false).await.is_ok(),
                Ready::Probe(path) => {
                    let asked = self.ask(Method::GET, path, false).await;
                    asked.is_ok_and(|(status, _)| status.is_success())
                }
            };
            if there {
                return;
            }
            sleep(pause).await;
            pause = (pause * 5 / 4).min(LOOK_MAX);
        }
    }

    fn late(&self, what: &str) -> Fault {
        let limit = self.start.as_millis();
        fault(FaultKind::NoResponse, format!("the server {what} within {limit} ms"))
    }

    /// Lets the server finish what cannot wait until it is thawed.
    pub(super) async fn pre_freeze(&self) {
        self.tell("/pre-freeze", HOOK).await;
    }

    /// Asks the process to end, and gives it the time that it has for that.
    pub(super) async fn stop(&self) {
        self.links.close();
        self.events.close();
        let said = self.server.grace.map(model::unit::Duration::std);
        let grace = match self.row.stop {
            Stop::Kill => said,
            Stop::Terminate(grace) => Some(said.unwrap_or(grace)),
            Stop::Drain => Some(said.unwrap_or(Duration::from_millis(self.limits.wall_ms))),
        };
        if self.has(Hook::PreStop) {
            self.tell("/pre-stop", said.unwrap_or(HOOK)).await;
        }
        if let Some(grace) = grace {
            self.with.process.terminate();
            let _late = timeout(grace, self.with.process.ended()).await;
        }
    }

    /// Tells a server something. Whatever comes of it, its life goes on or ends.
    async fn tell(&self, path: &str, limit: Duration) {
        match timeout(limit, self.ask(Method::GET, path, true)).await {
            Ok(Ok((status, _))) if status.is_success() => {}
            Ok(Ok((status, _))) => tracing::debug!(path, %status, "a server did not take it well"),
            Ok(Err(fault)) => tracing::debug!(path, %fault, "a server could not be told"),
            Err(_) => tracing::debug!(path, "a server took too long"),
        }
    }
}

fn missing(ready: Ready<'_>, port: u16) -> String {
    match ready {
        Ready::Listening => format!("did not listen on port {port} of 0.0.0.0 or 127.0.0.1"),
        Ready::Answers => format!("did not answer on port {port}"),
        Ready::Probe(path) => format!("did not answer `{path}` on port {port} with 2xx"),
    }
}
