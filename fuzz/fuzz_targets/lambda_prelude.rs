//! The target `lambda_prelude`: see [`render::lambda::fuzz::lambda_prelude`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(render::lambda::fuzz::lambda_prelude(bytes)));
