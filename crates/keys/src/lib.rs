//! The key ring on a root key file: a root for each epoch, and every other key derived from one.
//!
//! Nothing here is stored but the roots. A node that holds the same roots derives the same keys, so
//! there is no key database to lose, to copy or to steal.
//!
//! Invariant: a root leaves this crate only as keys derived from it, or in a file for its owner's
//! eyes: the root key file, and copies of it that were asked for.
#![forbid(unsafe_code)]

mod across;
mod derive;
mod digest;
mod exchange;
mod file;
mod handing;
mod passphrase;
mod ring;
mod seal;
mod sign;

pub use across::Across;
pub use digest::{Digester, digester};
pub use exchange::{Exchange, NotAuthentic};
pub use file::{Error, RootKeyFile, Rotation, Taken};
pub use handing::{NoPublicKey, Package, PublicKey};
pub use passphrase::{Cost, Passphrase};
pub use ring::{FileRing, Made};
pub use seal::{KEY_ID_BYTES, SEALED_BYTES_OVER};
