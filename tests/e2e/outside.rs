//! A server outside of the platform, for functions that send requests.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;

/// A server that answers the head of every request with what `answer` makes of it, and hands the
/// head out. Bodies are not read.
pub(crate) fn heads(
    answer: impl Fn(&[u8]) -> Vec<u8> + Copy + Send + 'static,
) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let (heads, seen) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let heads = heads.clone();
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                let _gone = stream.write_all(&answer(&head));
                let _gone = heads.send(String::from_utf8_lossy(&head).into_owned());
            });
        }
    });
    (address, seen)
}

/// A server that reads whole requests whose length is said, answers each with what `answer` makes
/// of its head and body, and hands both out.
pub(crate) fn requests(
    answer: impl Fn(&str, &[u8]) -> String + Clone + Send + 'static,
) -> (SocketAddr, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let (requests, seen) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let (requests, answer) = (requests.clone(), answer.clone());
            std::thread::spawn(move || {
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let length = field(&head, "content-length").and_then(|it| it.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                if stream.read_exact(&mut body).is_ok() {
                    let _gone = stream.write_all(answer(&head, &body).as_bytes());
                    let _gone = requests.send((head, body));
                }
            });
        }
    });
    (address, seen)
}

/// An answer with a body.
pub(crate) fn answer(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A field of a head.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}
