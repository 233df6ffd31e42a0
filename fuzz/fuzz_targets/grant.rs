//! The target `grant`: see [`model::fuzz::grant`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(model::fuzz::grant(bytes)));
