//! The target `nats_frame`: see [`sources::fuzz::nats`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(sources::fuzz::nats(bytes)));
