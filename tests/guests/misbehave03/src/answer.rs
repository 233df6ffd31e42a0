//! Ordinary answers, odd ones, and the pieces that the ways build theirs from.

use crate::Answer;
use crate::ask::Ask;
use crate::lines::SECRET;
use wasip3::http::types::{ErrorCode, Fields, Response, Trailers};
use wasip3::wit_bindgen::StreamWriter;
use wasip3::{spawn_local, wit_bindgen, wit_future, wit_stream};

/// How a body ends.
pub type End = Result<Option<Trailers>, ErrorCode>;
/// Says how the body ends.
pub type EndWriter = wit_bindgen::FutureWriter<End>;

/// Answers with plain text.
pub fn text(status: u16, body: &str) -> Answer {
    with(status, plain(), body.as_bytes().to_vec())
}

/// Answers with headers of one's own. The body is written once the answer is out.
pub fn with(status: u16, fields: Fields, body: Vec<u8>) -> Answer {
    let (response, mut writer, end) = open(fields);
    if response.set_status_code(status).is_err() {
        return with(500, plain(), b"the host refused the status\n".to_vec());
    }
    spawn_local(async move {
        writer.write_all(body).await;
        drop(writer);
        let _ = end.write(Ok(None)).await;
    });
    Ok(response)
}

/// A response, what writes its body, and what says how the body ends.
pub fn open(fields: Fields) -> (Response, StreamWriter<u8>, EndWriter) {
    let (writer, contents) = wit_stream::new();
    let (end, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(fields, Some(contents), trailers);
    (response, writer, end)
}

/// A content type and nothing else.
pub fn plain() -> Fields {
    Fields::from_list(&[("content-type".to_owned(), b"text/plain".to_vec())]).expect("one field")
}

/// A content type and a promised length.
pub fn promising(length: &str) -> Fields {
    let fields = plain();
    let _ = fields.append("content-length", length.as_bytes());
    fields
}

/// Says hello.
pub async fn hello(_: Ask) -> Answer {
    text(200, "hello from WASI 0.3\n")
}

/// Answers with the status `code` (200).
pub async fn status(ask: Ask) -> Answer {
    let code = u16::try_from(ask.number("code", 200)).unwrap_or(0);
    text(code, "as you wished\n")
}

/// Answers with an error code that carries a secret.
pub async fn error_code(_: Ask) -> Answer {
    let message = format!("could not reach the payment service with {SECRET}");
    Err(ErrorCode::InternalError(Some(message)))
}

/// Makes a response and drops it, then answers with another.
pub async fn drop_response(_: Ask) -> Answer {
    let (response, writer, end) = open(plain());
    drop(response);
    drop(writer);
    drop(end);
    text(200, "a second one\n")
}

/// Answers twice by the canonical ABI, which the bindings would not.
pub async fn twice(_: Ask) -> Answer {
    #[link(wasm_import_module = "[export]wasi:http/handler@0.3.2")]
    unsafe extern "C" {
        #[link_name = "[task-return]handle"]
        fn answer(bad: i32, what: i32, a: i32, b: u64, c: *mut u8, d: *mut u8, e: usize, f: i32);
    }
    let null = std::ptr::null_mut;
    // SAFETY: an error code without a payload names no memory.
    unsafe { answer(1, 36, 0, 0, null(), null(), 0, 0) };
    text(200, "a second answer\n")
}
