//! All certificates of a node: read at the start, served, watched, renewed.

pub(crate) use load::read_files;

mod load;
mod report;

use crate::acme::Keeper;
use crate::challenges::Challenges;
use crate::clients::{self, Verifier};
use crate::config::{Challenge, Clients, Config, Files};
use crate::pair::Pair;
use crate::resolver::Resolver;
use crate::server::{Parts, server_config};
use crate::table::Table;
use crate::tickets::Tickets;
use crate::vault::Vault;
use crate::watch::Watched;
use arc_swap::ArcSwap;
use model::Problem;
use parking_lot::Mutex;
use ports::Clock;
use ports::keyring::Sealer;
use rustls::ServerConfig;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How often the log reminds of certificates that expire.
const REMIND: Duration = Duration::from_secs(24 * 3600);

/// All certificates of a node.
pub struct Certificates {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) vault: Vault,
    pub(crate) challenges: Arc<Challenges>,
    server: Arc<ServerConfig>,
    table: Arc<ArcSwap<Table>>,
    verifier: Option<Arc<Verifier>>,
    tickets: Arc<Tickets>,
    held: Mutex<Held>,
    nudge: Notify,
}

/// Everything that can change.
struct Held {
    files: Vec<OfFiles>,
    obtained: BTreeMap<String, Obtained>,
    self_signed: Option<Pair>,
    clients: Option<OfClients>,
}

/// A certificate of the operator's files.
struct OfFiles {
    files: Files,
    pair: Pair,
    watched: Watched,
    trouble: Option<String>,
}

/// A certificate for one domain of `[tls.acme]`.
struct Obtained {
    pair: Option<Pair>,
    /// Served while there is none.
    stand_in: Option<Pair>,
    trouble: Option<String>,
}

/// The authorities of client certificates.
struct OfClients {
    clients: Clients,
    watched: Watched,
    trouble: Option<String>,
}

impl Certificates {
    /// Reads everything. Nothing is asked of any network yet. Blocks on the disk.
    ///
    /// # Errors
    /// `E0620` to `E0629` for files and settings that cannot be used, `E0612` for the home.
    pub fn open(
        config: Config,
        sealer: Arc<dyn Sealer>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, Problem> {
        config.check_settings()?;
        let vault = Vault::new(config.directory.clone(), sealer);
        let (held, verifier) = Held::read(&config, &vault, clock.wall())?;
        let verifier = verifier.map(|inner| Arc::new(Verifier::new(inner)));
        let challenges = Arc::new(Challenges::default());
        let table = Arc::new(ArcSwap::from_pointee(held.table(config.strict_sni)));
        let tickets = Arc::new(Tickets::new()?);
        let proves_by_tls =
            config.acme.as_ref().is_some_and(|acme| acme.challenge == Challenge::TlsAlpn01);
        let server = server_config(Parts {
            resolver: Resolver { table: Arc::clone(&table), challenges: Arc::clone(&challenges) },
            verifier: verifier.clone(),
            tickets: Arc::clone(&tickets),
            minimum: config.minimum,
            challenges: proves_by_tls,
        })?;
        let (held, nudge) = (Mutex::new(held), Notify::new());
        Ok(Arc::new(Self {
            config,
            clock,
            vault,
            challenges,
            server,
            table,
            verifier,
            tickets,
            held,
            nudge,
        }))
    }

    /// Where what was made or obtained lies.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The configuration of every connection. It stays the same when certificates change.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }

    /// What the directory asks over plain HTTP.
    #[must_use]
    pub fn challenges(&self) -> Arc<Challenges> {
        Arc::clone(&self.challenges)
    }

    /// Watches files, and obtains and renews certificates. Ends only when it is dropped.
    pub async fn keep(self: Arc<Self>) {
        let watching = async {
            let mut reminded = None;
            loop {
                let now = self.clock.monotonic();
                if reminded.is_none_or(|last| now.saturating_sub(last) > REMIND) {
                    self.remind();
                    reminded = Some(now);
                }
                tokio::time::sleep(self.config.watch.max(Duration::from_millis(10))).await;
                self.blocking(|own| own.look(false)).await;
            }
        };
        let obtaining = async {
            match Keeper::new(&self) {
                Some(keeper) => keeper.run().await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(watching, obtaining);
    }

    /// Reads all files again, and lets an order that waits for its next attempt begin.
    pub async fn reload(self: &Arc<Self>) {
        self.blocking(|own| own.look(true)).await;
        self.nudge.notify_one();
    }

    async fn blocking(self: &Arc<Self>, work: impl FnOnce(&Self) + Send + 'static) {
        let own = Arc::clone(self);
        if let Err(error) = tokio::task::spawn_blocking(move || work(&own)).await {
            tracing::error!(%error, "certificates could not be looked at");
        }
    }

    /// Waits until somebody wants orders to be tried at once.
    pub(crate) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// The certificate of a domain, if there is one from the directory.
    pub(crate) fn obtained(&self, name: &str) -> Option<Pair> {
        self.held.lock().obtained.get(name)?.pair.clone()
    }

    /// Serves a certificate that was just obtained.
    pub(crate) fn install(&self, name: &str, pair: Pair) {
        let mut held = self.held.lock();
        let new = Obtained { pair: Some(pair), stand_in: None, trouble: None };
        held.obtained.insert(name.to_owned(), new);
        self.publish(&held);
    }

    /// Notes why a domain has no new certificate.
    pub(crate) fn not_obtained(&self, name: &str, why: &Problem) {
        if let Some(obtained) = self.held.lock().obtained.get_mut(name) {
            obtained.trouble = Some(why.to_string());
        }
    }

    fn publish(&self, held: &Held) {
        self.table.store(Arc::new(held.table(self.config.strict_sni)));
    }

    /// Looks at all files, and uses again what changed; all of them, if `all`.
    fn look(&self, all: bool) {
        let mut held = self.held.lock();
        let now = self.clock.wall();
        let mut changed = false;
        for of in &mut held.files {
            if of.watched.look() || all {
                changed |= of.reload(now);
            }
        }
        if let Some(pair) = &held.self_signed
            && load::is_due(pair, now)
        {
            changed |= held.renew_self_signed(&self.config, &self.vault, now);
        }
        if changed {
            self.publish(&held);
        }
        if let (Some(of), Some(verifier)) = (&mut held.clients, &self.verifier)
            && (of.watched.look() || all)
        {
            of.reload(verifier, &self.tickets);
        }
    }
}

impl OfClients {
    fn reload(&mut self, verifier: &Verifier, tickets: &Tickets) {
        let read = clients::read(&self.clients).and_then(|inner| {
            verifier.replace(inner);
            tickets.renew()
        });
        self.watched.done(read.is_ok());
        let label = self.clients.ca.display();
        self.trouble = load::told(&label, "client certificates", self.trouble.as_deref(), read);
    }
}
