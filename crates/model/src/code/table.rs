//! Every error code: its number, its HTTP status, and what people read about it.
//!
//! The table lies in several files. Each is a macro that puts its rows behind those that it is
//! given, and hands all of them to the next; the last makes [`Code`].

#[macro_use]
mod deploying;
#[macro_use]
mod detecting;
#[macro_use]
mod protecting;
#[macro_use]
mod running;
#[macro_use]
mod serving;
#[macro_use]
mod accounting;

macro_rules! all {
    ([$($rows:tt)*]) => { codes! { $($rows)* } };
}

deploying! { [] protecting detecting running serving accounting all }
