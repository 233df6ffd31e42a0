//! The key ring on a root key file: one root, and every other key derived from it.
//!
//! Nothing here is stored but the root. A node that holds the same root derives the same keys, so
//! there is no key database to lose, to copy or to steal.
//!
//! Invariant: the root leaves this crate only as keys derived from it, never as itself.
#![forbid(unsafe_code)]

mod derive;
mod digest;
mod file;
mod ring;
mod seal;
mod sign;

pub use digest::{Digester, digester};
pub use file::{Error, RootKeyFile};
pub use ring::FileRing;
pub use seal::{KEY_ID_BYTES, SEALED_BYTES_OVER};
