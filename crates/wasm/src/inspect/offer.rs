//! What guests may import, by name: one table for each version of WASI.
//!
//! Invariant: what stands in a table is linked, and what is linked and reaches the outside is denied
//! or asked of `ports::Host`.

use crate::state::State;
use model::manifest::Wasi;
use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi::{p2, p3};

/// What every guest of WASI 0.2 may import, in any version 0.2.x: all of `wasi:cli` and `wasi:http`.
///
/// Directories, sockets and name lookups are among them, since the runtimes of many languages
/// import them whether or not they are used; every call of them is denied.
const OFFERED_02: &[&str] = &[
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

/// What every guest of WASI 0.3 may import, in any version 0.3.x: no directories and no sockets.
/// Every call of `wasi:http/client` is denied.
const OFFERED_03: &[&str] = &[
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
    "wasi:cli/types",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/system-clock",
    "wasi:clocks/types",
    "wasi:http/client",
    "wasi:http/types",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// What a guest of WASI 0.3 may import in a version 0.2.x beside: the standard libraries of many
/// languages still speak it. Nothing with which a request, a reply or a connection is made.
const OFFERED_02_BESIDE_03: &[&str] = &[
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
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Everything that a guest can import.
///
/// # Errors
/// Wasmtime's, if a name is defined twice.
pub(crate) fn linker(engine: &Engine, wasi: Wasi) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    // More than the table of 0.3 names; an import is looked up in the table first.
    p2::add_to_linker_async(&mut linker)?;
    match wasi {
        Wasi::V02 => wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?,
        Wasi::V03 => {
            p3::cli::add_to_linker(&mut linker)?;
            p3::clocks::add_to_linker(&mut linker)?;
            p3::random::add_to_linker(&mut linker)?;
            wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        }
    }
    Ok(linker)
}

/// Whether a guest may import this.
pub(crate) fn is_offered(import: &str, wasi: Wasi) -> bool {
    let any = |table: &[&str], version| {
        table.iter().any(|offered| super::is_version(import, offered, version))
    };
    match wasi {
        Wasi::V02 => any(OFFERED_02, Wasi::V02),
        Wasi::V03 => any(OFFERED_03, Wasi::V03) || any(OFFERED_02_BESIDE_03, Wasi::V02),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_02_are_offered_and_others_are_not() {
        for name in ["wasi:http/types@0.2.0", "wasi:io/poll@0.2.12"] {
            assert!(is_offered(name, Wasi::V02), "{name}");
        }
        for name in [
            "wasi:http/types",
            "wasi:http/types@0.3.0",
            "wasi:http/types@0.2.0-rc-2023-11-10",
            "wasi:http/types-more@0.2.0",
            "wasi:keyvalue/store@0.2.0-draft",
            "wasi:io/poll@0.2.",
        ] {
            assert!(!is_offered(name, Wasi::V02), "{name}");
        }
    }

    #[test]
    fn versions_of_03_are_offered_without_directories_sockets_and_the_http_of_02() {
        for name in [
            "wasi:http/types@0.3.0",
            "wasi:http/client@0.3.2",
            "wasi:cli/stdout@0.3.0",
            "wasi:cli/stdout@0.2.12",
            "wasi:filesystem/preopens@0.2.0",
        ] {
            assert!(is_offered(name, Wasi::V03), "{name}");
        }
        for name in [
            "wasi:http/types@0.2.12",
            "wasi:http/outgoing-handler@0.2.12",
            "wasi:http/handler@0.3.0",
            "wasi:http/types@0.3.0-rc-2026-01-06",
            "wasi:filesystem/preopens@0.3.0",
            "wasi:sockets/types@0.3.0",
            "wasi:sockets/tcp@0.2.0",
            "wasi:clocks/timezone@0.3.0",
        ] {
            assert!(!is_offered(name, Wasi::V03), "{name}");
        }
    }
}
