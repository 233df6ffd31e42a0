//! The door itself: what all requests share.

use crate::address::Rules;
use crate::config::Config;
use crate::connect;
use crate::names::Names;
use crate::pool::Pool;
use crate::send;
use crate::slots::Slots;
use crate::trust::Trust;
use http::Response;
use model::Problem;
use ports::host::Body;
use ports::outbound::{Connecting, Connection, Error, Outbound, Outgoing};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::runtime::Handle;

/// How often connections are looked at that wait, and the files that name servers for names.
const SWEEP: Duration = Duration::from_secs(5);

/// Sends requests to addresses that somebody else chose. See the crate's page for its promises.
#[derive(Clone)]
pub struct Egress {
    door: Arc<Door>,
}

/// What all requests share.
pub(crate) struct Door {
    pub(crate) rules: Rules,
    pub(crate) names: Names,
    pub(crate) trust: Trust,
    pub(crate) pool: Pool,
    /// Requests under way.
    pub(crate) slots: Arc<Slots>,
    /// Connections that carry whatever functions say.
    pub(crate) connections: Arc<Slots>,
    pub(crate) head_bytes: usize,
    /// Where connections live, whichever thread asked for them.
    pub(crate) runtime: Handle,
}

impl Egress {
    /// Opens the door. Nothing is dialled and no name is looked up before a request wants it.
    /// Connections are moved by tasks on `runtime`, so they outlive the thread that wanted them,
    /// and no guest's work stands in their way.
    ///
    /// # Errors
    /// `E0901`: a file of [`Config::authorities`] cannot be used.
    pub fn open(config: &Config, runtime: Handle) -> Result<Self, Problem> {
        let door = Arc::new(Door {
            rules: Rules::new(&config.networks),
            names: Names::new(config),
            trust: Trust::open(config)?,
            pool: Pool::new(config),
            slots: Slots::new("requests", config.per_function, config.per_node),
            connections: Slots::new(
                "connections",
                config.connections_per_function,
                config.connections_per_node,
            ),
            head_bytes: config.head_bytes,
            runtime,
        });
        let period = SWEEP.min(config.idle).max(Duration::from_millis(10));
        door.runtime.spawn(sweep(Arc::downgrade(&door), period));
        Ok(Self { door })
    }
}

impl Outbound for Egress {
    fn send(&self, outgoing: Outgoing) -> ports::Future<'static, Result<Response<Body>, Error>> {
        Box::pin(send::send(Arc::clone(&self.door), outgoing))
    }

    fn connect(&self, connecting: Connecting) -> ports::Future<'static, Result<Connection, Error>> {
        Box::pin(connect::connect(Arc::clone(&self.door), connecting))
    }
}

/// Looks after the connections that wait, for as long as there is a door.
async fn sweep(door: Weak<Door>, period: Duration) {
    loop {
        tokio::time::sleep(period).await;
        let Some(door) = door.upgrade() else { return };
        door.pool.sweep();
        door.names.refresh();
    }
}
