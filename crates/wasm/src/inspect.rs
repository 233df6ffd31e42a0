//! Is it a component that we can run? Looked at before the compiler sees it, and after.
//!
//! Invariant: every missing import is named, not only the first.

use crate::fault::plain;
use crate::state::State;
use model::{Code, Problem};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::p2::bindings::ProxyPre;

const MAGIC: &[u8; 4] = b"\0asm";
/// Version 13 of layer 1: the component model. Layer 0 is a core module.
const COMPONENT: [u8; 4] = [0x0d, 0, 1, 0];
/// The handler that a function must export; any version 0.2.x fits.
const HANDLER: &str = "wasi:http/incoming-handler";
/// Longest list of names in a problem; nobody reads more.
const NAMES_MAX: usize = 64;
const NAME_BYTES_MAX: usize = 256;

/// What every guest may import, in any version 0.2.x: all of `wasi:cli` and `wasi:http`.
///
/// Directories, sockets and name lookups are among them, since the runtimes of many languages
/// import them whether or not they are used; every call of them is denied.
const OFFERED: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:http/outgoing-handler",
    "wasi:http/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Everything that a guest can import.
///
/// # Errors
/// Wasmtime's, if a name is defined twice.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Ok(linker)
}

/// Refuses what is no component by its first bytes.
///
/// # Errors
/// E0101.
pub(crate) fn check_bytes(bytes: &[u8]) -> Result<(), Problem> {
    let refuse = |detail: &str| Err(Problem::new(Code::NotAComponent).detail(detail));
    if bytes.is_empty() {
        return refuse("the file is empty");
    }
    let Some(version) = bytes.strip_prefix(MAGIC.as_slice()) else {
        let start = bytes.trim_ascii_start();
        return refuse(if start.starts_with(b"(component") || start.starts_with(b"(module") {
            "the file is WebAssembly text, not the binary form"
        } else {
            "the file does not begin as WebAssembly does"
        });
    };
    if version.starts_with(&COMPONENT) {
        return Ok(());
    }
    if version.starts_with(&[1, 0, 0, 0]) {
        return Err(Problem::new(Code::NotAComponent)
            .detail("the file is a core module, not a component")
            .hint("build for `wasm32-wasip2`, or wrap it with `wasm-tools component new`"));
    }
    refuse("the file is WebAssembly of a version that is not known")
}

/// Checks imports and exports, and links.
///
/// # Errors
/// E0102 with every import that is not offered, E0108 without a handler.
pub(crate) fn link(
    linker: &Linker<State>,
    component: &Component,
) -> Result<ProxyPre<State>, Problem> {
    let engine = component.engine();
    let types = component.component_type();
    let missing = types.imports(engine).map(|(name, _)| name).filter(|name| !is_offered(name));
    let missing = names(missing);
    if !missing.is_empty() {
        return Err(Problem::new(Code::ImportNotOffered).detail(missing.join(", ")));
    }
    if !types.exports(engine).any(|(name, _)| is_version_02(name, HANDLER)) {
        let exports = names(types.exports(engine).map(|(name, _)| name));
        let detail = if exports.is_empty() {
            "it exports nothing".to_owned()
        } else {
            format!("it exports {}", exports.join(", "))
        };
        return Err(Problem::new(Code::NoHandler).detail(detail));
    }
    // What is left is an interface of ours with a function or a type that we do not know.
    linker.instantiate_pre(component).and_then(ProxyPre::new).map_err(|error| {
        Problem::new(Code::ImportNotOffered).detail(plain(&format!("{error:#}"), 1024))
    })
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> Vec<String> {
    all.take(NAMES_MAX).map(|name| plain(name, NAME_BYTES_MAX)).collect()
}

pub(crate) fn is_offered(import: &str) -> bool {
    OFFERED.iter().any(|offered| is_version_02(import, offered))
}

/// Whether `name` is `interface@0.2.x`, and no pre-release of it.
fn is_version_02(name: &str, interface: &str) -> bool {
    name.strip_prefix(interface)
        .and_then(|version| version.strip_prefix("@0.2."))
        .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_components_from_everything_else() {
        let table: &[(&[u8], &str)] = &[
            (b"", "the file is empty"),
            (b"\0as", "the file does not begin as WebAssembly does"),
            (b"#!/bin/sh", "the file does not begin as WebAssembly does"),
            (b" (module)", "the file is WebAssembly text, not the binary form"),
            (b"\0asm\x01\0\0\0", "the file is a core module, not a component"),
            (b"\0asm\x0c\0\x01\0", "the file is WebAssembly of a version that is not known"),
            (b"\0asm\x0d", "the file is WebAssembly of a version that is not known"),
        ];
        for (bytes, expect) in table {
            let problem = check_bytes(bytes).expect_err("refused");
            assert_eq!(problem.code, Code::NotAComponent);
            assert_eq!(problem.detail.as_deref(), Some(*expect));
        }
        assert_eq!(check_bytes(b"\0asm\x0d\0\x01\0"), Ok(()));
    }

    #[test]
    fn versions_of_02_are_offered_and_others_are_not() {
        for name in ["wasi:http/types@0.2.0", "wasi:io/poll@0.2.12"] {
            assert!(is_offered(name), "{name}");
        }
        for name in [
            "wasi:http/types",
            "wasi:http/types@0.3.0",
            "wasi:http/types@0.2.0-rc-2023-11-10",
            "wasi:http/types-more@0.2.0",
            "wasi:keyvalue/store@0.2.0-draft",
            "wasi:io/poll@0.2.",
        ] {
            assert!(!is_offered(name), "{name}");
        }
    }
}
