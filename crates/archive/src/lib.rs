//! Archives that people bring, read strictly.
#![forbid(unsafe_code)]

pub mod zip;
