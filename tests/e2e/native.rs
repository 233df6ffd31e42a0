//! Native functions through the real binary: real programs in real jails, good ones and bad ones.

mod abuse;
mod batches;
mod contracts;
mod dangers;
mod example;
mod extensions;
mod foreign;
mod hosted;
mod life;
mod modules;
mod otherwise;
mod outer;
mod place;
mod postgres;
mod protected;
mod published;
mod shapes;
mod stage;
mod triggers;
mod ways_out;
mod workers;
