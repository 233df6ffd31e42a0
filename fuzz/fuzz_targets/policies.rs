//! The target `policies`: see [`policy::fuzz::policies`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(policy::fuzz::policies(bytes)));
