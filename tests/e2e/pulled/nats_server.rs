//! A NATS server of the test's own, and what the test says to it.

use crate::rig::PATIENCE;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How the test signs in.
const OWN: &str = "{ user: test, password: test }";

/// A server on a port of its own, ended with the test. What it was told survives a restart.
pub(super) struct Server {
    child: Option<Child>,
    pub(super) port: u16,
    dir: tempfile::TempDir,
    /// The node's user.
    user: String,
    /// More of its configuration.
    pub(super) config: String,
}

impl Server {
    /// A place for a server that does not run yet.
    pub(super) fn new(user: String) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let port = port.expect("a port").port();
        let dir = tempfile::tempdir().expect("a directory");
        Self { child: None, port, dir, user, config: String::new() }
    }

    pub(super) fn started(mut self) -> Self {
        self.start();
        self
    }

    pub(super) fn start(&mut self) {
        let (store, file) = (self.dir.path().join("store"), self.dir.path().join("server.conf"));
        let Self { port, user, config, .. } = &*self;
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\nmax_payload: 8MB\njetstream {{ store_dir: {store:?} }}\nauthorization {{ users: [ {OWN}, {user} ] }}\n{config}"
        );
        std::fs::write(&file, text).expect("written");
        let child = Command::new("nats-server")
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server is missing: `cargo xtask test` installs it");
        self.child = Some(child);
        let deadline = Instant::now() + PATIENCE;
        while !self.answers() {
            assert!(Instant::now() < deadline, "NATS does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killable");
            child.wait().expect("ends");
        }
    }

    /// Whether JetStream is there.
    fn answers(&self) -> bool {
        let told = Client::open(self.port).and_then(|mut it| it.ask("$JS.API.INFO", "", b""));
        told.is_some_and(|told| {
            told.starts_with(b"{") && !told.windows(7).any(|it| it == b"\"error\"")
        })
    }

    /// Asks JetStream for something that it does.
    pub(super) fn api(&self, verb: &str, data: &Value) -> Value {
        let mut client = Client::open(self.port).expect("a connection");
        let said = client.ask(&format!("$JS.API.{verb}"), "", data.to_string().as_bytes());
        let said: Value = serde_json::from_slice(&said.expect("an answer")).expect("JSON");
        assert!(said["error"].is_null(), "{verb}: {said}");
        said
    }

    /// Sends a message with this behind the version in its head, and waits until it lies in a stream.
    pub(super) fn add(&self, subject: &str, head: &str, data: &[u8]) -> Value {
        let mut client = Client::open(self.port).expect("a connection");
        let said = client.ask(subject, head, data).expect("an answer");
        let said: Value = serde_json::from_slice(&said).expect("JSON");
        assert!(said["error"].is_null(), "{said}");
        said
    }

    /// Pulls messages, as another one would.
    pub(super) fn pull(&self, stream: &str, consumer: &str, count: usize) -> Vec<Vec<u8>> {
        let mut client = Client::open(self.port).expect("a connection");
        let asked = json!({ "batch": count, "expires": 10_000_000_000_u64 }).to_string();
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
        client.send(&subject, "", asked.as_bytes()).expect("sent");
        (0..count).map(|_| client.message().expect("a message")).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _gone_already = child.kill();
            let _reaped = child.wait();
        }
    }
}

/// A connection, for one thing.
struct Client(BufReader<TcpStream>);

impl Client {
    fn open(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut client = Self(BufReader::new(stream));
        client.line()?;
        let hello = "CONNECT {\"user\":\"test\",\"pass\":\"test\",\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\nSUB own.inbox 1\r\nPING\r\n";
        client.0.get_mut().write_all(hello.as_bytes()).ok()?;
        (client.line()? == "PONG").then_some(client)
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.0.read_line(&mut line).ok()?;
        (length > 0).then(|| line.trim_end().to_owned())
    }

    fn send(&mut self, subject: &str, head: &str, data: &[u8]) -> Option<()> {
        let whole = format!("NATS/1.0{head}\r\n\r\n");
        let line = match head.is_empty() {
            true => format!("PUB {subject} own.inbox {}\r\n", data.len()),
            false => {
                let all = whole.len() + data.len();
                format!("HPUB {subject} own.inbox {} {all}\r\n{whole}", whole.len())
            }
        };
        let whole = [line.as_bytes(), data, b"\r\n"].concat();
        self.0.get_mut().write_all(&whole).ok()
    }

    /// The next message's data.
    fn message(&mut self) -> Option<Vec<u8>> {
        loop {
            let line = self.line()?;
            let words: Vec<&str> = line.split(' ').collect();
            let number = |back: usize| words.get(words.len() - back)?.parse::<usize>().ok();
            let before = match words[0] {
                "MSG" => 0,
                "HMSG" => number(2)?,
                "PING" => {
                    self.0.get_mut().write_all(b"PONG\r\n").ok()?;
                    continue;
                }
                _ => panic!("{line}"),
            };
            let mut all = vec![0; number(1)? + 2];
            self.0.read_exact(&mut all).ok()?;
            all.truncate(all.len() - 2);
            return Some(all.split_off(before));
        }
    }

    fn ask(&mut self, subject: &str, head: &str, data: &[u8]) -> Option<Vec<u8>> {
        self.send(subject, head, data)?;
        self.message()
    }
}
