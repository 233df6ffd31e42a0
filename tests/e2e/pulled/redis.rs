//! Streams of a real Redis.

use super::{Pulling, number, secret};
use crate::rig::PATIENCE;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PASSWORD: &str = "a-password-of-the-test's";

/// A server on a port of its own, ended with the test. What it was told survives a restart.
struct Redis {
    child: Option<Child>,
    port: u16,
    dir: tempfile::TempDir,
}

impl Redis {
    /// A place for a server that does not run yet.
    fn new() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let dir = tempfile::tempdir().expect("a directory");
        Self { child: None, port: port.expect("a port").port(), dir }
    }

    fn started() -> Self {
        let mut redis = Self::new();
        redis.start();
        redis
    }

    fn start(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--requirepass", PASSWORD])
            .arg("--dir")
            .arg(self.dir.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is missing: `cargo xtask test` installs it");
        self.child = Some(child);
        let deadline = Instant::now() + PATIENCE;
        while self.try_ask(&[b"PING"]).is_none_or(|said| !said.starts_with("+PONG")) {
            assert!(Instant::now() < deadline, "Redis does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killable");
            child.wait().expect("ends");
        }
    }

    /// Says something on a connection of its own; the first part of the answer.
    fn try_ask(&self, words: &[&[u8]]) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.write_all(&command(&[b"AUTH", PASSWORD.as_bytes()])).ok()?;
        let mut said = [0; 4096];
        let length = stream.read(&mut said).ok()?;
        if !said[..length].starts_with(b"+OK\r\n") {
            return None;
        }
        stream.write_all(&command(words)).ok()?;
        let length = stream.read(&mut said).ok()?;
        Some(String::from_utf8_lossy(&said[..length]).into_owned())
    }

    fn ask(&self, words: &[&[u8]]) -> String {
        let said = self.try_ask(words).expect("an answer");
        assert!(!said.starts_with('-'), "{said}");
        said
    }

    fn add(&self, fields: &[&[u8]]) {
        self.ask(&[&[&b"XADD"[..], b"orders", b"*"], fields].concat());
    }

    /// How many entries were given and not acknowledged.
    fn pending(&self) -> u64 {
        let said = self.ask(&[b"XPENDING", b"orders", b"casemate"]);
        let digits = said.lines().nth(1).and_then(|line| line.trim().strip_prefix(':'));
        digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{said}"))
    }

    fn until_settled(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.pending() > 0 {
            assert!(Instant::now() < deadline, "{} are not acknowledged", self.pending());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn section(&self, more: &str) -> String {
        format!(
            "[[source]]\nname = \"in\"\n[source.redis]\nurl = \"redis://localhost:{}\"\nstream = \"orders\"\nsecret = \"broker\"\nnetworks = [\"127.0.0.0/8\", \"::1\"]\n{more}\n",
            self.port
        )
    }

    fn pulled(&self, more: &str) -> Pulling {
        let section = self.section(more);
        let pulling = Pulling::start(|_| section, "");
        secret(&pulling, PASSWORD);
        pulling.grant();
        pulling
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _gone_already = child.kill();
            let _reaped = child.wait();
        }
    }
}

fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[test]
fn entries_that_are_there_and_that_come_call_the_function_and_are_acknowledged() {
    let redis = Redis::started();
    redis.add(&[b"order", b"7", b"city", "K\u{f6}ln".as_bytes()]);
    let pulling = redis.pulled("");
    let ran = pulling.ran(1);
    // {"city":"Köln","order":"7"}
    assert_eq!(ran[0]["bytes_in"], 28);
    redis.add(&[b"order", b"8"]);
    pulling.ran(2);
    redis.until_settled();
    let stands = pulling.until("it says no lag", |it| it["lag"] == 0);
    assert_eq!((number(&stands, "taken"), number(&stands, "repeated")), (2, 0));
    let place = format!("redis://localhost:{} stream orders, group casemate", redis.port);
    assert_eq!((stands["place"].as_str(), &stands["state"]), (Some(&*place), &"running".into()));
    let said = pulling.doctor();
    assert!(said.contains("source in") && said.contains("running"), "{said}");
    assert!(!pulling.node.said().contains(PASSWORD), "the password is in the log");
}

#[test]
fn what_does_not_fit_is_a_dead_letter_and_the_rest_goes_on() {
    let redis = Redis::started();
    let large = vec![b'x'; 3 << 20];
    let many: Vec<Vec<u8>> = (0..2002).map(|at| at.to_string().into_bytes()).collect();
    redis.add(&[b"body", &large]);
    redis.add(&[b"body", b"{\"n\":\"\xff\"}"]);
    redis.add(&[b"body", b"{\"n\":"]);
    redis.add(&[b"other", b"1"]);
    redis.add(&many.iter().map(Vec::as_slice).collect::<Vec<_>>());
    redis.add(&[b"body", b"{\"n\":1}", b"who", b"a"]);
    let pulling = redis.pulled("field = \"body\"\nkey = \"who\"");
    assert_eq!(pulling.ran(1)[0]["bytes_in"], 7);
    let dead = pulling.dead(5);
    for why in [
        "E1445: a message of a source is too large: 3145732 bytes",
        "E1446",
        "it is no JSON",
        "it does not have `field`",
        "it has 1001 fields",
    ] {
        assert!(dead.iter().any(|it| it.contains(why)), "{why}: {dead:?}");
    }
    redis.until_settled();
    assert_eq!((dead.len(), number(&pulling.stands(), "refused")), (5, 5));
}

#[test]
fn a_broker_that_is_down_refuses_goes_away_and_comes_back_loses_nothing() {
    let mut redis = Redis::new();
    let section = redis.section("");
    let pulling = Pulling::start(|_| section, "");
    pulling.grant();
    // Neither is there a secret, nor a server.
    let said = |code: &'static str| {
        move |it: &serde_json::Value| it["error"].as_str().is_some_and(|error| error.contains(code))
    };
    pulling.until("the secret is missing", said("E0520"));
    secret(&pulling, "another-one-that-is-wrong");
    pulling.until("nobody listens", said("E1448"));
    redis.start();
    pulling.until("it refuses", said("E1449"));
    secret(&pulling, PASSWORD);
    pulling.until("it does not run", |it| it["state"] == "running");
    redis.add(&[b"order", b"1"]);
    pulling.ran(1);
    redis.stop();
    pulling.until("it is not down", |it| it["state"] == "down");
    redis.start();
    redis.add(&[b"order", b"2"]);
    pulling.ran(2);
    redis.until_settled();
    assert_eq!(pulling.ran(2).len(), 2, "each once");
}

#[test]
fn a_node_that_is_killed_and_a_broker_that_says_everything_again_call_nobody_twice() {
    let redis = Redis::started();
    let mut pulling = redis.pulled("");
    let mut count = 0;
    for _ in 0..3 {
        for _ in 0..60 {
            redis.add(&[b"order", count.to_string().as_bytes()]);
            count += 1;
        }
        pulling.until("nothing is taken", |it| number(it, "taken") > 0);
        pulling = pulling.kill_and_start();
    }
    assert_eq!(pulling.ran(count).len(), count, "each once");
    redis.until_settled();
    // The group is gone, and a new one begins with the first entry.
    redis.ask(&[b"XGROUP", b"DESTROY", b"orders", b"casemate"]);
    let all = count as u64;
    pulling.until("it does not come again", |it| number(it, "repeated") >= all);
    assert_eq!(pulling.ran(count).len(), count, "each once");
    redis.until_settled();
}

#[test]
fn what_a_consumer_held_that_does_not_come_back_is_taken_over() {
    let redis = Redis::started();
    redis.ask(&[b"XGROUP", b"CREATE", b"orders", b"casemate", b"0", b"MKSTREAM"]);
    redis.add(&[b"order", b"1"]);
    let read: [&[u8]; 7] =
        [b"XREADGROUP", b"GROUP", b"casemate", b"dead", b"STREAMS", b"orders", b">"];
    redis.ask(&read);
    assert_eq!(redis.pending(), 1);
    let pulling = redis.pulled("claim_after = \"1s\"");
    pulling.ran(1);
    redis.until_settled();
}

#[test]
fn a_network_that_nobody_named_is_not_reached_and_a_password_is_not_in_the_configuration() {
    let redis = Redis::started();
    let section = redis.section("").replace("networks", "# networks");
    let pulling = Pulling::start(|_| section, "");
    secret(&pulling, PASSWORD);
    pulling.grant();
    let stands = pulling.until("it is reached", |it| it["state"] == "down");
    let error = stands["error"].as_str().expect("why");
    assert!(error.contains("E1448") && error.contains("functions do not reach"), "{error}");
    let refused = |section: String| {
        let dir = tempfile::tempdir().expect("a directory");
        let config = dir.path().join("node.toml");
        std::fs::write(&config, section).expect("written");
        let arguments = ["--config", config.to_str().expect("text")];
        let home: &Path = &dir.path().join("home");
        crate::rig::Node::try_start_on(home, &arguments).err().expect("refused")
    };
    let said = refused(redis.section("").replace("//localhost", "//:password@localhost"));
    assert!(said.contains("E0603") && said.contains("no password in it"), "{said}");
}
