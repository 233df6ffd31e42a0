//! Reads arbitrary bytes as a client's: heads, bodies, one message after the other.
#![no_main]

use gateway::head::Limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = gateway::messages(bytes, Limits { headers_max: 100, bytes_max: 32 * 1024 });
});
