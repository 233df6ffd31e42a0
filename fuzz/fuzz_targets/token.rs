//! The target `token`: see [`identity::fuzz::token`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(identity::fuzz::token(bytes)));
