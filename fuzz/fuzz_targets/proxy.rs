//! Reads arbitrary bytes as headers of the PROXY protocol, whole and in pieces.
#![no_main]

use gateway::proxy::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some(header)) = read(bytes) {
        assert_eq!(read(&bytes[..header.length]), Ok(Some(header)));
        assert_eq!(read(&bytes[..header.length - 1]), Ok(None));
    }
});
