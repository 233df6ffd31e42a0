//! The target `hello`: see [`native::fuzz::hello`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(native::fuzz::hello(bytes)));
