//! The stages of an invocation as types.
//!
//! `Received -> Throttled -> Identified -> Permitted -> Funded -> (executed, recorded)`
//!
//! Each can only be made from the one before it, inside this crate, and running a function takes
//! a [`Funded`]. So no caller that compiles can skip a stage.

use crate::caps::Ticket;
use crate::data::Taken;
use crate::function::{Endpoint, Function};
use crate::host::Purse;
use crate::invoke::Origin;
use crate::noted::Noted;
use crate::slots::{CallerKey, Counted, Share, Slot};
use identity::jwt::Vouched;
use model::wire::v1::{Caller, Start, Trigger};
use model::{Claims, InvocationId, Labels, Timestamp};
use policy::Permit;
use ports::executor::RequestBody;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Something arrived, and has an identity and a time.
pub(crate) struct Received {
    pub(crate) request: http::Request<RequestBody>,
    pub(crate) peer: Option<IpAddr>,
    /// The client's certificate in DER, if it proved to hold one.
    pub(crate) certificate: Option<Arc<[u8]>>,
    /// Where the door wants to find what the request met.
    pub(crate) noted: Option<Arc<Noted>>,
    /// Who signed it, if it is for an address that wants signatures.
    pub(crate) signed: Option<model::TokenName>,
    pub(crate) id: InvocationId,
    /// The invocation that caused it, if one did.
    pub(crate) origin: Option<Origin>,
    /// What is known of the sensitive data in it, if any is.
    pub(crate) taken: Option<Box<Taken>>,
    pub(crate) at: Timestamp,
    pub(crate) began: Duration,
}

/// The node, and the address it came from, have room for it.
pub(crate) struct Throttled {
    pub(crate) received: Received,
    pub(crate) seat: Seat,
}

/// Room on the node, given back when the invocation is over.
pub(crate) struct Seat {
    pub(crate) _counted: Counted,
    pub(crate) _share: Option<Share>,
    pub(crate) _slot: Option<Slot>,
}

/// It is known who asks, and for which function.
pub(crate) struct Identified {
    pub(crate) throttled: Throttled,
    pub(crate) caller: Caller,
    pub(crate) caller_key: CallerKey,
    /// What an issuer vouches for, if the caller showed a token of one.
    pub(crate) vouched: Option<Arc<Vouched>>,
    pub(crate) function: Arc<Function>,
    /// The route that it came by; the operator's direct calls come by none.
    pub(crate) endpoint: Option<Arc<Endpoint>>,
    pub(crate) trigger: Trigger,
}

impl Identified {
    /// What the caller's token says.
    pub(crate) fn claims(&self) -> &Claims {
        self.vouched.as_ref().map_or(Claims::NONE, |vouched| &vouched.claims)
    }
}

/// The policies allow it.
pub(crate) struct Permitted {
    pub(crate) identified: Identified,
    pub(crate) permit: Permit,
}

/// It has a slot, a budget, and an open record.
pub(crate) struct Funded {
    pub(crate) permitted: Permitted,
    /// The record's beginning, as the journal has it.
    pub(crate) start: Start,
    /// What the tree of calls that it belongs to may spend.
    pub(crate) purse: Arc<Purse>,
    /// CPU time that was taken out of the purse for it, in microseconds.
    pub(crate) cpu_us: u64,
    /// What is counted of it, if anything has a cap.
    pub(crate) ticket: Option<Ticket>,
    /// What the request is known to contain.
    pub(crate) labels: Labels,
}
