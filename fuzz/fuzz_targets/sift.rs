//! The target `sift`: see [`engine::fuzz::sift`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(engine::fuzz::sift(bytes)));
