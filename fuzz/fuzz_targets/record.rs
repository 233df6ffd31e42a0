//! The target `record`: see [`model::fuzz::record`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(model::fuzz::record(bytes)));
