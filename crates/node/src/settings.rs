//! Configuration: one TOML file, then the environment, then flags; each value knows its origin.
//!
//! Invariant: this is the only place that reads the environment, and a key that does not exist is
//! an error.

mod assets;
mod blobs;
mod budget;
mod cap;
mod compat;
mod data;
mod events;
mod file;
#[cfg(test)]
mod fuzz;
mod gateway;
mod http2;
mod isolation;
mod issuer;
mod limit;
mod native;
mod network;
mod outbound;
mod pick;
mod price;
mod queue;
mod resolve;
mod secret;
mod sections;
mod source;
mod tls;
mod websockets;

pub(crate) use compat::{LOCAL, address_domain};
pub(crate) use gateway::ProxyProtocol;
pub(crate) use isolation::Isolation;
pub(crate) use issuer::{Fetched, Issuer, Keys, Place, address};
pub use pick::SettingRow;
pub use resolve::Settings;
pub(crate) use secret::{Login, Place as SecretPlace, Secrets, Vault};
pub(crate) use source::Source as SourceSettings;

use std::path::PathBuf;

/// What the command line said.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--home`
    pub home: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<String>,
    /// `--admin`
    pub admin: Option<String>,
    /// `--api`
    pub api: Option<String>,
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--root-key-file`
    pub root_key_file: Option<PathBuf>,
    /// `--root-key-passphrase-file`
    pub root_key_passphrase_file: Option<PathBuf>,
    /// `--tls-listen`
    pub tls_listen: Option<String>,
    /// `--tls-self-signed`
    pub tls_self_signed: bool,
    /// `--dev`
    pub dev: bool,
    /// `--danger-no-memory-limit`, `--danger-no-landlock`, `--danger-no-proc`
    pub danger: ::native::Danger,
}

/// Reads a variable of the environment; not UTF-8 counts as not set.
pub(crate) fn variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the place where the environment is read"
    )]
    let value = std::env::var(name).ok();
    value.filter(|value| !value.is_empty())
}
