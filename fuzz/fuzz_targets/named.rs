//! The target `named`: see [`compat::fuzz::named`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(compat::fuzz::named(bytes)));
