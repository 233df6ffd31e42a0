//! The target `seam`: see [`seam::fuzz::seam`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(seam::fuzz::seam(bytes)));
