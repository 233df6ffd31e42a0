//! An invocation in flight: it is polled by whoever wants the answer, and closes its record
//! exactly once, whatever happens to it.

mod body;
mod close;
mod flight;

pub(crate) use body::Capped;
pub use body::{ReplyBody, ReplyError};
pub(crate) use close::{Ending, code_number};
pub(crate) use flight::{Boarding, Flight, Keeps, Seen};
