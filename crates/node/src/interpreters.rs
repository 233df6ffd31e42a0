//! The interpreters of this machine, found when somebody first needs them.
//!
//! A node that runs components only never looks. What was found is kept for starting functions;
//! a list is always made anew, so that what was installed meanwhile is in it.

use crate::settings::Settings;
use model::api::Interpreter;
use model::{Problem, Timestamp};
use native::interpreter::{Configured, Table, candidates};
use parking_lot::Mutex;
use ports::{Clock, Future};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long an interpreter may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// The interpreters of this machine.
pub(crate) struct Machine {
    configured: BTreeMap<String, Configured>,
    clock: Arc<dyn Clock>,
    found: Mutex<Option<Arc<Table>>>,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("configured", &self.configured).finish_non_exhaustive()
    }
}

impl Machine {
    /// Those of the machine that these settings are for.
    pub(crate) fn of(settings: &Settings, clock: &Arc<dyn Clock>) -> Self {
        Self::new(settings.native.interpreters.clone(), Arc::clone(clock))
    }

    pub(crate) fn new(configured: BTreeMap<String, Configured>, clock: Arc<dyn Clock>) -> Self {
        Self { configured, clock, found: Mutex::new(None) }
    }

    /// What was found before, or is found now.
    pub(crate) async fn table(&self) -> Arc<Table> {
        let known = self.found.lock().clone();
        match known {
            Some(table) => table,
            None => self.look().await,
        }
    }

    async fn look(&self) -> Arc<Table> {
        let table = Arc::new(look(&self.configured).await);
        *self.found.lock() = Some(Arc::clone(&table));
        table
    }
}

impl ports::Interpreters for Machine {
    fn list(&self) -> Future<'_, Vec<Interpreter>> {
        Box::pin(async move { self.look().await.rows(&day(self.clock.wall())) })
    }

    fn check<'a>(&'a self, name: &'a str) -> Future<'a, Result<Option<String>, Problem>> {
        Box::pin(async move {
            if let Ok(found) = self.table().await.find(name) {
                return Ok(found.version.clone());
            }
            // It may have been installed since.
            self.look().await.find(name).map(|found| found.version.clone())
        })
    }
}

/// Looks on this machine without a node and without its configuration.
///
/// # Errors
/// The system gives no thread.
pub fn interpreters(now: Timestamp) -> std::io::Result<Vec<Interpreter>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(look(&BTreeMap::new())).rows(&day(now)))
}

async fn look(configured: &BTreeMap<String, Configured>) -> Table {
    let asked = candidates(Path::new("/"), configured).into_iter().map(|candidate| async move {
        let answer = match candidate.question() {
            Some(question) => process::ask(&candidate.path, question, PATIENCE).await,
            None => return (candidate, None),
        };
        if let Err(error) = &answer {
            let path = candidate.path.display();
            tracing::warn!(%path, %error, "an interpreter does not say its version");
        }
        (candidate, answer.ok())
    });
    Table::of(futures_util::future::join_all(asked).await)
}

/// A day as it is written: YYYY-MM-DD.
fn day(now: Timestamp) -> String {
    now.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_python_that_says_its_version() {
        let rows = interpreters(Timestamp(1_700_000_000_000_000)).expect("a thread");
        let python = rows.iter().find(|row| row.aliases.iter().any(|alias| alias == "python3"));
        let python = python.expect("python3 is there: apt-get install python3");
        let version = python.version.as_deref().expect("it was asked");
        assert!(version.starts_with("3.") && version.matches('.').count() == 2, "{python:?}");
        assert!(version.starts_with(&python.name["python".len()..]), "{python:?}");
        assert!(python.path.starts_with('/'), "{python:?}");
    }
}
