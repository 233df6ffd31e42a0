//! The target `journal`: see [`store_sqlite::journal::fuzz::journal`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(store_sqlite::journal::fuzz::journal(bytes)));
