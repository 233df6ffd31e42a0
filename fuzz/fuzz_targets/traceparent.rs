//! The target `traceparent`: see [`model::fuzz::traceparent`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(model::fuzz::traceparent(bytes)));
