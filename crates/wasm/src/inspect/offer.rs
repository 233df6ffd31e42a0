//! What guests may import, by name and version: one table for both versions of WASI.
//!
//! `docs/reference/wit.md` is made from it.
//!
//! Invariant: what stands in the table and is not absent is linked, and what is linked and reaches the
//! outside is denied or asked of `ports::Host`.

#[cfg(test)]
mod page;

use crate::state::State;
use crate::{blobstore, files, keyvalue, values};
use Standing::{Absent, Denied, Empty, Ends, Granted, Reads, Works};
use Versions::{Any, Only};
use model::manifest::Wasi;
use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi::{p2, p3};

/// One interface, in the versions that are treated alike.
struct Row {
    interface: &'static str,
    versions: Versions,
    /// For guests of WASI 0.2.
    in_02: Standing,
    /// For guests of WASI 0.3.
    in_03: Standing,
}

/// Which versions a row is about.
#[derive(Clone, Copy)]
enum Versions {
    /// Every release of that line, and no pre-release.
    Any(Wasi),
    /// These and no others.
    Only(&'static [&'static str]),
}

/// What becomes of an import.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It does what its text says.
    Works,
    /// It does so where a grant allows it.
    Granted,
    /// It can be called, and there is nothing.
    Empty,
    /// What the function carries can be read, and nothing can be changed.
    Reads,
    /// It can be imported, and every call is denied.
    Denied,
    /// It can be imported, since SDKs do so whether or not it is used; a call ends the invocation.
    Ends,
    /// A component that imports it is refused.
    Absent,
}

const fn row(interface: &'static str, versions: Versions, in_02: Standing, in_03: Standing) -> Row {
    Row { interface, versions, in_02, in_03 }
}

const V02: Versions = Any(Wasi::V02);
const V03: Versions = Any(Wasi::V03);
const KEYVALUE: Versions = Only(&["0.2.0-draft", "0.2.0-draft2"]);
const BLOBSTORE: Versions = Only(&["0.2.0-draft"]);
const SPIN: Versions = Only(&["2.0.0"]);
const CONFIG: Versions = Only(&values::VERSIONS);

/// Every interface that is known, by package and version.
///
/// Sockets and name lookups of 0.2 are there since the runtimes of many languages import
/// them whether or not they are used. A guest of 0.3 may import 0.2 beside, since standard libraries
/// still speak it: nothing with which a request, a reply or a connection is made.
const TABLE: &[Row] = &[
    row("wasi:cli/environment", V02, Works, Works),
    row("wasi:cli/exit", V02, Works, Works),
    row("wasi:cli/stderr", V02, Works, Works),
    row("wasi:cli/stdin", V02, Empty, Empty),
    row("wasi:cli/stdout", V02, Works, Works),
    row("wasi:cli/terminal-input", V02, Empty, Empty),
    row("wasi:cli/terminal-output", V02, Empty, Empty),
    row("wasi:cli/terminal-stderr", V02, Empty, Empty),
    row("wasi:cli/terminal-stdin", V02, Empty, Empty),
    row("wasi:cli/terminal-stdout", V02, Empty, Empty),
    row("wasi:clocks/monotonic-clock", V02, Works, Works),
    row("wasi:clocks/timezone", V02, Absent, Absent),
    row("wasi:clocks/wall-clock", V02, Works, Works),
    row("wasi:filesystem/preopens", V02, Reads, Reads),
    row("wasi:filesystem/types", V02, Reads, Reads),
    row("wasi:http/outgoing-handler", V02, Granted, Absent),
    row("wasi:http/types", V02, Works, Absent),
    row("wasi:io/error", V02, Works, Works),
    row("wasi:io/poll", V02, Works, Works),
    row("wasi:io/streams", V02, Works, Works),
    row("wasi:random/insecure", V02, Works, Works),
    row("wasi:random/insecure-seed", V02, Works, Works),
    row("wasi:random/random", V02, Works, Works),
    row("wasi:sockets/instance-network", V02, Denied, Absent),
    row("wasi:sockets/ip-name-lookup", V02, Denied, Absent),
    row("wasi:sockets/network", V02, Denied, Absent),
    row("wasi:sockets/tcp", V02, Denied, Absent),
    row("wasi:sockets/tcp-create-socket", V02, Denied, Absent),
    row("wasi:sockets/udp", V02, Denied, Absent),
    row("wasi:sockets/udp-create-socket", V02, Denied, Absent),
    row("wasi:cli/environment", V03, Absent, Works),
    row("wasi:cli/exit", V03, Absent, Works),
    row("wasi:cli/stderr", V03, Absent, Works),
    row("wasi:cli/stdin", V03, Absent, Empty),
    row("wasi:cli/stdout", V03, Absent, Works),
    row("wasi:cli/terminal-input", V03, Absent, Empty),
    row("wasi:cli/terminal-output", V03, Absent, Empty),
    row("wasi:cli/terminal-stderr", V03, Absent, Empty),
    row("wasi:cli/terminal-stdin", V03, Absent, Empty),
    row("wasi:cli/terminal-stdout", V03, Absent, Empty),
    row("wasi:cli/types", V03, Absent, Works),
    row("wasi:clocks/monotonic-clock", V03, Absent, Works),
    row("wasi:clocks/system-clock", V03, Absent, Works),
    row("wasi:clocks/timezone", V03, Absent, Absent),
    row("wasi:clocks/types", V03, Absent, Works),
    row("wasi:filesystem/preopens", V03, Absent, Absent),
    row("wasi:filesystem/types", V03, Absent, Absent),
    row("wasi:http/client", V03, Absent, Granted),
    row("wasi:http/handler", V03, Absent, Absent),
    row("wasi:http/types", V03, Absent, Works),
    row("wasi:random/insecure", V03, Absent, Works),
    row("wasi:random/insecure-seed", V03, Absent, Works),
    row("wasi:random/random", V03, Absent, Works),
    row("wasi:sockets/ip-name-lookup", V03, Absent, Absent),
    row("wasi:sockets/types", V03, Absent, Absent),
    row("wasi:config/store", CONFIG, Works, Works),
    row("wasi:keyvalue/atomics", KEYVALUE, Granted, Granted),
    row("wasi:keyvalue/batch", KEYVALUE, Granted, Granted),
    row("wasi:keyvalue/store", KEYVALUE, Granted, Granted),
    row("wasi:keyvalue/watcher", KEYVALUE, Absent, Absent),
    row("fermyon:spin/key-value", SPIN, Granted, Granted),
    row("fermyon:spin/llm", SPIN, Ends, Ends),
    row("fermyon:spin/mqtt", SPIN, Ends, Ends),
    row("fermyon:spin/mysql", SPIN, Ends, Ends),
    row("fermyon:spin/postgres", SPIN, Ends, Ends),
    row("fermyon:spin/rdbms-types", SPIN, Ends, Ends),
    row("fermyon:spin/redis", SPIN, Ends, Ends),
    row("fermyon:spin/sqlite", SPIN, Ends, Ends),
    row("fermyon:spin/variables", SPIN, Works, Works),
    row("spin:postgres/postgres", Only(&["3.0.0", "4.0.0"]), Ends, Ends),
    row("spin:sqlite/sqlite", Only(&["3.0.0"]), Ends, Ends),
    row("wasi:blobstore/blobstore", BLOBSTORE, Granted, Granted),
    row("wasi:blobstore/container", BLOBSTORE, Granted, Granted),
    row("wasi:blobstore/types", BLOBSTORE, Granted, Granted),
    row("wasi:logging/logging", Only(&["0.1.0-draft"]), Absent, Absent),
    row("wasi:messaging/producer", Only(&["0.2.0-draft"]), Absent, Absent),
    row("wasi:tls/types", Only(&["0.2.0-draft"]), Absent, Absent),
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
    files::link_over(&mut linker)?;
    keyvalue::link(&mut linker)?;
    blobstore::link(&mut linker)?;
    values::link(&mut linker)?;
    Ok(linker)
}

/// Whether an import is there for SDKs that import it in any case.
pub(crate) fn ends(import: &str, wasi: Wasi) -> bool {
    TABLE.iter().any(|row| row.standing(wasi) == Ends && row.names(import))
}

/// Whether a guest may import this.
pub(crate) fn is_offered(import: &str, wasi: Wasi) -> bool {
    TABLE.iter().any(|row| row.standing(wasi) != Absent && row.names(import))
}

impl Row {
    fn standing(&self, wasi: Wasi) -> Standing {
        match wasi {
            Wasi::V02 => self.in_02,
            Wasi::V03 => self.in_03,
        }
    }

    /// Whether `import` is this interface in one of the row's versions.
    fn names(&self, import: &str) -> bool {
        match self.versions {
            Any(line) => super::is_version(import, self.interface, line),
            Only(versions) => import
                .strip_prefix(self.interface)
                .and_then(|rest| rest.strip_prefix('@'))
                .is_some_and(|version| versions.contains(&version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_02_are_offered_and_others_are_not() {
        for name in [
            "wasi:http/types@0.2.0",
            "wasi:io/poll@0.2.12",
            "wasi:keyvalue/store@0.2.0-draft",
            "wasi:keyvalue/atomics@0.2.0-draft2",
            "wasi:config/store@0.2.0-rc.1",
        ] {
            assert!(is_offered(name, Wasi::V02), "{name}");
        }
        for name in [
            "wasi:http/types",
            "wasi:http/types@0.3.0",
            "wasi:http/types@0.2.0-rc-2023-11-10",
            "wasi:http/types-more@0.2.0",
            "wasi:keyvalue/store@0.2.0",
            "wasi:keyvalue/store@0.2.0-draft3",
            "wasi:keyvalue/watcher@0.2.0-draft",
            "wasi:config/runtime@0.2.0-draft",
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
            "wasi:keyvalue/batch@0.2.0-draft2",
            "wasi:config/store@0.2.0-draft",
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

    #[test]
    fn what_is_offered_is_linked() {
        for wasi in [Wasi::V02, Wasi::V03] {
            let engine = crate::settings::compile_engine(wasi).expect("engine");
            let linker = linker(&engine, wasi).expect("linker");
            // What is there cannot be defined again as something else.
            let module = wasmtime::Module::new(&engine, b"\0asm\x01\0\0\0").expect("empty");
            let links = |name: &str| linker.clone().root().module(name, &module).is_err();
            assert!(!links("wasi:keyvalue/store@0.2.0-draft3") && !links("wasi:tls/types@0.2.0"));
            // These have types only: there is nothing to link.
            let plain = |row: &Row| matches!(row.interface, "wasi:cli/types" | "wasi:clocks/types");
            // Those that end the invocation are linked for the component that imports them.
            let offered = |row: &&Row| !matches!(row.standing(wasi), Absent | Ends) && !plain(row);
            for row in TABLE.iter().filter(offered) {
                let versions = match row.versions {
                    // What Wasmtime 48 has; Wasmtime itself takes other releases for these.
                    Any(Wasi::V02) => &["0.2.12"],
                    Any(Wasi::V03) => &["0.3.0"],
                    Only(versions) => versions,
                };
                for version in versions {
                    let name = format!("{}@{version}", row.interface);
                    assert!(links(&name), "{name} in {wasi}");
                }
            }
        }
    }
}
