//! Assembly: the only crate that names concrete adapters.
//!
//! It reads the configuration, opens the home, wires stores, keys, executor, engine and doors
//! together, supervises them, and drains them at the end.
//!
//! Invariant: every address is bound, and every file of the home checked, before anything is
//! served.
#![forbid(unsafe_code)]

mod assemble;
mod backup;
mod beacon;
mod certificates;
mod clock;
mod counting;
mod doctor;
mod doors;
mod guests;
mod hidden;
mod home;
mod interpreters;
mod issuers;
mod jails;
mod keyring;
mod native;
mod offline;
mod protection;
mod restore;
mod runtimes;
mod secrets;
mod settings;
mod sources;
mod telemetry;
mod trial;
#[cfg(feature = "danger-no-records")]
mod unrecorded;
mod up;
mod workers;

pub use ::native::Danger;
pub use beacon::{Target, locate};
pub use doctor::doctor;
pub use hidden::hidden;
pub use interpreters::interpreters;
pub use keyring::{KeyPlace, Put, read_passphrase};
pub use offline::ledger_files;
pub use process::{Tool, ToolEnd};
pub use protection::DataKeys;
pub use restore::{Restored, restore};
pub use settings::{Options, SettingRow, Settings};
pub use trial::{Trial, TrialAnswer, TrialRequest};
pub use up::{End, Ready, up};
