//! Where bodies end.

use super::*;
use proptest::prelude::*;

/// What follows the body, as a code if it is refused, or as the bytes that do not belong to it.
fn check(bytes: &str, expect: Result<&str, &str>) {
    let mut framing = Framing::new(BodyLength::Chunked);
    let result = framing.pass(bytes.as_bytes());
    let found = match result {
        Ok(count) if framing.is_over() => Ok(&bytes[count..]),
        Ok(count) => {
            assert_eq!(count, bytes.len());
            Err("incomplete")
        }
        Err(violation) => Err(violation.code.text()),
    };
    assert_eq!(found, expect, "{bytes:?}");
    // A byte at a time comes to the same.
    let mut framing = Framing::new(BodyLength::Chunked);
    for (at, byte) in bytes.bytes().enumerate() {
        match framing.pass(&[byte]) {
            Ok(0) => return assert_eq!(Ok(&bytes[at..]), expect),
            Ok(_) => {}
            Err(violation) => return assert_eq!(Err(violation.code.text()), expect),
        }
    }
    assert_eq!(if framing.is_over() { Ok("") } else { Err("incomplete") }, expect);
}

#[test]
fn chunked_bodies_end_where_they_say() {
    check("0\r\n\r\n", Ok(""));
    check("5\r\nhello\r\n0\r\n\r\nGET /", Ok("GET /"));
    check("A\r\n0123456789\r\n0\r\n\r\nx", Ok("x"));
    check("a\r\n0\r\n\r\nGET /\r\n00\r\n\r\n", Ok(""));
    check("1;a=b;c=\"d\"\r\nx\r\n0;e\r\n\r\n", Ok(""));
    check("0\r\nx-sum: 1\r\nY:\t2\r\n\r\n", Ok(""));
    check("0000000000000001\r\nx\r\n0\r\n\r\n", Ok(""));
    check("5\r\nhel", Err("incomplete"));
    check("5\r\nhello\r\n0\r\n", Err("incomplete"));
    check("FFFFFFFFFFFFFFFF\r\nx", Err("incomplete"));
}

#[test]
fn chunks_that_servers_read_differently_are_refused() {
    for bytes in [
        "\r\n",
        "x\r\n",
        ";a\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\n",
        " 1\r\n",
        "1 \r\n",
        "1\t;a\r\n",
        "1\n",
        "1\rx",
        "1\r\nxx\r\n",
        "1\r\nx\n",
        "1\r\nx\rx",
        "1\r\nx0\r\n",
        "00000000000000001\r\n",
        "10000000000000000\r\n",
        "FFFFFFFFFFFFFFFFF\r\n",
        "1;a\nx\r\n",
        "1;\0\r\n",
        "1;\x7f\r\n",
        "1;a\rb",
        "0\r\n\n",
        "0\r\n x: 1\r\n",
        "0\r\nx : 1\r\n",
        "0\r\n: 1\r\n",
        "0\r\nx\r\n",
        "0\r\nx: 1\n\r\n",
        "0\r\nx: \0\r\n",
        "0\r\nx: 1\r\n folded\r\n",
        "0\r\n\rx",
        "1;\u{e4}\r\n",
    ] {
        check(bytes, Err("E0701"));
    }
}

#[test]
fn extensions_and_trailers_are_limited() {
    check(&format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(256)), Ok(""));
    check(&format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(257)), Err("E0701"));
    let chunk = format!("1;{}\r\nx\r\n", "a".repeat(256));
    check(&format!("{}0\r\n\r\n", chunk.repeat(32)), Ok(""));
    check(&format!("{}0\r\n\r\n", chunk.repeat(33)), Err("E0701"));
    check(&format!("0\r\n{}\r\n", "x: 1\r\n".repeat(100)), Ok(""));
    check(&format!("0\r\n{}\r\n", "x: 1\r\n".repeat(101)), Err("E0702"));
    check(&format!("0\r\nx: {}\r\n\r\n", "a".repeat(8 * 1024)), Err("E0702"));
}

#[test]
fn a_sized_body_takes_its_bytes_and_no_more() {
    let mut framing = Framing::new(BodyLength::Sized(3));
    assert_eq!(framing.pass(b"ab"), Ok(2));
    assert!(!framing.is_over());
    assert_eq!(framing.pass(b"cd"), Ok(1));
    assert!(framing.is_over());
    assert_eq!(framing.pass(b"d"), Ok(0));
    assert!(Framing::new(BodyLength::Sized(0)).is_over());
}

proptest! {
    #[test]
    fn any_way_of_cutting_the_bytes_gives_the_same_end(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
        cuts in prop::collection::vec(1..20usize, 0..40),
        rest in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut bytes = Vec::new();
        for chunk in &chunks {
            bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        let length = bytes.len();
        bytes.extend(rest);
        let mut framing = Framing::new(BodyLength::Chunked);
        let mut at = 0;
        for cut in cuts.into_iter().chain(std::iter::repeat(1000)) {
            if framing.is_over() {
                break;
            }
            let end = bytes.len().min(at + cut);
            at += framing.pass(&bytes[at..end]).unwrap();
        }
        prop_assert_eq!(at, length);
    }

    #[test]
    fn no_bytes_panic(bytes in "[0-9a-f;:x\r\n ]{0,60}") {
        let mut framing = Framing::new(BodyLength::Chunked);
        let _ = framing.pass(bytes.as_bytes());
    }
}
