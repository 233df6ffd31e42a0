//! A conversation against small servers of the test, and against real ones.

mod bad;
mod calls;
mod contracts;
mod real;
mod rig;
