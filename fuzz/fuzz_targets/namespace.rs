//! The target `namespace`: see [`native::fuzz::namespace`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(native::fuzz::namespace(bytes)));
