//! The target `batch_reply`: see [`model::fuzz::batch_reply`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(model::fuzz::batch_reply(bytes)));
