//! The target `redis_reply`: see [`sources::fuzz::redis`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(sources::fuzz::redis(bytes)));
