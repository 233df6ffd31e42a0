//! From sealed native code to a component: the one place of this crate that needs `unsafe`.

use super::SealedFile;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Maps native code into the process.
///
/// The caller vouches for `code`: it was made by the compiler child or carries the right keyed
/// hash. Nothing here looks at the machine code.
///
/// # Errors
/// If the code is for another engine, needs more than the pool allows, or cannot be mapped.
#[expect(unsafe_code, reason = "Wasmtime cannot check native code, so loading it is unsafe")]
pub(crate) fn map_trusted(engine: &Engine, code: &SealedFile) -> wasmtime::Result<Component> {
    // Wasmtime 48 opens components by path only. This path names our descriptor, so it is the
    // very file that was checked, and its seals hold for every descriptor of it.
    let path = format!("/proc/self/fd/{}", code.file().as_raw_fd());
    if cfg!(target_os = "linux") && Path::new(&path).exists() {
        // WHY UNSAFE: deserializing takes over machine code as it is.
        // SAFETY: the bytes are what `Engine::precompile_component` made: they come from the
        // compiler child, or were compared with a keyed hash over such bytes. They are sealed,
        // so the mapping cannot change while the component lives.
        return unsafe { Component::deserialize_file(engine, path) };
    }
    // Without `/proc`: a copy, which costs memory and nothing else.
    let mut bytes = vec![0; usize::try_from(code.len()?)?];
    code.file().read_exact_at(&mut bytes, 0)?;
    // WHY UNSAFE: as above.
    // SAFETY: as above, and Wasmtime makes a copy that nobody else knows.
    unsafe { Component::deserialize(engine, bytes) }
}
