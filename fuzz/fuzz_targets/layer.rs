//! The target `layer`: see [`archive::image::fuzz::layer`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(archive::image::fuzz::layer(bytes)));
