//! From `[[source]]` to what the engine pulls from.
//!
//! Each source has a way out of its own, for the networks that its section names: the operator chose
//! the place, and a name that comes to lead elsewhere does not lead into a network that nobody named.

use crate::settings::{Settings, SourceSettings};
use egress::Egress;
use model::Problem;
use ports::Clock;
use sources::{Kind, Surroundings};
use std::sync::Arc;

/// What a node calls itself where sources tell their readers apart: the same after a restart, and
/// another one's with another root key.
const CONSUMER: &str = "casemate";

/// The sources of the settings. Nothing is connected yet.
///
/// # Errors
/// This build has none of a kind, or a file of authorities cannot be used.
pub(crate) fn open(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    fingerprint: &str,
) -> Result<Vec<Arc<engine::Source>>, Problem> {
    settings.sources.iter().map(|one| open_one(settings, one, clock, fingerprint)).collect()
}

fn open_one(
    settings: &Settings,
    one: &SourceSettings,
    clock: &Arc<dyn Clock>,
    fingerprint: &str,
) -> Result<Arc<engine::Source>, Problem> {
    let door = &settings.outbound.door;
    let config = egress::Config { networks: one.networks.clone(), ..door.clone() };
    let outbound = Egress::open(&config, tokio::runtime::Handle::current())?;
    let around = Surroundings {
        outbound: Arc::new(outbound),
        authorities: door.authorities.clone(),
        system_authorities: door.system_authorities,
        clock: Arc::clone(clock),
    };
    let mut kind = one.kind.clone();
    if let Kind::Redis(redis) = &mut kind
        && redis.consumer.is_empty()
    {
        redis.consumer = format!("{CONSUMER}-{fingerprint}");
    }
    Ok(Arc::new(engine::Source {
        scope: one.scope.clone(),
        name: one.name.clone(),
        secret: one.secret.clone(),
        backlog: one.backlog,
        port: sources::open(kind, around)?,
    }))
}
