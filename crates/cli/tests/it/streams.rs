//! Answers that never end, or end before their end.

use crate::fake::{OPERATOR, sample};
use crate::{casemate, directory};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

const HEAD: &str = "HTTP/1.1 200 OK\r\ncasemate-version: 0.1.0\r\n";

/// Serves one connection by hand: each request gets the next answer, and after the last the
/// connection is handed back, open.
fn by_hand(answers: Vec<String>) -> (String, std::thread::JoinHandle<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        for answer in answers {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("a request");
                head.push(byte[0]);
            }
            stream.write_all(answer.as_bytes()).expect("the client reads");
        }
        stream
    });
    (url, thread)
}

#[test]
fn ctrl_c_ends_following_with_0() {
    let page = r#"{"items":[]}"#;
    let page = format!("{HEAD}content-length: {}\r\n\r\n{page}", page.len());
    let line = serde_json::to_string(&sample::log("seen")).expect("plain data");
    let chunk = format!("{:x}\r\n{line}\n\r\n", line.len() + 1);
    let (url, server) =
        by_hand(vec![page, format!("{HEAD}transfer-encoding: chunked\r\n\r\n{chunk}")]);
    let mut run = casemate(&["logs", "-f", "--format", "json"])
        .env("CASEMATE_URL", &url)
        .env("CASEMATE_TOKEN", OPERATOR);
    let mut child = run
        .command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut seen = String::new();
    out.read_line(&mut seen).expect("the line that was sent");
    assert_eq!(seen.trim_end(), line);
    let _still_open = server.join().expect("the server wrote all");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("our own child");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_backup_that_is_cut_off_is_no_backup() {
    let (url, server) = by_hand(vec![format!("{HEAD}content-length: 1000\r\n\r\nonly this")]);
    let place = directory(&[]);
    let run = casemate(&["backup", "b.tar"])
        .env("CASEMATE_URL", &url)
        .env("CASEMATE_TOKEN", OPERATOR)
        .within(place.path());
    let closer = std::thread::spawn(move || drop(server.join()));
    let seen = run.seen();
    closer.join().expect("closed");
    assert_eq!(seen.code, 1, "{}", seen.err);
    assert!(seen.err.contains("the node ended the backup before its end"), "{}", seen.err);
    assert_eq!(std::fs::read_dir(place.path()).expect("listed").count(), 0);
}

#[test]
fn an_answer_that_is_cut_off_fails() {
    let answer = format!(
        "{HEAD}casemate-invocation: {}\r\ncontent-length: 1000\r\n\r\nonly this",
        sample::ID
    );
    let (url, server) = by_hand(vec![answer]);
    let run =
        casemate(&["invoke", "hello"]).env("CASEMATE_URL", &url).env("CASEMATE_TOKEN", OPERATOR);
    let closer = std::thread::spawn(move || drop(server.join()));
    let seen = run.seen();
    closer.join().expect("closed");
    assert_eq!((seen.code, seen.out.as_str()), (1, "only this"), "{}", seen.err);
    assert!(seen.err.contains("the answer was cut off"), "{}", seen.err);
}
