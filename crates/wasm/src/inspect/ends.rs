//! Interfaces that SDKs import whether or not they are used, and that nobody answers here.
//!
//! They are linked for the component that imports them, with the functions that it wants: a call of
//! one ends the invocation, and says which.

use super::offer;
use crate::state::State;
use model::manifest::Wasi;
use wasmtime::Engine;
use wasmtime::component::types::{self, ComponentItem};
use wasmtime::component::{Component, Linker, ResourceType};

/// What stands for a resource that nobody can get.
struct Never;

/// A linker that has them too; none if the component imports none.
///
/// # Errors
/// Wasmtime's, if a name is defined twice.
pub(super) fn linked(
    linker: &Linker<State>,
    component: &Component,
    wasi: Wasi,
) -> wasmtime::Result<Option<Linker<State>>> {
    let engine = component.engine();
    let imports = component.component_type();
    let mut own: Option<Linker<State>> = None;
    for (name, import) in imports.imports(engine).filter(|(name, _)| offer::ends(name, wasi)) {
        if let ComponentItem::ComponentInstance(instance) = import.ty {
            stub(own.get_or_insert_with(|| linker.clone()), name, &instance, engine)?;
        }
    }
    Ok(own)
}

fn stub(
    linker: &mut Linker<State>,
    interface: &str,
    instance: &types::ComponentInstance,
    engine: &Engine,
) -> wasmtime::Result<()> {
    let mut linked = linker.instance(interface)?;
    for (name, export) in instance.exports(engine) {
        match export.ty {
            ComponentItem::ComponentFunc(_) => {
                let whole = format!("{interface}#{name}");
                linked.func_new(name, move |_, _, _, _| {
                    Err(wasmtime::format_err!("nobody answers `{whole}` here"))
                })?;
            }
            ComponentItem::Resource(_) => {
                linked.resource(name, ResourceType::host::<Never>(), |_, _| Ok(()))?;
            }
            _ => {}
        }
    }
    Ok(())
}
