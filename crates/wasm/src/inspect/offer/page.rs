//! The page about what guests may import, made from the table.
//!
//! Invariant: what is committed equals what is made here; the test below holds it. After a change of
//! the table run `UPDATE=1 cargo test -p casemate-wasm wit_page`, or `cargo xtask docs`.

use super::{Any, Only, Row, Standing, TABLE, Versions};
use model::manifest::Wasi;
use std::fmt::Write as _;
use std::path::Path;

const HEAD: &str = "\
<!-- Made by `UPDATE=1 cargo test -p casemate-wasm wit_page`; do not edit. -->

# WIT packages

What a component may import, by interface and version, and what becomes of it.
[Interfaces](interfaces.md) says what a function gets from each.

| word | meaning |
|---|---|
| works | it does what its text says |
| by grant | it does so where the manifest asks for it and a grant allows it, and is denied otherwise |
| empty | it can be called, and there is nothing: no input, no terminal |
| reads | what the function carries can be read, and nothing can be changed |
| denied | it can be imported, and every call is denied |
| ends | it can be imported, since SDKs do so whether or not it is used; a call of it ends the invocation |
| absent | a component that imports it is refused when it is deployed ([E0102](../errors/E0102.md)) |

Interfaces and versions that are not listed are absent.
`0.2.x` and `0.3.x` are all releases of that line, and no pre-releases.

## Imports

| interface | version | in a function of WASI 0.2 | in a function of WASI 0.3 |
|---|---|---|---|
";

const TAIL: &str = "
## Exports

| interface | version | in a function of WASI 0.2 | in a function of WASI 0.3 |
|---|---|---|---|
| `wasi:http/incoming-handler` | 0.2.x | called | not called |
| `wasi:http/handler` | 0.3.x | not called | called |
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for row in TABLE {
        let Row { interface, in_02, in_03, .. } = row;
        for version in versions(row.versions) {
            let _infallible = writeln!(
                page,
                "| `{interface}` | {version} | {} | {} |",
                word(*in_02),
                word(*in_03)
            );
        }
    }
    page + TAIL
}

fn versions(of: Versions) -> Vec<&'static str> {
    match of {
        Any(Wasi::V02) => vec!["0.2.x"],
        Any(Wasi::V03) => vec!["0.3.x"],
        Only(versions) => versions.to_vec(),
    }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Works => "works",
        Standing::Granted => "by grant",
        Standing::Empty => "empty",
        Standing::Reads => "reads",
        Standing::Denied => "denied",
        Standing::Ends => "ends",
        Standing::Absent => "absent",
    }
}

#[test]
fn wit_page_is_what_the_table_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/wit.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &page).expect("docs can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == page,
        "docs/reference/wit.md is not what the table says; run: \
         UPDATE=1 cargo test -p casemate-wasm wit_page"
    );
}
