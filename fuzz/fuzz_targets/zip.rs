//! The target `zip`: see [`archive::zip::fuzz::zip`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(archive::zip::fuzz::zip(bytes)));
