//! Core modules of Spin's older SDKs, made components with the adapter for WASI preview 1.
//!
//! It is done here, by whoever deploys: what is approved, by its digest, is the component, and a
//! node takes nothing else.

use super::component::Content;
use super::resolve::Refusal;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

/// How a core module begins.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";
/// Largest module that is read.
const MODULE_BYTES_MAX: u64 = 256 << 20;

/// A component's bytes: the file as it is, or the component that is made of its module.
pub(super) fn component(content: Content) -> Result<Content, Refusal> {
    let Content::File(path) = &content else { return Ok(content) };
    let Some(module) = module(path).map_err(|error| Refusal::File(error.into()))? else {
        return Ok(content);
    };
    match wrapped(&module) {
        Ok(bytes) => Ok(Content::Made(bytes.into())),
        Err(error) => Err(Refusal::Module(format!("{error:#}"))),
    }
}

/// The bytes of a file that is a core module.
fn module(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut file = File::open(path)?.take(MODULE_BYTES_MAX);
    let mut bytes = Vec::new();
    file.by_ref().take(8).read_to_end(&mut bytes)?;
    if bytes != MODULE {
        return Ok(None);
    }
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn wrapped(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)?
        .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?
        .encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Result<Content, Refusal> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.wasm");
        std::fs::write(&path, bytes).expect("a file");
        component(Content::File(path))
    }

    #[test]
    fn a_component_stays_and_a_module_is_wrapped_or_refused() {
        assert!(matches!(of(b"\0asm\x0d\0\x01\0rest"), Ok(Content::File(_))));
        assert!(matches!(of(b"not wasm"), Ok(Content::File(_))));
        assert!(matches!(of(MODULE), Ok(Content::Made(made)) if made.starts_with(b"\0asm\x0d")));
        assert!(matches!(of(b"\0asm\x01\0\0\0rubbish"), Err(Refusal::Module(_))));
    }
}
