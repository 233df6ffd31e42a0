//! A client of HTTP/2 that sends exactly the frames that it is told to.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const PROTOCOL: u32 = 1;
pub(crate) const FLOW_CONTROL: u32 = 3;
pub(crate) const FRAME_SIZE: u32 = 6;
pub(crate) const REFUSED: u32 = 7;
pub(crate) const COMPRESSION: u32 = 9;
pub(crate) const CALM: u32 = 11;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// What a server makes of what it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The stream is answered, or the connection goes on.
    Fine,
    /// The stream is answered with this status.
    Status(u16),
    /// RST_STREAM with this code.
    Stream(u32),
    /// GOAWAY with this code, and the end.
    Connection(u32),
    /// The end without a word.
    Closed,
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Fields as literals that are not indexed (RFC 7541, section 6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        for text in [name, value] {
            // A prefix of seven bits (section 5.1).
            match text.len() {
                length @ 0..127 => bytes.push(length as u8),
                length => {
                    bytes.push(127);
                    let mut rest = length - 127;
                    while rest >= 128 {
                        bytes.push((rest % 128) as u8 | 128);
                        rest /= 128;
                    }
                    bytes.push(rest as u8);
                }
            }
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}

/// A request's fields with more of them.
pub(crate) fn fields<'a>(path: &'a str, more: &[(&'a str, &'a str)]) -> Vec<u8> {
    let mut all = vec![(":method", "POST"), (":scheme", "https"), (":path", path)];
    all.push((":authority", "a"));
    all.extend(more);
    block(&all)
}

pub(crate) fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, fields(path, &[]))
}

pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, 8u32.to_be_bytes())
}

pub(crate) struct Raw {
    pub(crate) socket: TcpStream,
}

impl Raw {
    pub(crate) fn silent(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket }
    }

    /// Has said its preface and settings.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let mut raw = Self::silent(address);
        // Without a table, the statuses of answers can be read one by one.
        let no_table = [0, 1, 0, 0, 0, 0];
        raw.send([PREFACE.to_vec(), frame(SETTINGS, 0, 0, no_table)].concat());
        raw
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap();
    }

    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.socket.write_all(bytes.as_ref())
    }

    /// The next frame.
    pub(crate) fn next(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.socket.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.socket.read_exact(&mut payload)?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Ok(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame of this kind.
    pub(crate) fn wait_for(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.next().unwrap();
            let end = frame.kind == GOAWAY && frame.payload[4..8] != [0; 4];
            assert!(!end || kind == GOAWAY, "{}", frame.payload.escape_ascii());
            if frame.kind == kind && (kind != SETTINGS || frame.flags & ACK == 0) {
                return frame;
            }
        }
    }

    /// What becomes of this stream, or of the connection.
    pub(crate) fn verdict(&mut self, stream: u32) -> Verdict {
        loop {
            let Ok(frame) = self.next() else { return Verdict::Closed };
            let code =
                |at: usize| u32::from_be_bytes(frame.payload[at..at + 4].try_into().unwrap());
            match frame.kind {
                GOAWAY => {
                    let code = code(4);
                    // After that there is nothing but the end.
                    while self.next().is_ok() {}
                    return Verdict::Connection(code);
                }
                RST_STREAM if frame.stream == stream => return Verdict::Stream(code(0)),
                HEADERS if frame.stream == stream => {
                    return Verdict::Status(status(&frame.payload));
                }
                PING if frame.flags & ACK != 0 && stream == 0 => return Verdict::Fine,
                _ => {}
            }
        }
    }

    /// A stream's whole answer. Windows are opened for all streams as DATA arrives.
    pub(crate) fn answer(&mut self, stream: u32) -> io::Result<(u16, Vec<u8>)> {
        let (mut found, mut body) = (0, Vec::new());
        loop {
            let frame = self.next()?;
            if frame.kind == DATA && !frame.payload.is_empty() {
                let by = (frame.payload.len() as u32).to_be_bytes();
                let _ = self.try_send(self::frame(WINDOW_UPDATE, 0, 0, by));
                let _ = self.try_send(self::frame(WINDOW_UPDATE, 0, frame.stream, by));
            }
            if frame.stream != stream {
                continue;
            }
            match frame.kind {
                HEADERS if found == 0 => found = status(&frame.payload),
                DATA => body.extend(&frame.payload),
                RST_STREAM => return Err(io::ErrorKind::ConnectionReset.into()),
                _ => {}
            }
            if matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0 {
                return Ok((found, body));
            }
        }
    }

    /// The code of the problem that a stream is answered with.
    pub(crate) fn problem(&mut self, stream: u32) -> (u16, String) {
        let (status, body) = self.answer(stream).unwrap();
        let body: model::problem::Body = serde_json::from_slice(&body).unwrap();
        assert_eq!(body.status, status);
        (status, body.code)
    }

    /// Whether the connection still answers.
    pub(crate) fn is_well(&mut self) -> bool {
        self.try_send(frame(PING, 0, 0, [7; 8])).is_ok() && self.verdict(0) == Verdict::Fine
    }
}

/// The status at the beginning of a block, as hyper writes it: indexed, or a literal.
fn status(block: &[u8]) -> u16 {
    // A change of the table's size may stand before it (RFC 7541, section 6.3).
    let block = if block[0] & 0xe0 == 0x20 { &block[1..] } else { block };
    match block[0] {
        0x88 => 200,
        0x89 => 204,
        0x8c => 400,
        0x8d => 404,
        0x8e => 500,
        // Name 8, then three digits: five bits each for 0, 1 and 2, six for the others.
        0x48 | 0x08 => huffman_digits(&block[2..2 + usize::from(block[1] & 0x7f)]),
        other => panic!("no status at {other:#x}"),
    }
}

fn huffman_digits(bytes: &[u8]) -> u16 {
    let mut bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1));
    let mut number = 0;
    for _ in 0..3 {
        let five = bits.by_ref().take(5).fold(0, |sum, bit| sum << 1 | u16::from(bit));
        let digit = if five < 3 {
            five
        } else {
            let six = five << 1 | u16::from(bits.next().unwrap());
            six - 0x19 + 3
        };
        number = number * 10 + digit;
    }
    number
}
