//! Server certificates: files that are watched, a self-signed one for trying, and ACME.
//!
//! [`Certificates`] holds them all and gives one [`rustls::ServerConfig`] that asks, at each
//! handshake, for the certificate of the name that the client wants. So a certificate that was
//! replaced on the disk, or obtained a moment ago, is served without a new configuration.
//!
//! Invariant: a certificate that cannot be used never replaces one that can.
//! Invariant: the only address that is ever contacted is the host of the configured directory.
//! Invariant: private keys that were made here lie sealed on the disk, and appear there whole.
#![forbid(unsafe_code)]

mod acme;
mod certificates;
mod challenges;
mod clients;
mod config;
mod facts;
mod files;
mod pair;
mod resolver;
mod self_signed;
mod server;
mod status;
mod table;
mod tickets;
mod vault;
mod watch;

pub use acme::Pace;
pub use certificates::Certificates;
pub use challenges::Challenges;
pub use config::{Acme, Challenge, Clients, Config, Files, Minimum};
pub use facts::host as host_name;
pub use server::ACME_TLS;
pub use status::{Health, Source, Status};
pub use vault::Vault;
