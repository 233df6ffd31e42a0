//! The target `destination`: see [`egress::fuzz::destination`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(egress::fuzz::destination(bytes)));
