//! Session tickets whose keys turn by themselves, and can be thrown away at once.
//!
//! A resumed session is not verified again. So when the authorities of clients change, every
//! ticket that was given out before becomes void.

use arc_swap::ArcSwap;
use model::{Code, Problem};
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::ProducesTickets;
use std::sync::Arc;

/// Makes and opens tickets.
#[derive(Debug)]
pub(crate) struct Tickets(ArcSwap<Arc<dyn ProducesTickets>>);

fn ticketer() -> Result<Arc<dyn ProducesTickets>, Problem> {
    Ticketer::new().map_err(|error| Problem::new(Code::Internal).internal(error))
}

impl Tickets {
    pub(crate) fn new() -> Result<Self, Problem> {
        Ok(Self(ArcSwap::from_pointee(ticketer()?)))
    }

    /// Makes all tickets void.
    pub(crate) fn renew(&self) -> Result<(), Problem> {
        self.0.store(Arc::new(ticketer()?));
        Ok(())
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        self.0.load().enabled()
    }

    fn lifetime(&self) -> u32 {
        self.0.load().lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.load().encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.0.load().decrypt(cipher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_opens_until_all_are_made_void() {
        let tickets = Tickets::new().expect("random bytes");
        let ticket = tickets.encrypt(b"session").expect("encrypted");
        assert_eq!(tickets.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        tickets.renew().expect("random bytes");
        assert_eq!(tickets.decrypt(&ticket), None);
    }
}
