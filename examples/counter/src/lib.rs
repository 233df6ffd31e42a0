//! Counts in a key-value store: `POST /counter/visits` adds one and says the sum, `GET` reads it.
//!
//! The store is the function's own, which it calls `default`. Until somebody grants it, every use is
//! denied: an ordinary error, which the function can handle.

use bindings::wasi::keyvalue::atomics;
use bindings::wasi::keyvalue::store::{self, Error};
use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

/// The bindings of `wit/world.wit`.
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "counter", generate_all });
}

struct Counter;

wasip2::http::proxy::export!(Counter);

impl wasip2::exports::http::incoming_handler::Guest for Counter {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let counted = match request.method() {
            Method::Post => add(name),
            _ => read(name),
        };
        let (status, text) = match counted {
            Ok(text) => (200, text),
            Err(Error::AccessDenied) => (403, "the store is not granted".to_owned()),
            Err(Error::NoSuchStore) => (500, "there is no such store".to_owned()),
            Err(Error::Other(why)) => (500, why),
        };
        reply::send(out, status, reply::TEXT, format!("{text}\n").as_bytes());
    }
}

/// Adds one, however many others do so at the same time.
fn add(name: &str) -> Result<String, Error> {
    let bucket = store::open("default")?;
    Ok(atomics::increment(&bucket, name, 1)?.to_string())
}

fn read(name: &str) -> Result<String, Error> {
    let bucket = store::open("default")?;
    let value = bucket.get(name)?;
    Ok(value.map_or("0".to_owned(), |value| String::from_utf8_lossy(&value).into_owned()))
}
