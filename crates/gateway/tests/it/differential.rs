//! What the scanner passes, hyper parses to the same head and the same body boundary.

use bytes::Bytes;
use casemate_gateway::head::Limits;
use casemate_gateway::messages;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMITS: Limits = Limits { headers_max: 100, bytes_max: 32 * 1024 };
const SENTINEL: &str = "GET /sentinel HTTP/1.1\r\nhost: s\r\n\r\n";

/// What a parser made of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parsed {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// Reads bytes with hyper alone. `None` in the place of a message whose body it refused.
fn with_hyper(bytes: &[u8]) -> Vec<Option<Parsed>> {
    let seen: Arc<Mutex<Vec<Option<Parsed>>>> = Arc::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(bytes.len() + 64 * 1024);
        let note = Arc::clone(&seen);
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let note = Arc::clone(&note);
            async move {
                let parsed = parsed_by_hyper(request).await;
                note.lock().unwrap().push(parsed);
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
            }
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.half_close(true).header_read_timeout(None);
        let serving = builder.serve_connection(TokioIo::new(server), service);
        client.write_all(bytes).await.unwrap();
        client.shutdown().await.unwrap();
        let mut answers = Vec::new();
        let (_, read) = tokio::join!(serving, client.read_to_end(&mut answers));
        read.unwrap();
    });
    Arc::try_unwrap(seen).unwrap().into_inner().unwrap()
}

async fn parsed_by_hyper(request: Request<Incoming>) -> Option<Parsed> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.ok()?.to_bytes().to_vec();
    let headers = parts.headers.iter();
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    headers.sort();
    Some(Parsed { method: parts.method.to_string(), target: parts.uri.to_string(), headers, body })
}

/// Reads a head that is known to be strict in the simplest way there is.
fn plainly(head: &[u8], body: &[u8]) -> Parsed {
    let mut lines = head.split(|&byte| byte == b'\n').map(|line| line.trim_ascii_end());
    let first = String::from_utf8(lines.next().unwrap().to_vec()).unwrap();
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let mut headers: Vec<_> = lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let colon = line.iter().position(|&byte| byte == b':').unwrap();
            let name = String::from_utf8(line[..colon].to_ascii_lowercase()).unwrap();
            (name, line[colon + 1..].trim_ascii().to_vec())
        })
        .collect();
    headers.sort();
    let chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
    let body = if chunked { unchunked(body) } else { body.to_vec() };
    Parsed { method, target: normal(&target), headers, body }
}

/// `Uri` writes schemes and hosts as they came, but a path for those that have none.
fn normal(target: &str) -> String {
    target.parse::<http::Uri>().unwrap().to_string()
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n").unwrap();
        let size = std::str::from_utf8(&rest[..end]).unwrap().split(';').next().unwrap().to_owned();
        let size = usize::from_str_radix(&size, 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
}

fn agree(bytes: &[u8]) -> Result<usize, TestCaseError> {
    let (found, _) = messages(bytes, LIMITS);
    let Some(message) = found.first().filter(|message| message.complete) else { return Ok(0) };
    let head = &bytes[message.head.clone()];
    let expect = plainly(head, &bytes[message.body.clone()]);
    // What follows the message must be read as the next one.
    let end = message.body.end;
    let with_sentinel = [&bytes[message.head.start..end], SENTINEL.as_bytes()].concat();
    let seen = with_hyper(&with_sentinel);
    let text = with_sentinel.escape_ascii().to_string();
    prop_assert_eq!(seen.first(), Some(&Some(expect)), "{}", text);
    let sentinel = plainly(SENTINEL.as_bytes(), b"");
    let rest: Vec<_> = seen.iter().skip(1).collect();
    prop_assert!(rest.is_empty() || rest == [&Some(sentinel)], "{} {:?}", text, rest);
    let closes = head.windows(8).any(|window| window == b"HTTP/1.0")
        || head.to_ascii_lowercase().windows(10).any(|window| window == b"connection");
    prop_assert!(closes || rest.len() == 1, "{}", text);
    Ok(1)
}

fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("accept: */*".to_owned()),
        Just("X-Empty:".to_owned()),
        Just("x-wide:\t a b \t".to_owned()),
        Just("expect: 100-continue".to_owned()),
        Just("upgrade: websocket".to_owned()),
        Just("te: trailers".to_owned()),
        Just("connection: close".to_owned()),
        Just("connection: keep-alive, upgrade".to_owned()),
        "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}:[\t -~]{0,20}",
    ];
    prop::collection::vec(line, 0..6)
        .prop_map(|lines| lines.into_iter().map(|line| line + "\r\n").collect())
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        "/[!$-;=@-\\[\\]-_a-z|~]{0,12}",
        "/[a-z]{0,4}\\?[!$-;=?-~]{0,12}",
        "http://a/[a-z]{0,4}",
        Just("http://a".to_owned()),
        Just("//a/../b".to_owned()),
    ]
}

fn framing() -> impl Strategy<Value = (String, Vec<u8>)> {
    let content = prop::collection::vec(any::<u8>(), 0..60);
    let chunks = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..30), 0..4);
    let extension = prop_oneof![Just(""), Just(";a=b"), Just(";")];
    let trailers = prop_oneof![Just(""), Just("x-sum: 1\r\n"), Just("a:\r\nb: \t\r\n")];
    prop_oneof![
        Just((String::new(), Vec::new())),
        content.prop_map(|body| (format!("Content-Length: {}\r\n", body.len()), body)),
        (chunks, extension, trailers).prop_map(|(chunks, extension, trailers)| {
            let mut body = Vec::new();
            for chunk in chunks {
                body.extend(format!("{:x}{extension}\r\n", chunk.len()).bytes());
                body.extend(chunk);
                body.extend(b"\r\n");
            }
            body.extend(format!("0{extension}\r\n{trailers}\r\n").bytes());
            ("Transfer-Encoding: chunked\r\n".to_owned(), body)
        }),
    ]
}

fn request() -> impl Strategy<Value = Vec<u8>> {
    let method =
        prop_oneof![Just("GET"), Just("POST"), Just("HEAD"), Just("M-SEARCH"), Just("TRACE")];
    let version = prop_oneof![4 => Just("HTTP/1.1"), 1 => Just("HTTP/1.0")];
    (method, target(), version, lines(), framing(), lines()).prop_map(
        |(method, target, version, before, (framing, body), after)| {
            let head =
                format!("{method} {target} {version}\r\n{before}Host: a\r\n{framing}{after}\r\n");
            [head.into_bytes(), body].concat()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn well_made_requests_are_passed_and_read_alike(bytes in request()) {
        // Some of the made-up fields double the host or the length; the rest must pass.
        let (found, violation) = messages(&bytes, LIMITS);
        prop_assert!(found.len() == 1 || violation.is_some());
        agree(&bytes)?;
    }

    #[test]
    fn requests_with_a_wrong_byte_are_refused_or_read_alike(
        bytes in request(),
        at in any::<prop::sample::Index>(),
        wrong in prop::sample::select(b"\r\n\t \0:;,#%/?x05fF\x7f\x80\xff".to_vec()),
        insert in any::<bool>(),
    ) {
        let mut bytes = bytes;
        let at = at.index(bytes.len());
        if insert { bytes.insert(at, wrong) } else { bytes[at] = wrong }
        agree(&bytes)?;
    }
}
