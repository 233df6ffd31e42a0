//! Is it a component that we can run? Looked at before the compiler sees it, and after.
//!
//! Invariant: every missing import is named, not only the first.

mod ends;
mod handlers;
mod offer;

use crate::cache::Linked;
use crate::fault::plain;
use crate::state::State;
use handlers::Handlers;
use model::manifest::Wasi;
use model::{Code, Problem};
pub(crate) use offer::is_offered;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p3::bindings::ServicePre;

pub(crate) use offer::linker;

const MAGIC: &[u8; 4] = b"\0asm";
/// Version 13 of layer 1: the component model. Layer 0 is a core module.
const COMPONENT: [u8; 4] = [0x0d, 0, 1, 0];
/// Longest list of names in a problem; nobody reads more.
const NAMES_MAX: usize = 64;
const NAME_BYTES_MAX: usize = 256;

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

/// Refuses a component that is plainly built for another version of WASI than its manifest says, or
/// for one that this node does not allow, before a compiler is troubled with it.
///
/// # Errors
/// E0170, E0171, E0172.
pub(crate) fn check_version(bytes: &[u8], wasi: Wasi, allowed: bool) -> Result<(), Problem> {
    match (Handlers::of(bytes), wasi) {
        (Handlers { v02: true, v03: false }, Wasi::V03) => Err(not_of_component()),
        (Handlers { v02: false, v03: true }, Wasi::V02) if allowed => Err(not_asked()),
        (Handlers { v02: false, v03: true }, _) | (_, Wasi::V03) if !allowed => {
            Err(Problem::new(Code::WasiNotAllowed))
        }
        _ => Ok(()),
    }
}

fn not_asked() -> Problem {
    Problem::new(Code::WasiNotAsked).detail("it exports `wasi:http/handler@0.3`").hint(
        "write `wasi = \"0.3\"` below the function's `[[function]]` in casemate.toml; \
             a component without a manifest is deployed with `--wasi 0.3`",
    )
}

fn not_of_component() -> Problem {
    Problem::new(Code::WasiNotOfComponent)
        .detail("it exports `wasi:http/incoming-handler@0.2`")
        .hint(
            "take `wasi = \"0.3\"` out of the function's `[[function]]` in casemate.toml, \
             or `--wasi 0.3` out of the command",
        )
}

/// The interface that a function must export; any patch version fits.
fn handler(wasi: Wasi) -> &'static str {
    match wasi {
        Wasi::V02 => "wasi:http/incoming-handler",
        Wasi::V03 => "wasi:http/handler",
    }
}

/// Checks imports and exports, and links.
///
/// # Errors
/// E0102 with every import that is not offered, E0108 without a handler, E0171 and E0172 if the
/// handler is that of the other version.
pub(crate) fn link(
    linker: &Linker<State>,
    component: &Component,
    wasi: Wasi,
) -> Result<Linked, Problem> {
    let engine = component.engine();
    let imports = component.component_type();
    let missing =
        names(imports.imports(engine).map(|(name, _)| name).filter(|name| !is_offered(name, wasi)));
    if !missing.is_empty() {
        return Err(Problem::new(Code::ImportNotOffered).detail(missing.join(", ")));
    }
    check_exports(component, wasi)?;
    let own = ends::linked(linker, component, wasi).map_err(|error| unknown(&error))?;
    // What is left is an interface of ours with a function or a type that we do not know.
    let linked = own.as_ref().unwrap_or(linker).instantiate_pre(component).and_then(|pre| {
        Ok(match wasi {
            Wasi::V02 => Linked::V02(ProxyPre::new(pre)?),
            Wasi::V03 => Linked::V03(ServicePre::new(pre)?),
        })
    });
    linked.map_err(|error| unknown(&error))
}

fn unknown(error: &wasmtime::Error) -> Problem {
    Problem::new(Code::ImportNotOffered).detail(plain(&format!("{error:#}"), 1024))
}

fn check_exports(component: &Component, wasi: Wasi) -> Result<(), Problem> {
    let engine = component.engine();
    let types = component.component_type();
    let exports_handler_of =
        |wasi| types.exports(engine).any(|(name, _)| is_version(name, handler(wasi), wasi));
    if exports_handler_of(wasi) {
        return Ok(());
    }
    match wasi {
        Wasi::V02 if exports_handler_of(Wasi::V03) => return Err(not_asked()),
        Wasi::V03 if exports_handler_of(Wasi::V02) => return Err(not_of_component()),
        Wasi::V02 | Wasi::V03 => {}
    }
    let exports = names(types.exports(engine).map(|(name, _)| name));
    let detail = if exports.is_empty() {
        "it exports nothing".to_owned()
    } else {
        format!("it exports {}", exports.join(", "))
    };
    Err(Problem::new(Code::NoHandler).detail(detail))
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> Vec<String> {
    all.take(NAMES_MAX).map(|name| plain(name, NAME_BYTES_MAX)).collect()
}

/// Whether `name` is `interface@0.2.x` or `interface@0.3.x`, and no pre-release of it.
fn is_version(name: &str, interface: &str, wasi: Wasi) -> bool {
    let version = match wasi {
        Wasi::V02 => "@0.2.",
        Wasi::V03 => "@0.3.",
    };
    name.strip_prefix(interface)
        .and_then(|rest| rest.strip_prefix(version))
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
    fn a_version_that_does_not_fit_is_refused_with_what_to_do() {
        let exporting = |names: &[&str]| {
            let exports: String =
                names.iter().map(|name| format!(r#"(export "{name}" (instance $i))"#)).collect();
            wat::parse_str(format!("(component (instance $i) {exports})")).expect("text")
        };
        let (of_02, of_03) = ("wasi:http/incoming-handler@0.2.0", "wasi:http/handler@0.3.0");
        let (not_allowed, not_asked, not_of) =
            (Some(Code::WasiNotAllowed), Some(Code::WasiNotAsked), Some(Code::WasiNotOfComponent));
        // What is exported, what the manifest says, and the answer of a node that allows 0.3 and
        // of one that does not.
        type Row<'a> = (&'a [&'a str], Wasi, Option<Code>, Option<Code>);
        let table: [Row<'_>; 8] = [
            (&[of_02], Wasi::V02, None, None),
            (&[of_02], Wasi::V03, not_of, not_of),
            (&[of_03], Wasi::V02, not_asked, not_allowed),
            (&[of_03], Wasi::V03, None, not_allowed),
            (&[of_02, of_03], Wasi::V02, None, None),
            (&[of_02, of_03], Wasi::V03, None, not_allowed),
            (&[], Wasi::V02, None, None),
            (&[], Wasi::V03, None, not_allowed),
        ];
        for (exports, wasi, where_allowed, elsewhere) in table {
            let component = exporting(exports);
            let code = |allowed| {
                check_version(&component, wasi, allowed).map_err(|problem| problem.code).err()
            };
            assert_eq!((code(true), code(false)), (where_allowed, elsewhere), "{exports:?} {wasi}");
        }
    }
}
