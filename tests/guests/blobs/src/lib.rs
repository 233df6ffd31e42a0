//! A guest that uses containers of blobs as its caller wishes, by the last segment of the path:
//! `/write?container=default&name=a&bytes=100`.
//!
//! Every answer is 200 and says in words what came of it. `/serve` and `/take` pass an object on
//! without holding it.

mod ask;
mod values;

use ask::Ask;
use bindings::wasi::blobstore::blobstore;
use bindings::wasi::blobstore::types::ObjectId;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

/// The bindings of `wit/world.wit`.
mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../../crates/wasm/wit/io.wit",
            "../../../crates/wasm/wit/blobstore-draft.wit",
            "wit",
        ],
        world: "casemate:blobs/guest",
        with: {
            "wasi:io/error@0.2.0": wasip2::io::error,
            "wasi:io/poll@0.2.0": wasip2::io::poll,
            "wasi:io/streams@0.2.0": wasip2::io::streams,
        },
        generate_all,
    });
}

struct Blobs;

wasip2::http::proxy::export!(Blobs);

impl wasip2::exports::http::incoming_handler::Guest for Blobs {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let ask = Ask::new(&request);
        match ask.way.as_str() {
            "serve" => serve(&ask, out),
            "take" => {
                let said = values::take(&ask, request).unwrap_or_else(|error| error);
                answer(out, &said);
            }
            _ => answer(out, &done(&ask).unwrap_or_else(|error| error)),
        }
    }
}

fn done(ask: &Ask) -> Result<String, String> {
    let (name, called) = (ask.text("name"), ask.text("container"));
    match ask.way.as_str() {
        "create" => return blobstore::create_container(&called).map(|_| "created".to_owned()),
        "exists" => return blobstore::container_exists(&called).map(|is| is.to_string()),
        "remove" => return blobstore::delete_container(&called).map(|()| "removed".to_owned()),
        "copy" | "move" => {
            let from = ObjectId { container: called, object: name };
            let to = ObjectId { container: ask.text("to"), object: ask.text("as") };
            return match ask.way.as_str() {
                "copy" => blobstore::copy_object(&from, &to).map(|()| "copied".to_owned()),
                _ => blobstore::move_object(&from, &to).map(|()| "moved".to_owned()),
            };
        }
        _ => {}
    }
    let container = blobstore::get_container(&called)?;
    Ok(match ask.way.as_str() {
        "open" => container.name()?,
        "write" => values::write(&container, ask)?,
        "early" => values::early(&container, ask)?,
        "unfinished" => values::unfinished(&container, ask)?,
        "nowhere" => values::nowhere()?,
        "open-many" => values::open_many(&container, ask)?,
        "read" => values::read(&container, ask)?,
        "sync" => values::sync(&container, ask)?,
        "info" => {
            let info = container.object_info(&name)?;
            format!("{} {} {} {}", info.container, info.name, info.size, info.created_at > 0)
        }
        "has" => container.has_object(&name)?.to_string(),
        "delete" => container.delete_object(&name).map(|()| "deleted".to_owned())?,
        "delete-many" => container.delete_objects(&ask.list("names")).map(|()| "deleted".to_owned())?,
        "clear" => container.clear().map(|()| "cleared".to_owned())?,
        "list" => {
            let names = container.list_objects()?;
            let (skipped, mut over) = match ask.number("skip") {
                0 => (0, false),
                skip => names.skip_stream_object_names(skip)?,
            };
            let mut found = Vec::new();
            while !over {
                let (page, last) = names.read_stream_object_names(ask.number::<u64>("page").max(1))?;
                found.push(page.join(","));
                over = last;
            }
            format!("{skipped} {}", found.join(";"))
        }
        _ => "there is no such way".to_owned(),
    })
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

/// Passes an object on to the caller.
fn serve(ask: &Ask, out: ResponseOutparam) {
    let opened = blobstore::get_container(&ask.text("container")).and_then(|container| {
        let value = container.get_data(&ask.text("name"), 0, u64::MAX)?;
        bindings::wasi::blobstore::types::IncomingValue::incoming_value_consume_async(value)
    });
    let stream = match opened {
        Ok(stream) => stream,
        Err(error) => return answer(out, &error),
    };
    let response = OutgoingResponse::new(Fields::new());
    let sink = response.body().expect("a new response has a body");
    let body = sink.write().expect("a new body has a stream");
    ResponseOutparam::set(out, Ok(response));
    while let Ok(count) = body.blocking_splice(&stream, 64 << 10) {
        if count == 0 && stream.read(1).is_err() {
            break;
        }
    }
    let _ = body.blocking_flush();
    drop(body);
    let _ = OutgoingBody::finish(sink, None);
}
