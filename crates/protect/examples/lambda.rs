//! A function of AWS Lambda that protects documents with the platform's keys, and gives values back.
//!
//! It is a custom runtime (`provided.al2023`) with nothing but this library: build it for
//! `x86_64-unknown-linux-musl` as `bootstrap`, and put `contract.json` and `keys.json` beside it in
//! the package. The keys are written by `casemate protect --contract FILE --write-keys keys.json`.
//!
//! It is invoked with `{"protect": DOCUMENT}` or `{"undo": DOCUMENT}`, and answers with the document.
#![allow(clippy::print_stderr, clippy::disallowed_methods, reason = "a program of its own")]

use casemate_protect::contract::{Contract, Format};
use casemate_protect::outside::{KeyFile, Outside, Way};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// What it is invoked with.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Event<'e> {
    #[serde(borrow)]
    Protect(&'e RawValue),
    #[serde(borrow)]
    Undo(&'e RawValue),
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = std::env::var("AWS_LAMBDA_RUNTIME_API")?;
    let (contract, keys) =
        (std::fs::read_to_string("contract.json")?, std::fs::read_to_string("keys.json")?);
    let outside = outside(&contract, &keys)?;
    loop {
        next(&runtime, &outside)?;
    }
}

/// The contract with its keys.
pub(crate) fn outside(contract: &str, keys: &str) -> Result<Outside, Box<dyn Error>> {
    let (contract, keys): (Contract, KeyFile) =
        (serde_json::from_str(contract)?, KeyFile::read(keys)?);
    Ok(Outside::new(&contract, keys.tenant(), &mut |class| keys.keys(class))?)
}

/// Waits for an invocation and answers it.
pub(crate) fn next(runtime: &str, outside: &Outside) -> Result<(), Box<dyn Error>> {
    const INVOCATIONS: &str = "/2018-06-01/runtime/invocation";
    let (head, event) = exchange(runtime, "GET", &format!("{INVOCATIONS}/next"), b"")?;
    let id = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("lambda-runtime-aws-request-id").then(|| value.trim().to_owned())
    });
    let id = id.ok_or("the runtime names no invocation")?;
    let (kind, body) = match answer(outside, &event) {
        Ok(document) => ("response", document),
        Err(error) => {
            let what = serde_json::json!({ "errorType": "DataContract", "errorMessage": error.to_string() });
            ("error", what.to_string().into_bytes())
        }
    };
    exchange(runtime, "POST", &format!("{INVOCATIONS}/{id}/{kind}"), &body).map(drop)
}

fn answer(outside: &Outside, event: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let (way, document) = match serde_json::from_slice(event)? {
        Event::Protect(document) => (Way::Protect, document),
        Event::Undo(document) => (Way::Undo, document),
    };
    let made = outside.document(way, Format::Json, document.get().as_bytes())?;
    eprintln!("{} values", made.values());
    Ok(made.bytes)
}

/// One exchange over HTTP with the runtime: the head and the body of what it answers.
fn exchange(
    to: &str,
    method: &str,
    path: &str,
    body: &[u8],
) -> Result<(String, Vec<u8>), Box<dyn Error>> {
    let mut stream = TcpStream::connect(to)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {to}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )?;
    stream.write_all(body)?;
    let mut whole = Vec::new();
    stream.read_to_end(&mut whole)?;
    let end = whole.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no answer")?;
    let body = whole.split_off(end + 4);
    Ok((String::from_utf8(whole)?, body))
}
