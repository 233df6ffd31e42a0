//! A client for HTTP/1.1, as small as a measurement needs: one connection, one request at a time.

use anyhow::{Context as _, Result, bail, ensure};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take: a deployment compiles.
const PATIENCE: Duration = Duration::from_secs(600);
/// Longest line of an answer's head.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// One connection.
pub(super) struct Client {
    address: String,
    stream: BufReader<TcpStream>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// Whether the server closes the connection.
    pub(super) last: bool,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) token: Option<&'a str>,
    pub(super) body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A `GET`.
    pub(super) fn get(path: &'a str, token: Option<&'a str>) -> Self {
        Self { method: "GET", path, token, body: &[] }
    }

    /// The bytes that are sent.
    fn bytes(&self, host: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.path);
        if let Some(token) = self.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        if self.method != "GET" || !self.body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        [head.as_bytes(), b"\r\n", self.body].concat()
    }
}

impl Client {
    /// Connects to `HOST:PORT`.
    pub(super) fn connect(address: &str) -> Result<Self> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { address: address.to_owned(), stream: BufReader::new(stream) })
    }

    /// Sends a request and waits for its answer.
    pub(super) fn send(&mut self, request: &Request<'_>) -> Result<Reply> {
        let bytes = request.bytes(&self.address);
        self.stream.get_mut().write_all(&bytes).context("the request could not be sent")?;
        let head = self.head().context("no answer came")?;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status: u16 = status.context("the answer has no status")?;
        let body = match field(&head, "content-length") {
            Some(length) => self.exactly(length.parse().context("a length that is no number")?)?,
            None if field(&head, "transfer-encoding") == Some("chunked") => self.chunks()?,
            None => Vec::new(),
        };
        let last =
            field(&head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        Ok(Reply { status, body, last })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let count = self.stream.by_ref().take(LINE_BYTES_MAX).read_line(&mut line)?;
        ensure!(count > 0, "the connection was closed");
        Ok(line)
    }

    fn head(&mut self) -> Result<String> {
        let mut head = String::new();
        loop {
            let line = self.line()?;
            if line == "\r\n" {
                return Ok(head);
            }
            head.push_str(&line);
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).context("the answer was cut")?;
        Ok(body)
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let Ok(length) = usize::from_str_radix(line.trim(), 16) else {
                bail!("no chunk: {line}")
            };
            body.extend(self.exactly(length)?);
            ensure!(self.line()? == "\r\n", "a chunk has no end");
            if length == 0 {
                return Ok(body);
            }
        }
    }
}

/// The value of a header field.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut values = fields.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    values.next().map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// What the client makes of an answer, and what it sent.
    fn exchange(answer: &'static [u8], request: &Request<'_>) -> (Result<Reply>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listener");
        let address = listener.local_addr().expect("address").to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).expect("a request");
            stream.write_all(answer).expect("an answer");
            String::from_utf8_lossy(&buffer[..count]).into_owned()
        });
        let reply = Client::connect(&address).expect("connected").send(request);
        (reply, server.join().expect("a server"))
    }

    #[test]
    fn answers_with_a_length_and_in_chunks_are_read() {
        let request = Request { method: "PUT", path: "/a", token: Some("t"), body: b"hi" };
        let (reply, sent) =
            exchange(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", &request);
        assert_eq!(reply.expect("reply"), Reply { status: 201, body: b"ok".to_vec(), last: false });
        assert!(sent.starts_with("PUT /a HTTP/1.1\r\nhost: 127.0.0.1:"), "{sent}");
        assert!(sent.ends_with("authorization: Bearer t\r\ncontent-length: 2\r\n\r\nhi"), "{sent}");
        let chunked = b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        let (reply, _) = exchange(chunked, &Request::get("/", None));
        assert_eq!(reply.expect("reply"), Reply { status: 200, body: b"abc".to_vec(), last: true });
    }

    #[test]
    fn answers_that_are_cut_are_errors() {
        for answer in
            [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok", b"nonsense\r\n\r\n"]
        {
            assert!(exchange(answer, &Request::get("/", None)).0.is_err());
        }
    }
}
