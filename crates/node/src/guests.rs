//! The children that run guests: what they are told, and what they do with it.

use crate::clock::SystemClock;
use crate::settings::Settings;
use model::Problem;
use seam::{Options, Server, Tenants};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::sync::Arc;
use wasm::{Config, Origin, WasmExecutor};

/// How a child sets its executor up.
#[derive(Debug, Serialize, Deserialize)]
struct Orders {
    instances: u32,
    cache_bytes: u64,
    wasi_03: bool,
}

/// An executor that runs every tenant's functions in a child.
pub(crate) fn tenants(
    settings: &Settings,
    library: Arc<WasmExecutor>,
    children: Arc<process::ChildProcesses>,
) -> Result<Tenants<WasmExecutor>, Problem> {
    let orders = Orders {
        instances: settings.wasm.instances,
        cache_bytes: settings.wasm.cache.bytes,
        wasi_03: settings.wasm.wasi03,
    };
    let orders = serde_json::to_string(&orders)
        .map_err(|error| Problem::new(model::Code::Internal).internal(error))?;
    let runtime = tokio::runtime::Handle::current();
    Ok(Tenants::new(library, children, Options::new(orders), runtime))
}

/// The whole of the hidden subcommand `__guests`.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let prepare = |orders: &str| {
        let orders: Orders = serde_json::from_str(orders).map_err(|error| error.to_string())?;
        let server = Server::new().map_err(|error| error.to_string())?;
        let origin = Origin::Elsewhere(server.programs());
        let mut config = Config::new(origin, Arc::new(SystemClock));
        config.instances = orders.instances;
        config.cache_bytes = orders.cache_bytes;
        config.wasi_03 = orders.wasi_03;
        let executor = WasmExecutor::new(config).map_err(|error| error.to_string())?;
        Ok((executor as Arc<dyn ports::Executor>, server))
    };
    process::run_companion(arguments, prepare, |(executor, server), socket, _layers| {
        server.serve(socket, &executor)
    })
}
