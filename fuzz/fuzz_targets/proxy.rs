//! The target `proxy`: see [`gateway::fuzz::proxy`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(gateway::fuzz::proxy(bytes)));
