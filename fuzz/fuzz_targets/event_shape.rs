//! The target `event_shape`: see [`render::fuzz::event_shape`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(render::fuzz::event_shape(bytes)));
