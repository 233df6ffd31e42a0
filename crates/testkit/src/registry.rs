//! What every version of the registry and its ledger must do.
//!
//! [`conforms`] runs a table of acts and what must come of them; [`same`] feeds two versions one
//! random history and compares everything that can be read.
//!
//! Invariant: the suite uses the ports only, so a failure is the version's own.

use model::act::Act;
use model::manifest::{Auth, FunctionSpec, HttpTrigger, Manifest};
use model::token::{TokenId, TokenRow};
use model::{
    ApplicationName, FunctionName, FunctionRef, Grant, Principal, Scope, SecretRow, Timestamp,
    TokenName,
};
use ports::ledger::Ledger;
use ports::registry::{By, Registry};
use std::sync::Arc;

pub use crate::artifacts::sha256;
pub use differential::{histories, same};
pub use notary::PlainNotary;
pub use suite::conforms;

mod differential;
mod notary;
mod suite;

/// Both ports of one store.
pub trait Both: Registry + Ledger {}

impl<T: Registry + Ledger> Both for T {}

/// An empty memory version.
#[must_use]
pub fn memory() -> ports::memory::Registry {
    ports::memory::Registry::new(Arc::new(PlainNotary), sha256)
}

/// A name that is known to be good.
///
/// # Panics
/// If it is not.
#[expect(clippy::panic, reason = "a test that misspells a name must not go on")]
fn name<T: std::str::FromStr<Err = model::name::Error>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// The operator in the default scope, at second `second` of some day.
#[must_use]
pub fn operator(second: i64) -> By {
    let at = Timestamp(1_700_000_000_000_000).plus_us(second * 1_000_000);
    By { actor: "operator".to_owned(), scope: Scope::default(), at }
}

/// A function of the default scope.
#[must_use]
pub fn function(text: &str) -> FunctionRef {
    FunctionRef { scope: Scope::default(), name: name(text) }
}

/// A function of a manifest: its name, its component's bytes, and its routes.
#[must_use]
pub fn spec(text: &str, component: &str, routes: &[&str]) -> FunctionSpec {
    let mut spec = FunctionSpec::bare(name(text), None, Auth::Token);
    spec.digest = Some(sha256(component.as_bytes()));
    let routes = routes.iter().filter_map(|route| route.parse().ok());
    spec.http = routes.map(|route| HttpTrigger::new(route, Auth::Token)).collect();
    spec
}

/// A deployment, without a condition and without grants.
#[must_use]
pub fn deploy(application: &str, functions: &[FunctionSpec]) -> Act {
    let manifest = Manifest::of(name(application), functions.to_vec());
    Act::Deploy { manifest: Box::new(manifest), expected: None, grants: Vec::new() }
}

/// A grant.
#[must_use]
pub fn invoke(who: Principal, text: &str) -> Grant {
    Grant { who, action: model::Action::Invoke { function: name::<FunctionName>(text) } }
}

/// A token's creation. Its id and hash come from its name.
#[must_use]
pub fn token(text: &str, functions: &[&str]) -> Act {
    let token = TokenRow {
        id: TokenId(format!("id-{text}")),
        name: name(text),
        hash: sha256(text.as_bytes()),
        created: Timestamp(1),
        expires: None,
        // One in two has a key, so that both forms are kept.
        key: text.len().is_multiple_of(2).then(|| model::token::SealedKey {
            epoch: model::key::Epoch(1),
            sealed: model::vault::Sealed(text.as_bytes().to_vec()),
            manages: text.len().is_multiple_of(4),
        }),
    };
    Act::TokenCreate { token, invoke: functions.iter().map(|text| name(text)).collect() }
}

/// A secret's value. What is sealed in it comes from its name and version.
#[must_use]
pub fn secret(text: &str, version: u32, rotate: bool) -> Act {
    let row = SecretRow {
        name: name(text),
        version,
        set: Timestamp(1),
        weak: false,
        epoch: model::key::Epoch(1),
        sealed: model::vault::Sealed(format!("sealed {text} {version}").into_bytes()),
    };
    Act::SecretPut { row, rotate }
}

/// A secret's end.
#[must_use]
pub fn secret_remove(text: &str) -> Act {
    Act::SecretRemove { name: name(text) }
}

fn application(text: &str) -> ApplicationName {
    name(text)
}

fn token_name(text: &str) -> TokenName {
    name(text)
}
