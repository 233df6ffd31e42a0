//! The pipeline on memory ports, with guests that do what a test says.

mod acts;
mod asks;
mod callers;
mod calls;
mod caps;
mod carried;
mod connections;
mod data;
mod events;
mod flights;
mod hangups;
mod package;
mod queue;
mod rig;
mod schedules;
mod secrets;
mod sockets;
mod sources;
mod strangers;
mod sweep;
mod uploads;
mod urls;
