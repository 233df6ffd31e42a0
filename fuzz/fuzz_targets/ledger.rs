//! The target `ledger`: see [`audit::fuzz::ledger`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(audit::fuzz::ledger(bytes)));
