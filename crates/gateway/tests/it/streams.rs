//! Bodies that are larger than any buffer.

use casemate_gateway::Config;
use std::io::Write;
use std::sync::atomic::Ordering;

const LARGE: usize = 24 * 1024 * 1024;

fn pattern() -> Vec<u8> {
    (0..LARGE as u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn large_bodies_flow_both_ways_at_once() {
    let theatre = super::open(Config::default());
    let bytes = pattern();
    for chunked in [false, true] {
        let mut client = theatre.connect();
        let length = bytes.len();
        let framing = if chunked {
            "transfer-encoding: chunked".to_owned()
        } else {
            format!("content-length: {length}")
        };
        let mut writer = client.socket.try_clone().unwrap();
        let sent = bytes.clone();
        let sender = std::thread::spawn(move || -> std::io::Result<()> {
            write!(writer, "POST /echo HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n")?;
            for part in sent.chunks(100_003) {
                if chunked {
                    write!(writer, "{:X}\r\n", part.len())?;
                }
                writer.write_all(part)?;
                if chunked {
                    writer.write_all(b"\r\n")?;
                }
            }
            if chunked { writer.write_all(b"0\r\n\r\n") } else { Ok(()) }
        });
        let reply = client.reply().unwrap();
        sender.join().unwrap().unwrap();
        assert!(reply.body == bytes, "{} bytes came back", reply.body.len());
        assert_eq!(client.get("/").text(), "hello");
    }
}

#[test]
fn a_client_that_takes_nothing_stops_its_guest() {
    let theatre = super::open(Config { body_idle_ms: 300, ..Config::default() });
    let mut client = theatre.connect();
    client.send("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n");
    theatre.wait_for("stopped");
    // What the kernel's buffers and hyper's hold, and no more.
    let given = theatre.stage.given.load(Ordering::SeqCst);
    assert!(given < 32 * 1024 * 1024, "{given} bytes were made for nobody");
}

#[test]
fn a_guest_that_does_not_read_makes_its_client_wait() {
    let theatre = super::open(Config::default());
    let mut client = theatre.connect();
    client.send("POST /mute HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n");
    client.socket.set_nonblocking(true).unwrap();
    let part = vec![0; 64 * 1024];
    let mut taken = 0;
    // Goes on until the socket has been full for a while.
    let mut refusals = 0;
    while refusals < 200 {
        match client.socket.write(&part) {
            Ok(count) => (taken, refusals) = (taken + count, 0),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                refusals += 1;
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        assert!(taken < 64 * 1024 * 1024, "{taken} bytes were taken for nobody");
    }
}
