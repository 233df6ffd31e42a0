//! The target `unit`: see [`model::fuzz::unit`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(model::fuzz::unit(bytes)));
