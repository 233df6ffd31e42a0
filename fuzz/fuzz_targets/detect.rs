//! The target `detect`: text in which somebody may have hidden something.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(protect::detect::fuzz::detect(bytes)));
