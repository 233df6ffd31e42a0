//! Requests of HTTP/1.1 that servers read differently, or not at all.

/// Heads that are refused with E0701.
pub(super) const HEADS: &[&str] = &[
    "GET /m/state\r\nhost: a\r\n\r\n",
    "GET  /m/state HTTP/1.1\r\nhost: a\r\n\r\n",
    "GET /m/state HTTP/1.1\nhost: a\n\n",
    "GET /m/state HTTP/1.1\r\nhost: a\nx: y\r\n\r\n",
    "GET /m/state HTTP/1.1\r\nhost: a\r\nx: y\r\n folded\r\n\r\n",
    "GET /m/state HTTP/1.1\r\n x: y\r\nhost: a\r\n\r\n",
    "GET /m/state HTTP/1.1\r\nhost : a\r\n\r\n",
    "GET /m/state HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n",
    "GET /m/state HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n",
    "GET /m/state HTTP/1.1\r\nhost: a\r\nx: a\rb\r\n\r\n",
    "GET /m/state HTTP/1.1\r\n\r\n",
    "GET /m/state HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    "GET m/state HTTP/1.1\r\nhost: a\r\n\r\n",
    "GET /m/state#x HTTP/1.1\r\nhost: a\r\n\r\n",
    "GET http://b/m/state HTTP/1.1\r\nhost: a\r\n\r\n",
    "\x16\x03\x01\x02\0\x01",
    "\0\0\0\0",
];

/// Fields that frame a body of `length` bytes in two ways or in none, and the code of the refusal.
pub(super) fn framings(length: usize) -> Vec<(String, &'static str)> {
    vec![
        (format!("content-length: {length}\r\ntransfer-encoding: chunked"), "E0710"),
        (format!("transfer-encoding: chunked\r\ncontent-length: {length}"), "E0710"),
        ("content-length: 0\r\ncontent-length: 5".to_owned(), "E0710"),
        ("content-length: 0, 5".to_owned(), "E0710"),
        ("content-length: +0".to_owned(), "E0701"),
        ("content-length: 0x0".to_owned(), "E0701"),
        ("content-length : 5".to_owned(), "E0701"),
        ("transfer-encoding: chunked\r\ntransfer-encoding: identity".to_owned(), "E0710"),
        ("transfer-encoding: xchunked".to_owned(), "E0712"),
        ("transfer-encoding: gzip, chunked".to_owned(), "E0712"),
        ("transfer-encoding:\n chunked".to_owned(), "E0701"),
        ("x: y\r\n transfer-encoding: chunked".to_owned(), "E0701"),
        ("x: y\ntransfer-encoding: chunked".to_owned(), "E0701"),
        ("transfer-encoding : chunked".to_owned(), "E0701"),
    ]
}

/// Bodies whose chunks parsers read differently.
pub(super) const CHUNKS: &[&str] = &[
    "5\nabcde\r\n0\r\n\r\n",
    "5\r\nabcdeXX0\r\n\r\n",
    "-5\r\nabcde\r\n0\r\n\r\n",
    "0x5\r\nabcde\r\n0\r\n\r\n",
    "5;a\nb\r\nabcde\r\n0\r\n\r\n",
    "fffffffffffffffff\r\nabcde\r\n0\r\n\r\n",
    "\r\n0\r\n\r\n",
    "5 \r\nabcde\r\n0\r\n\r\n",
];
