//! The target `manifest_json`: see [`model::fuzz::manifest_json`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(model::fuzz::manifest_json(bytes)));
