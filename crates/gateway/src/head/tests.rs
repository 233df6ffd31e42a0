//! What is strict and what is not, byte by byte.

use super::*;
use proptest::prelude::*;

const LIMITS: Limits = Limits { headers_max: 8, bytes_max: 1024 };

fn check(bytes: &[u8], expect: Result<BodyLength, &str>) {
    let text = bytes.escape_ascii();
    let result = scan(bytes, LIMITS);
    let found = match &result {
        Ok(Some(head)) => {
            assert_eq!(head.skip + head.length, bytes.len(), "{text}");
            Ok(head.body)
        }
        Ok(None) => Err("incomplete"),
        Err(violation) => Err(violation.code.text()),
    };
    assert_eq!(found, expect, "{text}");
    assert_eq!(in_pieces(bytes), result, "{text}");
}

/// Feeds a byte at a time.
fn in_pieces(bytes: &[u8]) -> Result<Option<Head>, Violation> {
    let mut scanner = Scanner::new(LIMITS);
    for end in 0..=bytes.len() {
        if let Some(head) = scanner.scan(&bytes[..end])? {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

fn with_headers(lines: &str) -> Vec<u8> {
    format!("POST /x HTTP/1.1\r\nhost: a\r\n{lines}\r\n").into_bytes()
}

#[test]
fn ordinary_heads_pass() {
    let none = Ok(BodyLength::Sized(0));
    check(b"GET / HTTP/1.1\r\nHost: a.example:8080\r\nAccept: */*\r\n\r\n", none);
    check(b"GET / HTTP/1.0\r\n\r\n", none);
    check(b"GET /a%20b?c=d&e={}|^ HTTP/1.1\r\nhost:a\r\nx:\r\ny: \t v\xe9 \t\r\n\r\n", none);
    check(b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", none);
    check(b"M-SEARCH /a|b HTTP/1.1\r\nhost: [::1]:80\r\n\r\n", none);
    check(b"GET http://A:80/x?y HTTP/1.1\r\nhost: a:80\r\n\r\n", none);
    check(b"GET HTTP://a HTTP/1.1\r\nhost: a\r\n\r\n", none);
    check(b"GET http://a/ HTTP/1.0\r\n\r\n", none);
    check(&with_headers("content-length: 0\r\n"), none);
    check(&with_headers("Content-Length:0012\r\n"), Ok(BodyLength::Sized(12)));
    check(
        &with_headers("content-length: 9999999999999999999\r\n"),
        Ok(BodyLength::Sized(9_999_999_999_999_999_999)),
    );
    check(&with_headers("Transfer-Encoding: chunked\r\n"), Ok(BodyLength::Chunked));
    check(&with_headers("transfer-encoding:\tChunked \r\n"), Ok(BodyLength::Chunked));
    check(b"\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", none);
}

#[test]
fn request_lines_that_are_none_are_refused() {
    for line in [
        "GET /",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET / HTTP/1.1 x",
        "GET /a b HTTP/1.1",
        "G@T / HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1",
        "GET / HTTP/11",
        "GET / HTTP/1.10",
        "GET / HTTP/1,1",
        "/ HTTP/1.1",
        "GET x HTTP/1.1",
        "GET //\u{e4} HTTP/1.1",
        "GET /\u{7f} HTTP/1.1",
        "GET /a#b HTTP/1.1",
        "GET /?a#b HTTP/1.1",
        "GET /\"a\" HTTP/1.1",
        "GET /a\\b HTTP/1.1",
        "GET /a<b HTTP/1.1",
        "GET /?a<b HTTP/1.1",
        "GET /\0 HTTP/1.1",
        "GET /\x0b HTTP/1.1",
        "GET * HTTP/1.1",
        "GET a:80 HTTP/1.1",
        "GET ftp://a/ HTTP/1.1",
        "GET https://a/ HTTP/1.1",
        "GET http:///x HTTP/1.1",
        "GET http://u:p@a/ HTTP/1.1",
        "GET http://a?x HTTP/1.1",
        "GET http://a:b/ HTTP/1.1",
        "GET http://b/ HTTP/1.1",
        "GET http://a:80/ HTTP/1.1",
        "GET /a\rb HTTP/1.1",
        "\u{1}",
    ] {
        check(format!("{line}\r\nhost: a\r\n\r\n").as_bytes(), Err("E0701"));
    }
    check(b"\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", Err("E0701"));
    check(b"\x16\x03\x01\x02", Err("E0701"));
}

#[test]
fn versions_and_methods_that_are_not_spoken_say_so() {
    for (line, code) in [
        ("GET / HTTP/2.0", "E0711"),
        ("GET / HTTP/0.9", "E0711"),
        ("GET / HTTP/1.2", "E0711"),
        ("PRI * HTTP/2.0", "E0711"),
        ("CONNECT a:443 HTTP/1.1", "E0712"),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1", "E0712"),
    ] {
        check(format!("{line}\r\nhost: a\r\n\r\n").as_bytes(), Err(code));
    }
}

#[test]
fn header_lines_that_servers_read_differently_are_refused() {
    for lines in [
        "x : 1\r\n",
        " x: 1\r\n",
        "x: 1\r\n folded\r\n",
        "x: 1\r\n\tfolded\r\n",
        "x\r\n",
        ": 1\r\n",
        "x\0: 1\r\n",
        "x: a\0b\r\n",
        "x: a\rb\r\n",
        "x: a\x0bb\r\n",
        "x: \x7f\r\n",
        "x: 1\n",
        "x(y): 1\r\n",
        "x: 1\n\r\n",
        "x: 1\r\r\n",
        "\u{e4}: 1\r\n",
        "x\t: 1\r\n",
        "content-length : 1\r\n",
        "transfer-encoding\n: chunked\r\n",
        "x: y\ntransfer-encoding: chunked\r\n",
        "content-length: +5\r\n",
        "content-length: -5\r\n",
        "content-length: 0x5\r\n",
        "content-length: 5 5\r\n",
        "content-length:\r\n",
        "content-length: 5;\r\n",
        "content-length: 5.0\r\n",
        "content-length: 18446744073709551616\r\n",
        "content-length: 00000000000000000001\r\n",
        "host: a\r\n",
        "Host: b\r\n",
    ] {
        check(&with_headers(lines), Err("E0701"));
    }
}

#[test]
fn two_lengths_are_refused() {
    for lines in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "content-length: 5\r\ncontent-length: 5\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: 5, 5\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "transfer-encoding: x\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: gzip\r\ncontent-length: 5\r\n",
    ] {
        check(&with_headers(lines), Err("E0710"));
    }
}

#[test]
fn codings_other_than_chunked_are_not_spoken() {
    for value in [
        "gzip",
        "identity",
        "xchunked",
        "chunkedx",
        "gzip, chunked",
        "chunked, chunked",
        "chunked, identity",
        "\"chunked\"",
        "chunked;q=1",
        "",
        ",chunked",
        "chunked,",
    ] {
        check(&with_headers(&format!("transfer-encoding: {value}\r\n")), Err("E0712"));
    }
    check(b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", Err("E0701"));
}

#[test]
fn hosts_are_demanded_and_checked() {
    check(b"GET / HTTP/1.1\r\n\r\n", Err("E0701"));
    check(b"GET http://a/ HTTP/1.1\r\n\r\n", Err("E0701"));
    for host in ["", "a b", "a/b", "a,b", "u@a", "a:", "a:x", "a:99999", "[::1", "\u{e4}", "a\0"] {
        check(format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes(), Err("E0701"));
        check(format!("GET / HTTP/1.0\r\nhost: {host}\r\n\r\n").as_bytes(), Err("E0701"));
    }
}

#[test]
fn heads_are_limited_in_number_and_bytes() {
    let lines = |count: usize| "x: 1\r\n".repeat(count);
    check(&with_headers(&lines(LIMITS.headers_max - 1)), Ok(BodyLength::Sized(0)));
    check(&with_headers(&lines(LIMITS.headers_max)), Err("E0702"));
    let empty = with_headers("x: \r\n").len();
    let filled = |count: usize| with_headers(&format!("x: {}\r\n", "v".repeat(count)));
    check(&filled(LIMITS.bytes_max - empty), Ok(BodyLength::Sized(0)));
    check(&filled(LIMITS.bytes_max - empty + 1), Err("E0702"));
    // Without any line end, too, and before the head is complete.
    check(&vec![b'A'; LIMITS.bytes_max - 1], Err("incomplete"));
    check(&vec![b'A'; LIMITS.bytes_max], Err("E0702"));
    let limits = Limits { headers_max: 1, bytes_max: 1 << 20 };
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(65_000));
    assert_eq!(scan(long.as_bytes(), limits).unwrap_err().code, Code::HeadTooLarge);
}

#[test]
fn an_unfinished_head_is_waited_for() {
    let head = b"\r\nGET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n\r\n";
    for end in 0..head.len() {
        check(&head[..end], Err("incomplete"));
    }
}

/// Pieces that heads are made of, good and bad.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "GET",
        "POST",
        " ",
        "/",
        "/a?b",
        "*",
        "http://a/",
        "HTTP/1.1",
        "HTTP/1.0",
        "\r\n",
        "\n",
        "\r",
        "host",
        "Host: a",
        "content-length",
        "Content-Length: 5",
        "transfer-encoding: chunked",
        ":",
        "x: 1",
        "\t",
        ",",
        "5",
        "\0",
        "\u{e4}",
        "[",
        "]",
        "#",
        "HTTP/2.0",
        "\r\n\r\n",
        "GET / HTTP/1.1\r\n",
        "host: a\r\n",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn pieces_and_whole_agree(bytes in soup()) {
        prop_assert_eq!(in_pieces(&bytes), scan(&bytes, LIMITS));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        prop_assert_eq!(in_pieces(&bytes), scan(&bytes, LIMITS));
    }
}
