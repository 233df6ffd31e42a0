//! The target `sigv4`: see [`identity::fuzz::sigv4`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(identity::fuzz::sigv4(bytes)));
