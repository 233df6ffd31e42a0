//! The outbound door against real servers on loopback addresses.

mod dns;
mod flow;
mod limits;
mod names;
mod pools;
mod replies;
mod requests;
mod rig;
mod tls;
