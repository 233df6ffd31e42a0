//! Counts connections, so that neither all nor one address take more than their share.
//!
//! Invariant: every connection that was counted is uncounted exactly once, when its seat drops.

use crate::config::Config;
use crate::control::Load;
use crate::proxies::Proxies;
use crate::violation::Violation;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections beyond the limits that are told so at a time. More are closed without a word.
const REFUSED_MAX: usize = 256;

/// How many connections there are, in all and by address.
#[derive(Debug)]
pub(crate) struct Census {
    connections_max: usize,
    per_address_max: usize,
    proxies: Proxies,
    seated: AtomicUsize,
    refused: AtomicUsize,
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// What becomes of a new connection.
pub(crate) enum Admission {
    /// It is served.
    Served(Seat),
    /// It is answered with a refusal.
    Refused(Seat, Violation),
    /// It is closed.
    Closed,
}

impl Census {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            connections_max: config.connections_max.max(1),
            per_address_max: config.connections_per_address_max.max(1),
            proxies: config.proxies.clone(),
            seated: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            addresses: Mutex::default(),
        }
    }

    /// Counts a connection. Only the accepting thread calls this. A trusted proxy stands for
    /// many, so its address has no share.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Admission {
        if self.seated.load(Ordering::Acquire) >= self.connections_max {
            return self.refuse(Violation::BUSY);
        }
        let kind = match self.count(peer) {
            Ok(kind) => kind,
            Err(violation) => return self.refuse(violation),
        };
        self.seated.fetch_add(1, Ordering::AcqRel);
        Admission::Served(self.seat(kind))
    }

    /// Counts an address.
    fn count(&self, peer: IpAddr) -> Result<Kind, Violation> {
        if self.proxies.trust(peer) {
            return Ok(Kind::Proxy);
        }
        let address = block_of(peer);
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let count = addresses.entry(address).or_insert(0);
        if *count >= self.per_address_max {
            return Err(Violation::CROWDED);
        }
        *count += 1;
        Ok(Kind::Client(address))
    }

    fn refuse(self: &Arc<Self>, violation: Violation) -> Admission {
        if self.refused.load(Ordering::Acquire) >= REFUSED_MAX {
            return Admission::Closed;
        }
        self.refused.fetch_add(1, Ordering::AcqRel);
        Admission::Refused(self.seat(Kind::Refused), violation)
    }

    fn seat(self: &Arc<Self>, kind: Kind) -> Seat {
        Seat { census: Arc::clone(self), kind, worker: None }
    }

    fn leave(&self, kind: Kind) {
        match kind {
            Kind::Refused => {
                self.refused.fetch_sub(1, Ordering::AcqRel);
                return;
            }
            Kind::Proxy => {}
            Kind::Client(address) => self.uncount(address),
        }
        self.seated.fetch_sub(1, Ordering::AcqRel);
    }

    fn uncount(&self, address: IpAddr) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&address);
            }
        }
    }
}

/// As what a connection is counted.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Refused,
    /// Of all connections only.
    Proxy,
    /// Of this address too.
    Client(IpAddr),
}

/// One counted connection.
pub(crate) struct Seat {
    census: Arc<Census>,
    kind: Kind,
    worker: Option<Arc<Load>>,
}

impl Seat {
    /// Counts a proxy's connection for the client that it turned out to be of.
    ///
    /// # Errors
    /// That this address has its share already.
    pub(crate) fn claim(&mut self, peer: IpAddr) -> Result<(), Violation> {
        if let Kind::Proxy = self.kind {
            self.kind = self.census.count(peer)?;
        }
        Ok(())
    }

    /// Counts it for a worker too.
    pub(crate) fn assign(&mut self, worker: &Arc<Load>) {
        worker.connections.fetch_add(1, Ordering::AcqRel);
        self.worker = Some(Arc::clone(worker));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.census.leave(self.kind);
        if let Some(worker) = &self.worker {
            worker.connections.fetch_sub(1, Ordering::AcqRel);
            worker.left.notify_one();
        }
    }
}

/// What counts as one address: whoever has one IPv6 address has its whole /64.
fn block_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(connections_max: usize, connections_per_address_max: usize) -> Arc<Census> {
        let config = Config { connections_max, connections_per_address_max, ..Config::default() };
        Arc::new(Census::new(&config))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_seat_that_drops_makes_room() {
        let census = census(1, 1);
        let Admission::Served(seat) = census.admit(address("192.0.2.1")) else { panic!("full") };
        let Admission::Refused(refused, violation) = census.admit(address("192.0.2.2")) else {
            panic!("not refused");
        };
        assert_eq!(violation, Violation::BUSY);
        drop(refused);
        drop(seat);
        assert!(matches!(census.admit(address("192.0.2.2")), Admission::Served(_)));
        assert_eq!(census.refused.load(Ordering::Acquire), 0);
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_their_seats() {
        let census = census(10, 1);
        let seat = census.admit(address("2001:db8::1"));
        assert!(matches!(seat, Admission::Served(_)));
        let Admission::Refused(_, violation) = census.admit(address("2001:db8::2")) else {
            panic!("not refused");
        };
        assert_eq!(violation, Violation::CROWDED);
        assert!(matches!(census.admit(address("2001:db8:0:1::1")), Admission::Served(_)));
        let mapped = census.admit(address("::ffff:192.0.2.1"));
        assert!(matches!(mapped, Admission::Served(_)));
        assert!(matches!(census.admit(address("192.0.2.1")), Admission::Refused(..)));
        drop((seat, mapped));
        assert!(census.addresses.lock().unwrap().is_empty());
    }

    #[test]
    fn a_proxy_has_no_share_and_its_clients_have_theirs() {
        let proxies =
            Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap()], ..Proxies::default() };
        let config = Config {
            connections_max: 3,
            connections_per_address_max: 1,
            proxies,
            ..Config::default()
        };
        let census = Arc::new(Census::new(&config));
        let mut seats: Vec<_> = (0..3)
            .map(|_| match census.admit(address("10.0.0.1")) {
                Admission::Served(seat) => seat,
                _ => panic!("not served"),
            })
            .collect();
        assert!(matches!(census.admit(address("10.0.0.1")), Admission::Refused(..)));
        assert_eq!(seats[0].claim(address("192.0.2.1")), Ok(()));
        assert_eq!(seats[1].claim(address("192.0.2.1")), Err(Violation::CROWDED));
        assert_eq!(seats[2].claim(address("192.0.2.2")), Ok(()));
        drop(seats);
        assert!(census.addresses.lock().unwrap().is_empty());
        assert_eq!(census.seated.load(Ordering::Acquire), 0);
    }

    #[test]
    fn beyond_the_refused_ones_connections_are_closed_without_a_word() {
        let census = census(1, 1);
        let _seat = census.admit(address("192.0.2.1"));
        let refused: Vec<_> =
            (0..REFUSED_MAX).map(|_| census.admit(address("192.0.2.1"))).collect();
        assert!(refused.iter().all(|admission| matches!(admission, Admission::Refused(..))));
        assert!(matches!(census.admit(address("192.0.2.1")), Admission::Closed));
    }
}
