//! The target `route`: see [`model::fuzz::route`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(model::fuzz::route(bytes)));
