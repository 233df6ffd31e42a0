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
