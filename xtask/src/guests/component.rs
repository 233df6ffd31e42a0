//! Components: making one from a core module, and seeing what one asks for and offers.

use anyhow::{Context as _, Result, bail, ensure};
use std::collections::BTreeSet;
use wit_component::{ComponentEncoder, DecodedWasm};

/// What a component imports and exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// Names of imported interfaces and functions.
    pub(super) imports: BTreeSet<String>,
    /// Names of exported interfaces and functions.
    pub(super) exports: BTreeSet<String>,
}

/// Makes a component of `bytes`, unless they are one. The result is validated.
pub(super) fn encode(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if is_component(&bytes) {
        return Ok(bytes);
    }
    ComponentEncoder::default().module(&bytes)?.validate(true).encode()
}

/// Reads a component's shape.
///
/// # Errors
/// The bytes are no component.
pub(super) fn shape(bytes: &[u8]) -> Result<Shape> {
    // The decoder also takes core modules, which carry their WIT in a custom section.
    ensure!(is_component(bytes), "this is no component");
    let DecodedWasm::Component(resolve, world) = wit_component::decode(bytes)? else {
        bail!("this is a WIT package and no component");
    };
    let world = resolve.worlds.get(world).context("the component has a world")?;
    let names = |keys: Vec<&wit_parser::WorldKey>| {
        keys.into_iter().map(|key| resolve.name_world_key(key)).collect()
    };
    Ok(Shape {
        imports: names(world.imports.keys().collect()),
        exports: names(world.exports.keys().collect()),
    })
}

impl Shape {
    /// How this shape differs from that of the committed component, if it matters.
    ///
    /// The standard library of another target may ask for more of WASI than the committed
    /// component does; nothing else may differ.
    pub(super) fn differs(&self, committed: &Self) -> Option<String> {
        if self.exports != committed.exports {
            return Some(format!("it exports {:?}, not {:?}", self.exports, committed.exports));
        }
        if let Some(name) = committed.imports.difference(&self.imports).next() {
            return Some(format!("it does not import {name}"));
        }
        let more = self.imports.difference(&committed.imports);
        more.clone()
            .find(|name| !name.starts_with("wasi:"))
            .map(|name| format!("it imports {name}"))
    }
}

/// Whether the bytes begin as a component does: a core module has another layer number.
fn is_component(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm\x0d\0\x01\0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(imports: &[&str], exports: &[&str]) -> Shape {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Shape { imports: set(imports), exports: set(exports) }
    }

    #[test]
    fn only_more_of_wasi_is_no_difference() {
        let committed = shape(&["wasi:http/types@0.2.12"], &["wasi:http/incoming-handler@0.2.12"]);
        let exports = ["wasi:http/incoming-handler@0.2.12"];
        assert_eq!(committed.differs(&committed), None);
        let more = shape(&["wasi:http/types@0.2.12", "wasi:cli/environment@0.2.12"], &exports);
        assert_eq!(more.differs(&committed), None);
        assert!(
            shape(&["wasi:http/types@0.2.12", "acme:x/y"], &exports).differs(&committed).is_some()
        );
        assert!(shape(&[], &exports).differs(&committed).is_some());
        assert!(shape(&["wasi:http/types@0.2.12"], &[]).differs(&committed).is_some());
    }

    #[test]
    fn a_core_module_is_no_component() {
        assert!(!is_component(b"\0asm\x01\0\0\0"));
        assert!(super::shape(b"\0asm\x01\0\0\0").is_err());
        assert!(super::shape(b"").is_err());
    }
}
