//! Jails: what one is made of, and what is done with one that runs.

mod plan;

pub(crate) use plan::{Assignment, Bind, Ceilings, Plan};
