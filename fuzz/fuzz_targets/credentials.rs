//! The target `credentials`: see [`identity::fuzz::credentials`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(identity::fuzz::credentials(bytes)));
