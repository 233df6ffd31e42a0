//! The target `frames`: see [`gateway::fuzz::frames`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(gateway::fuzz::frames(bytes)));
