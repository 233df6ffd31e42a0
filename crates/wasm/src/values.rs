//! `wasi:config/store`, and what Spin's SDKs call variables: the values that the function's manifest gives it.
//!
//! They come with the unit that is run, so nothing is asked of the host. Only for secrets that are
//! revealed it is asked, each time that one is read by its name; `get-all` leaves them out.

use crate::state::State;
use ports::host::{Ask, Host, HostCall, HostError, HostReply};
use std::sync::Arc;
use wasmtime::component::{ComponentType, Lift, Linker, Lower};

/// The interface, in every version that is answered. All of them have the same text:
/// `wit/config-draft.wit`, `wit/config-rc1.wit`.
pub(crate) const VERSIONS: [&str; 3] = ["0.2.0-draft", "0.2.0-draft-2024-09-27", "0.2.0-rc.1"];
/// The same values as Spin's SDKs of WASI 0.2 read them: `wit/spin.wit`.
pub(crate) const SPIN: &str = "fermyon:spin/variables@2.0.0";

/// The interface's own error. Given only for secrets: all else is there before the guest is.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "upstream")]
    Upstream(String),
    #[component(name = "io")]
    Io(String),
}

/// The error of Spin's interface. Names that no manifest could have are undefined like others.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
enum SpinError {
    #[component(name = "invalid-name")]
    InvalidName(String),
    #[component(name = "undefined")]
    Undefined(String),
    #[component(name = "provider")]
    Provider(String),
    #[component(name = "other")]
    Other(String),
}

/// Lets guests import every version.
///
/// # Errors
/// Wasmtime's, if a name is defined twice.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    for version in VERSIONS {
        let mut store = linker.instance(&format!("wasi:config/store@{version}"))?;
        store.func_wrap_async("get", |guest, (key,): (String,)| {
            let state = guest.data();
            let found = state.values().get(&key).cloned();
            let host = state.reveals(&key);
            Box::new(async move {
                Ok((match host {
                    Some(host) => reveal(host, key).await.map(Some),
                    None => Ok::<Option<String>, Error>(found),
                },))
            })
        })?;
        store.func_wrap("get-all", |guest, (): ()| {
            let all = guest.data().values().iter();
            let all = all.map(|(key, value)| (key.clone(), value.clone())).collect();
            Ok((Ok::<Vec<(String, String)>, Error>(all),))
        })?;
    }
    let mut variables = linker.instance(SPIN)?;
    variables.func_wrap("get", |guest, (name,): (String,)| {
        let found = guest.data().values().get(&name).cloned();
        Ok((found.ok_or_else(|| SpinError::Undefined(format!("no variable for {name:?}"))),))
    })
}

async fn reveal(host: Arc<dyn Host>, name: String) -> Result<String, Error> {
    let upstream = |error: HostError| Error::Upstream(error.to_string());
    let answer = host.call(Ask::plain(HostCall::Reveal(name))).await.map_err(upstream)?;
    match answer.reply.value {
        HostReply::Secret(value) => String::from_utf8(value.expose().clone())
            .map_err(|_| Error::Upstream("the value is no text".to_owned())),
        _ => Err(upstream(HostError::Failed)),
    }
}
