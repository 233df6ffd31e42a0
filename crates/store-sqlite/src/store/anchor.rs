//! How far each tenant's key-value file, and its index of blobs, had come, as the registry
//! remembers it.
//!
//! Such a file that is put back beside a newer registry is known by it.
//!
//! Invariant: a tenant's number only grows.

use super::Store;
use crate::Error;
use crate::kv::Anchors;
use model::TenantName;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;

/// The facts' keys, under the tenant's own name, which is no word of the platform's.
const VALUES: &str = "kv-counter";
const BLOBS: &str = "blobs-counter";

impl Anchors for Store {
    fn load(&self, tenant: &TenantName) -> Result<Option<u64>, Error> {
        self.anchor(VALUES, tenant)
    }

    fn raise(&self, tenant: &TenantName, counter: u64) -> Result<(), Error> {
        self.raise_anchor(VALUES, tenant, counter)
    }
}

/// The registry, as it remembers indexes of blobs.
pub struct BlobAnchors(pub Store);

impl Anchors for BlobAnchors {
    fn load(&self, tenant: &TenantName) -> Result<Option<u64>, Error> {
        self.0.anchor(BLOBS, tenant)
    }

    fn raise(&self, tenant: &TenantName, counter: u64) -> Result<(), Error> {
        self.0.raise_anchor(BLOBS, tenant, counter)
    }
}

impl Store {
    fn anchor(&self, key: &'static str, tenant: &TenantName) -> Result<Option<u64>, Error> {
        let tenant = tenant.as_str().to_owned();
        self.wait_for(move |connection| read(connection, &tenant, key))
    }

    fn raise_anchor(
        &self,
        key: &'static str,
        tenant: &TenantName,
        counter: u64,
    ) -> Result<(), Error> {
        let tenant = tenant.as_str().to_owned();
        self.wait_for(move |connection| {
            if read(connection, &tenant, key)?.is_some_and(|held| held >= counter) {
                return Ok(());
            }
            connection.execute(
                "INSERT INTO meta (tenant, environment, key, value) VALUES (?1, 'system', ?2, ?3)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
                params![tenant, key, counter.to_string()],
            )?;
            Ok(())
        })
    }

    /// Runs `work` on the writer thread and blocks until it is done. Not for asynchronous callers.
    fn wait_for<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, wait) = oneshot::channel();
        let job: super::Job = Box::new(move |connection| {
            // Who asked waits, or is gone.
            let _ = answer.send(work(connection));
        });
        let jobs = self.inner.jobs.as_ref().ok_or(Error::Closed)?;
        jobs.blocking_send(job).map_err(|_| Error::Closed)?;
        wait.blocking_recv().map_err(|_| Error::Closed)?
    }
}

fn read(connection: &Connection, tenant: &str, key: &str) -> Result<Option<u64>, Error> {
    let text: Option<String> = connection
        .prepare_cached(
            "SELECT value FROM meta WHERE tenant = ?1 AND environment = 'system' AND key = ?2",
        )?
        .query_row([tenant, key], |row| row.get(0))
        .optional()?;
    let number = |text: String| {
        text.parse()
            .map_err(|error| Error::corrupt(format!("registry.db, a tenant's `{key}`"), error))
    };
    text.map(number).transpose()
}
