//! Chooses the certificate of a handshake.

use crate::challenges::Challenges;
use crate::server::ACME_TLS;
use crate::table::Table;
use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// Chooses from what is there at the moment of a handshake. Takes no lock.
#[derive(Debug)]
pub(crate) struct Resolver {
    pub(crate) table: Arc<ArcSwap<Table>>,
    pub(crate) challenges: Arc<Challenges>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if is_challenge(&hello) {
            return self.challenges.certificate(hello.server_name()?);
        }
        self.table.load().find(hello.server_name(), hello.signature_schemes())
    }
}

/// Whether a client offers the challenge's protocol and no other (RFC 8737, section 3).
fn is_challenge(hello: &ClientHello<'_>) -> bool {
    let Some(mut offered) = hello.alpn() else { return false };
    offered.next() == Some(ACME_TLS) && offered.next().is_none()
}
