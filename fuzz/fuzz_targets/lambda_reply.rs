//! The target `lambda_reply`: see [`render::lambda::fuzz::lambda_reply`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(render::lambda::fuzz::lambda_reply(bytes)));
