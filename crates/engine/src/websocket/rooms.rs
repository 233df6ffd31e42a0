//! How many WebSockets there may be: on the node, of one address, of one function.

use crate::guard::network;
use crate::invoke::{Outcomes, Refusal};
use crate::slots::{CallerKey, Counted, NodeGauge, Share, Tally};
use model::{Code, FunctionRef, Problem};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// When to come again if there is no room.
const WAIT: Duration = Duration::from_secs(10);

/// Most WebSockets at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebSockets {
    /// On the node. Default: 8,000, of the 10,000 connections that a node takes by default, so
    /// that there is always room for ordinary requests.
    pub connections: usize,
    /// Of one address; an IPv6 address counts with its /64. Default: 500.
    pub per_address: usize,
    /// Of one function. Default: 4,000.
    pub per_function: usize,
}

impl Default for WebSockets {
    fn default() -> Self {
        Self { connections: 8_000, per_address: 500, per_function: 4_000 }
    }
}

/// The WebSockets that there are.
pub(crate) struct Rooms {
    node: Arc<NodeGauge>,
    addresses: Arc<Tally>,
    functions: Arc<Tally>,
}

/// One counted WebSocket; gives its room back when dropped.
pub(crate) struct Room {
    _node: Counted,
    _address: Option<Share>,
    _function: Share,
}

impl Rooms {
    pub(crate) fn new(most: WebSockets) -> Self {
        Self {
            node: Arc::new(NodeGauge::new(most.connections)),
            addresses: Arc::new(Tally::new(most.per_address)),
            functions: Arc::new(Tally::new(most.per_function)),
        }
    }

    /// Room for one more.
    pub(super) fn take(&self, peer: Option<IpAddr>, function: &FunctionRef) -> Outcomes<Room> {
        let full = |what: &str| {
            let problem = Problem::new(Code::WebSocketsFull).detail(what);
            Refusal { problem, ..Refusal::later(Code::WebSocketsFull, WAIT) }
        };
        let node = NodeGauge::enter(&self.node).ok_or_else(|| full("of the node"))?;
        let address = match peer {
            Some(peer) => {
                let share = Tally::take(&self.addresses, CallerKey::of(&network(peer)));
                Some(share.ok_or_else(|| Refusal::later(Code::WebSocketsCrowded, WAIT))?)
            }
            None => None,
        };
        let function = Tally::take(&self.functions, CallerKey::of(function));
        let function = function.ok_or_else(|| full("of the function"))?;
        Ok(Room { _node: node, _address: address, _function: function })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str) -> FunctionRef {
        let name = model::FunctionName::parse(name).expect("a name");
        FunctionRef { scope: model::Scope::default(), name }
    }

    fn refused(rooms: &Rooms, peer: &str, name: &str) -> Option<Code> {
        let peer = Some(peer.parse().expect("an address"));
        rooms.take(peer, &function(name)).err().map(|refusal| refusal.problem.code)
    }

    #[test]
    fn each_limit_holds_and_room_comes_back() {
        let rooms = Rooms::new(WebSockets { connections: 3, per_address: 1, per_function: 2 });
        let take = |peer: &str, name: &str| {
            rooms.take(Some(peer.parse().expect("an address")), &function(name)).ok()
        };
        let first = take("192.0.2.1", "a").expect("room");
        assert_eq!(refused(&rooms, "192.0.2.1", "b"), Some(Code::WebSocketsCrowded));
        let second = take("192.0.2.2", "a").expect("room");
        assert_eq!(refused(&rooms, "192.0.2.3", "a"), Some(Code::WebSocketsFull));
        let third = take("192.0.2.3", "b").expect("room");
        assert_eq!(refused(&rooms, "192.0.2.4", "c"), Some(Code::WebSocketsFull));
        drop((first, second, third));
        assert_eq!(refused(&rooms, "192.0.2.1", "a"), None);
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_their_room() {
        let rooms = Rooms::new(WebSockets { per_address: 1, ..WebSockets::default() });
        let peer = "2001:db8::1".parse().expect("an address");
        let _first = rooms.take(Some(peer), &function("a")).expect("room");
        assert_eq!(refused(&rooms, "2001:db8::2", "a"), Some(Code::WebSocketsCrowded));
        assert_eq!(refused(&rooms, "2001:db8:0:1::1", "a"), None);
    }
}
