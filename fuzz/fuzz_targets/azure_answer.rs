//! The target `azure_answer`: see [`render::fuzz::azure_answer`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(render::fuzz::azure_answer(bytes)));
