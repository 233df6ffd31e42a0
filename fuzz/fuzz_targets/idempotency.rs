//! The target `idempotency`: see [`control::fuzz::idempotency`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(control::fuzz::idempotency(bytes)));
