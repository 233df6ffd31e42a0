//! Guests that no compiler makes: their shape is all that matters.

use super::{Places, bomb, component, source, stamp};
use anyhow::{Context as _, Result};
use wit_component::{StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

/// A handler that imports what nobody offers.
const UNOFFERED: &str = "
package test:unoffered;
world guest {
    import wasi:messaging/producer@0.2.0-draft;
    import acme:secret/vault@1.0.0;
    export wasi:http/incoming-handler@0.2.12;
}
package wasi:messaging@0.2.0-draft {
    interface producer {
        resource client;
        connect: func(name: string) -> result<client, string>;
    }
}
package acme:secret@1.0.0 {
    interface vault {
        open: func(name: string) -> list<u8>;
    }
}
";

/// A component that handles no requests.
const NO_HANDLER: &str = "
package test:nohandler;
world guest {
    export acme:tool/adder@1.0.0;
}
package acme:tool@1.0.0 {
    interface adder {
        add: func(a: u32, b: u32) -> u32;
    }
}
";

/// A handler and nothing else.
const HANDLER: &str = "
package test:bomb;
world guest {
    export wasi:http/incoming-handler@0.2.12;
}
";

/// As much of `wasi:http` as the export of a handler needs.
const HTTP: &str = "
package wasi:http@0.2.12 {
    interface types {
        resource incoming-request;
        resource response-outparam;
    }
    interface incoming-handler {
        use types.{incoming-request, response-outparam};
        handle: func(request: incoming-request, response-out: response-outparam);
    }
}
";

/// Builds what is not fresh.
pub(super) fn build(places: &Places) -> Result<()> {
    keep(places, "unoffered", &[UNOFFERED, HTTP].concat(), None)?;
    keep(places, "nohandler", NO_HANDLER, None)?;
    keep(places, "bomb", &[HANDLER, HTTP].concat(), Some(bomb::RECIPE))
}

/// Builds one component: a dummy of the world `guest` in `wit`, or the bomb.
fn keep(places: &Places, name: &str, wit: &str, bomb: Option<&str>) -> Result<()> {
    let key = source::sha256([wit, bomb.unwrap_or("dummy, 1")].concat().as_bytes());
    if stamp::is_fresh(places, name, &key) {
        return Ok(());
    }
    let bytes = make(wit, bomb.is_some()).with_context(|| format!("cannot make `{name}`"))?;
    stamp::keep(places, name, &key, &bytes)
}

fn make(wit: &str, explosive: bool) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("guest.wit", wit)?;
    let world = resolve.select_world(&[package], Some("guest"))?;
    let mut module = if explosive {
        bomb::module()
    } else {
        dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync))
    };
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    component::encode(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unoffered_imports_what_nobody_offers() {
        let bytes = make(&[UNOFFERED, HTTP].concat(), false).expect("component");
        let shape = component::shape(&bytes).expect("shape");
        for name in ["wasi:messaging/producer@0.2.0-draft", "acme:secret/vault@1.0.0"] {
            assert!(shape.imports.contains(name), "{shape:?}");
        }
        assert!(shape.exports.contains("wasi:http/incoming-handler@0.2.12"));
    }

    #[test]
    fn nohandler_exports_no_handler() {
        let bytes = make(NO_HANDLER, false).expect("component");
        let shape = component::shape(&bytes).expect("shape");
        assert_eq!(shape.exports.into_iter().collect::<Vec<_>>(), ["acme:tool/adder@1.0.0"]);
    }

    #[test]
    fn the_bomb_is_an_ordinary_handler_to_look_at() {
        let bytes = make(&[HANDLER, HTTP].concat(), true).expect("component");
        let shape = component::shape(&bytes).expect("shape");
        assert!(shape.exports.contains("wasi:http/incoming-handler@0.2.12"));
        assert!(bytes.len() < 8 << 20, "{} bytes", bytes.len());
    }
}
