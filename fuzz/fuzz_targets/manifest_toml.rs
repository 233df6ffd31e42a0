//! The target `manifest_toml`: the command line's reader of manifests.
//!
//! The files are included by their paths: they need little, and the binary that they belong to
//! needs a WebAssembly engine, which would take an hour to build for the fuzzer.
#![no_main]
#![allow(dead_code, reason = "the command line uses the rest")]

#[path = "../../crates/cli/src/manifest"]
mod manifest {
    mod document;
    pub(crate) mod fuzz;
    mod keys;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::must(manifest::fuzz::manifest_toml(bytes)));
