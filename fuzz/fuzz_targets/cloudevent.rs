//! The target `cloudevent`: see [`model::fuzz::cloudevent`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(model::fuzz::cloudevent(bytes)));
