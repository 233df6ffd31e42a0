//! The target `outbound`: see [`policy::fuzz::outbound`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(policy::fuzz::outbound(bytes)));
