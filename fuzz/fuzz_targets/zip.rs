//! The target `zip`: the command line's reader of packages.
//!
//! The files are included by their paths, as for `manifest_toml`.
#![no_main]
#![allow(dead_code, reason = "the command line uses the rest")]

#[path = "../../crates/cli/src/manifest/package"]
mod package {
    pub(crate) mod zip;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(package::zip::fuzz::zip(bytes)));
