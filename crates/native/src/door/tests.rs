//! What the doors do with processes, good and bad.

mod api;
mod clients;
mod connections;
mod proxy;
mod rig;
mod tunnels;
