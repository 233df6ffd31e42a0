//! The target `router`: see [`engine::fuzz::router`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(engine::fuzz::router(bytes)));
