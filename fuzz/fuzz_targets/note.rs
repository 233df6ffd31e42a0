//! The target `note`: see [`audit::fuzz::note`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(audit::fuzz::note(bytes)));
