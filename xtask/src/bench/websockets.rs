//! Ten thousand WebSockets that say nothing.

use super::Bench;
use super::machine::resident_kib;
use super::node::{Function, Home, Node};
use super::report::{Row, Section};
use crate::program::say;
use anyhow::{Context as _, Result, ensure};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How many.
const COUNT: usize = 10_000;
/// Most memory, in KiB.
const RESIDENT_KIB_MAX: u64 = 1 << 20;
/// How long one handshake may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Room for all of them, and for the one that asks.
const CONFIG: &str = "[gateway]\nconnections = 20000\nconnections_per_address = 20000\n\
                      [websockets]\nconnections = 20000\nconnections_per_address = 20000\n\
                      connections_per_function = 20000\n";
/// RFC 6455, section 1.3.
const HANDSHAKE: &str = "GET /echo HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\n\
                         upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// A text frame of a client, its mask zero; and as it comes back.
const SAID: &[u8] = b"\x81\x85\0\0\0\0hello";
const HEARD: &[u8] = b"\x81\x05hello";

/// Opens them, looks at the memory, says one word on each, and looks again.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let component = bench.component("echo")?;
    let home = Home::new(bench, "websockets")?;
    let node = Node::start(bench, &home, CONFIG)?;
    let digest = node.upload(&component)?;
    let echo =
        Function { name: "echo", digest: &digest, route: "GET /echo", auth: "public", cpu: "5s" };
    node.deploy_with("talk", &[echo], &serde_json::json!({ "websocket": { "idle": "1h" } }))?;
    let mut open = vec![connect(&node)?];
    let before = resident_kib(node.pid(), "VmRSS")?;
    let begin = Instant::now();
    while open.len() < COUNT {
        open.push(connect(&node).with_context(|| format!("{} are open", open.len()))?);
    }
    let connected = begin.elapsed().as_secs_f64();
    let idle = resident_kib(node.pid(), "VmRSS")?;
    say(&format!("bench: {COUNT} WebSockets are open"));
    let begin = Instant::now();
    for socket in &mut open {
        talk(socket)?;
    }
    let talked = begin.elapsed().as_secs_f64();
    let (after, peak) = (resident_kib(node.pid(), "VmRSS")?, resident_kib(node.pid(), "VmHWM")?);
    let begin = Instant::now();
    node.stop()?;
    let drained = begin.elapsed().as_secs_f64();
    drop(open);
    let each = idle.saturating_sub(before) as f64 / (COUNT - 1) as f64;
    let mib = |kib: u64| format!("{} MiB", kib >> 10);
    Ok(Section {
        title: "websockets",
        how: format!(
            "{COUNT} WebSockets over plain TCP to one function, the example `echo`; each was \
             accepted by an invocation of its own and then said nothing.\n\
             Afterwards one message went to and fro on each, one after the other.\n\
             Resident memory is `VmRSS` and `VmHWM` of `/proc/PID/status`, of the whole node.\n"
        ),
        rows: vec![
            Row::barred("resident, all idle", mib(idle), "<= 1 GiB", idle <= RESIDENT_KIB_MAX),
            Row::barred("largest since the start", mib(peak), "<= 1 GiB", peak <= RESIDENT_KIB_MAX),
            Row::plain("resident with one", mib(before)),
            Row::plain("each idle one", format!("{each:.1} KiB")),
            Row::plain("resident after a message on each", mib(after)),
            Row::plain("all handshakes, one after the other", format!("{connected:.1} s")),
            Row::plain("all messages, one after the other", format!("{talked:.1} s")),
            Row::plain("drain with all of them open", format!("{drained:.1} s")),
        ],
    })
}

fn connect(node: &Node) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(&node.gateway)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(HANDSHAKE.as_bytes())?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let said = String::from_utf8_lossy(&head);
    ensure!(said.starts_with("HTTP/1.1 101 "), "not accepted: {said}");
    Ok(socket)
}

fn talk(socket: &mut TcpStream) -> Result<()> {
    socket.write_all(SAID)?;
    let mut heard = [0; HEARD.len()];
    socket.read_exact(&mut heard)?;
    // The echo says what it was told: text comes back as text.
    ensure!(heard == HEARD, "it said {heard:?}");
    Ok(())
}
