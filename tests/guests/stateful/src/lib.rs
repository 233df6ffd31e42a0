//! A guest that uses key-value stores and its configuration as its caller wishes, by the last two
//! segments of the path: `/draft/get?store=default&key=a`.
//!
//! Every answer is 200 and says in words what came of it.

mod ask;
mod cas;
mod draft;
mod draft2;

use ask::Ask;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

/// The bindings of `wit/world.wit`.
mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../../crates/wasm/wit/keyvalue-draft.wit",
            "../../../crates/wasm/wit/keyvalue-draft2.wit",
            "../../../crates/wasm/wit/config-draft.wit",
            "../../../crates/wasm/wit/config-rc1.wit",
            "wit",
        ],
        world: "casemate:stateful/guest",
        generate_all,
    });
}

struct Stateful;

wasip2::http::proxy::export!(Stateful);

impl wasip2::exports::http::incoming_handler::Guest for Stateful {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let ask = Ask::new(&request);
        let text = match ask.family.as_str() {
            "draft" => draft::answer(&ask),
            "draft2" => draft2::answer(&ask),
            "cas" => cas::answer(&ask),
            "config-draft" => config::draft(&ask),
            "config-rc1" => config::rc1(&ask),
            _ => "there is no such family".to_owned(),
        };
        answer(out, &text);
    }
}

mod config {
    use super::Ask;
    use super::bindings::wasi::{config0_2_0_draft, config0_2_0_rc_1};

    pub fn draft(ask: &Ask) -> String {
        match ask.way.as_str() {
            "get" => format!("{:?}", config0_2_0_draft::store::get(&ask.text("key"))),
            _ => format!("{:?}", config0_2_0_draft::store::get_all()),
        }
    }

    pub fn rc1(ask: &Ask) -> String {
        match ask.way.as_str() {
            "get" => format!("{:?}", config0_2_0_rc_1::store::get(&ask.text("key"))),
            _ => format!("{:?}", config0_2_0_rc_1::store::get_all()),
        }
    }
}

fn answer(out: ResponseOutparam, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    let sink = response.body().expect("a new response has a body");
    let stream = sink.write().expect("a new body has a stream");
    ResponseOutparam::set(out, Ok(response));
    for part in text.as_bytes().chunks(4096) {
        stream.blocking_write_and_flush(part).expect("the caller reads");
    }
    drop(stream);
    let _ = OutgoingBody::finish(sink, None);
}
