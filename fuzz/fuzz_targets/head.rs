//! The target `head`: see [`gateway::fuzz::head`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(gateway::fuzz::head(bytes)));
