//! What a guest of WASI 0.3 may import in drafts of 0.2: a key-value store and its configuration.

use crate::ask::Ask;
use crate::{Answer, answer};
use bindings::wasi::config::store as config;
use bindings::wasi::keyvalue::{atomics, store};

mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../../crates/wasm/wit/keyvalue-draft2.wit",
            "../../../crates/wasm/wit/config-rc1.wit",
        ],
        inline: "
            package casemate:misbehave03;
            world guest {
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
                import wasi:config/store@0.2.0-rc.1;
            }
        ",
        world: "casemate:misbehave03/guest",
        generate_all,
    });
}

/// Counts how often it was called.
pub async fn count(_: Ask) -> Answer {
    let counted = store::open("default")
        .and_then(|bucket| atomics::increment(&bucket, "count", 1))
        .map_or_else(|error| format!("{error:?}\n"), |sum| format!("{sum}\n"));
    answer::text(200, &counted)
}

/// Says what is configured as `region`.
pub async fn region(_: Ask) -> Answer {
    answer::text(200, &format!("{:?}\n", config::get("region")))
}
