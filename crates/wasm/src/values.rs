//! `wasi:config/store`: the values that the function's manifest gives it.
//!
//! They come with the unit that is run, so nothing is asked of the host.

use crate::state::State;
use wasmtime::component::{ComponentType, Lift, Linker, Lower};

/// The interface, in every version that is answered. All of them have the same text:
/// `wit/config-draft.wit`, `wit/config-rc1.wit`.
pub(crate) const VERSIONS: [&str; 2] = ["0.2.0-draft", "0.2.0-rc.1"];

/// The interface's own error. Never given: what is asked for is there before the guest is.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "upstream")]
    Upstream(String),
    #[component(name = "io")]
    Io(String),
}

/// Lets guests import every version.
///
/// # Errors
/// Wasmtime's, if a name is defined twice.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    for version in VERSIONS {
        let mut store = linker.instance(&format!("wasi:config/store@{version}"))?;
        store.func_wrap("get", |guest, (key,): (String,)| {
            let found = guest.data().values().get(&key).cloned();
            Ok((Ok::<Option<String>, Error>(found),))
        })?;
        store.func_wrap("get-all", |guest, (): ()| {
            let all = guest.data().values().iter();
            let all = all.map(|(key, value)| (key.clone(), value.clone())).collect();
            Ok((Ok::<Vec<(String, String)>, Error>(all),))
        })?;
    }
    Ok(())
}
