//! The target `contract`: see [`protect::fuzz::contract`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(protect::fuzz::contract(bytes)));
