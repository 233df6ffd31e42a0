//! Two hundred guests that stream at once, to readers of two speeds: what the node holds for them.

use super::Bench;
use super::memory::Resident;
use super::node::{Home, Node};
use super::report::{Row, Section};
use crate::program::say;
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

/// Guests that stream at once.
const GUESTS: usize = 200;
/// Bytes that each of them sends.
const BYTES: u64 = 100 << 20;
/// Most memory that is no guest's, in KiB.
const HOST_KIB_MAX: u64 = 64 << 10;
/// What a reader takes at once.
const PIECE_BYTES: usize = 64 << 10;
/// What a slow reader waits after each piece: at most some 6 MiB a second.
const SLOW_PAUSE: Duration = Duration::from_millis(10);
/// How long a reader waits for the next byte: two hundred share a core.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What the readers have seen so far.
#[derive(Default)]
struct Progress {
    /// Streams that have begun and not ended.
    open: AtomicUsize,
    most_open: AtomicUsize,
    bytes: AtomicU64,
    over: AtomicUsize,
}

/// Streams, and looks at the node's memory all the while.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let component = bench.component("misbehave")?;
    let home = Home::new(bench, "streams")?;
    let node = Node::start(bench, &home, "")?;
    let digest = node.upload(&component)?;
    let function = json!({
        "name": "big", "digest": digest, "timeout": "5m", "cpu": "1m", "response_body": "200MiB",
        // One address may have three quarters of a function's slots.
        "concurrency": GUESTS * 2, "http": [{ "route": "GET /x/{*rest}", "auth": "public" }],
    });
    node.deploy_specs("streams", &[function])?;
    // Loads the component and warms what one stream needs.
    read(&node.gateway, Duration::ZERO, 1 << 20, &Progress::default())?;
    let before = Resident::of(node.pid())?;
    let progress = Progress::default();
    let begin = Instant::now();
    let (most, broken) = stream(&node, &progress)?;
    let took = begin.elapsed().as_secs_f64();
    let after = Resident::of(node.pid())?;
    node.stop()?;
    Ok(section(&progress, [before, most, after], &broken, took))
}

/// Runs all readers. Gives the moment when the host held most, and what broke.
fn stream(node: &Node, progress: &Progress) -> Result<(Resident, Vec<String>)> {
    std::thread::scope(|scope| {
        let reader = |number: usize| {
            let pause = if number.is_multiple_of(2) { Duration::ZERO } else { SLOW_PAUSE };
            scope.spawn(move || read(&node.gateway, pause, BYTES, progress))
        };
        let readers: Vec<_> = (0..GUESTS).map(reader).collect();
        let mut most = Resident::default();
        while progress.over.load(Relaxed) < GUESTS {
            let now = Resident::of(node.pid())?;
            if now.allocated() > most.allocated() {
                most = now;
            }
            std::thread::sleep(LOOK);
        }
        let broken = readers.into_iter().filter_map(|reader| failure(reader));
        Ok((most, broken.collect()))
    })
}

fn failure(reader: ScopedJoinHandle<'_, Result<()>>) -> Option<String> {
    match reader.join() {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(_) => Some("a reader panicked".to_owned()),
    }
}

/// Reads one stream to its end.
fn read(address: &str, pause: Duration, bytes: u64, progress: &Progress) -> Result<()> {
    let read = read_all(address, pause, bytes, progress);
    progress.over.fetch_add(1, Relaxed);
    read
}

fn read_all(address: &str, pause: Duration, bytes: u64, progress: &Progress) -> Result<()> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    // With HTTP/1.0 the body is as it is, and ends with the connection.
    socket.write_all(
        format!("GET /x/big?bytes={bytes} HTTP/1.0\r\nhost: localhost\r\n\r\n").as_bytes(),
    )?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut body = first(&mut socket, &mut piece)?;
    let open = progress.open.fetch_add(1, Relaxed) + 1;
    progress.most_open.fetch_max(open, Relaxed);
    let outcome = loop {
        match socket.read(&mut piece) {
            Ok(0) => break Ok(()),
            Ok(count) => body += count as u64,
            Err(error) => break Err(error),
        }
        std::thread::sleep(pause);
    };
    progress.open.fetch_sub(1, Relaxed);
    progress.bytes.fetch_add(body, Relaxed);
    outcome.with_context(|| format!("after {body} bytes"))?;
    ensure!(body == bytes, "{body} of {bytes} bytes came");
    Ok(())
}

/// Reads the head, and gives how many bytes of the body came with it.
fn first(socket: &mut TcpStream, piece: &mut [u8]) -> Result<u64> {
    let mut seen = Vec::new();
    loop {
        let count = socket.read(piece).context("no head came")?;
        ensure!(count > 0, "the connection was closed");
        seen.extend_from_slice(piece.get(..count).unwrap_or_default());
        if let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(seen.get(..end).unwrap_or_default()).into_owned();
            ensure!(head.split(' ').nth(1) == Some("200"), "not 200: {head}");
            return Ok((seen.len() - end - 4) as u64);
        }
    }
}

fn section(progress: &Progress, seen: [Resident; 3], broken: &[String], took: f64) -> Section {
    for (count, why) in broken.iter().enumerate().take(3) {
        say(&format!("bench: broken stream {}: {why}", count + 1));
    }
    let [before, most, after] = seen;
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
    let open = progress.most_open.load(Relaxed);
    let rate = progress.bytes.load(Relaxed) as f64 / took / f64::from(1 << 20);
    let allocated = most.allocated();
    Section {
        title: "streams",
        how: format!(
            "{GUESTS} guests at once stream {} MiB each; every second reader pauses {} ms after each \
             64 KiB, the others read as fast as they can.\n\
             Host memory is all that is resident in the node minus what is resident of guests' linear \
             memories, both from `/proc/PID/smaps`, every {} ms: a linear memory is a run of writable \
             mappings right before an inaccessible one of at least 1 GiB.\n\
             The bar is on what the host allocates: pages of files (the program, libraries, compiled \
             components) are the system's to give back, and stand in a row of their own.\n",
            BYTES >> 20,
            SLOW_PAUSE.as_millis(),
            LOOK.as_millis(),
        ),
        rows: vec![
            Row::barred(
                "host memory beside files, the most that was seen",
                mib(allocated),
                "<= 64 MiB",
                allocated <= HOST_KIB_MAX,
            ),
            Row::barred("guests that streamed at once", open.to_string(), ">= 200", open >= GUESTS),
            Row::barred("streams that broke", broken.len().to_string(), "0", broken.is_empty()),
            Row::plain("files at that moment: program, libraries, components", mib(most.files)),
            Row::plain("host memory beside files, before", mib(before.allocated())),
            Row::plain("the same, afterwards", mib(after.allocated())),
            Row::plain("guests' linear memories at that moment", mib(most.guests)),
            Row::plain("sent", format!("{rate:.0} MiB/s for {took:.0} s")),
        ],
    }
}
