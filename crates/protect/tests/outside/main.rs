//! The example of a function of AWS Lambda, against a runtime that speaks as Lambda's does.
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

#[path = "../../examples/lambda.rs"]
#[expect(dead_code, reason = "its `main` is not called here")]
mod lambda;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

const CONTRACT: &str = r#"{"field":[{"at":"body:/card","class":"pan","transform":"token"}]}"#;

/// Keys as `casemate protect --write-keys` writes them.
fn keys() -> String {
    let key = |byte: &str, bytes: usize| byte.repeat(bytes);
    format!(
        r#"{{"keys":1,"tenant":"default","environment":"main","classes":{{"pan":{{"version":1,
            "fpe":"{}","siv":"{}","format_hash":"{}","hash":"{}"}}}}}}"#,
        key("01", 32),
        key("02", 64),
        key("03", 32),
        key("04", 32)
    )
}

fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.extend(byte);
    }
    let head = String::from_utf8(head).expect("text");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|it| it.parse().ok()).expect("a length")];
    stream.read_exact(&mut body).expect("a body");
    (head, body)
}

fn say(stream: &mut TcpStream, body: &str) {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: abc-1\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("sent");
}

/// Has the function answer an event: where it posts to, and what.
fn invoked(event: &str) -> (String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let event = event.to_owned();
    let runtime = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("asked");
        let (head, _) = request(&mut stream);
        assert!(head.starts_with("GET /2018-06-01/runtime/invocation/next "), "{head}");
        say(&mut stream, &event);
        drop(stream);
        let (mut stream, _) = listener.accept().expect("answered");
        let (head, body) = request(&mut stream);
        say(&mut stream, "");
        (head, body)
    });
    let outside = lambda::outside(CONTRACT, &keys()).expect("a contract with keys");
    lambda::next(&address, &outside).expect("answered");
    let (head, body) = runtime.join().expect("a runtime");
    let path = head.split(' ').nth(1).expect("a path").to_owned();
    (path, String::from_utf8(body).expect("text"))
}

#[test]
fn a_function_of_lambda_protects_and_gives_back() {
    let (path, made) = invoked(r#"{"protect":{"card":"4111111111111111", "n":1}}"#);
    assert_eq!(path, "/2018-06-01/runtime/invocation/abc-1/response");
    assert!(made.starts_with(r#"{"card":"tok_pan_1_"#) && made.ends_with(r#", "n":1}"#), "{made}");
    let (_, back) = invoked(&format!(r#"{{"undo":{made}}}"#));
    assert_eq!(back, r#"{"card":"4111111111111111", "n":1}"#);
    let (path, said) = invoked(r#"{"protect":{"card":{"number":"4111111111111111"}}}"#);
    assert_eq!(path, "/2018-06-01/runtime/invocation/abc-1/error");
    assert!(said.contains("body:/card") && !said.contains("4111"), "{said}");
}
