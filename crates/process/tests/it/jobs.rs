//! What the children do.

use casemate_process::{Ending, run_child, run_companion, run_guest_probe, run_probe};
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

/// Runs a job; the arguments are those after its name.
pub(crate) fn run(job: &str, arguments: impl Iterator<Item = OsString>) -> u8 {
    match job {
        "probe" => run_probe(arguments),
        "probe-guests" => run_guest_probe(arguments),
        "echo" => run_companion(
            arguments,
            |settings| Ok(settings.to_owned()),
            |settings, socket, _| echo(&settings, socket),
        ),
        "hopeless" => {
            run_companion(arguments, |_| Err::<(), _>("no room".to_owned()), |(), _, _| Ok(()))
        }
        "copy" => run_child(arguments, |_| copy()),
        "refuse" => run_child(arguments, |_| {
            let said = "no \u{1b}[31mgood\n".to_owned() + &"x".repeat(10_000);
            Err(Ending::Refused(said))
        }),
        "spin" => run_child(arguments, |_| spin()),
        "sleep" => run_child(arguments, |_| {
            std::thread::sleep(std::time::Duration::from_secs(3600));
            Ok(())
        }),
        "grow" => run_child(arguments, |_| grow()),
        "flood" => run_child(arguments, |_| flood()),
        "panic" => run_child(arguments, |_| {
            let nothing: Result<(), Ending> = Err(Ending::Memory);
            std::hint::black_box(nothing).expect("a panic on purpose");
            Ok(())
        }),
        "threads" => run_child(arguments, |_| threads()),
        "unordered" => run_child(["nonsense".into()], |_| Ok(())),
        "orphan" => {
            let mut arguments: Vec<OsString> = arguments.collect();
            if let Some(parent) = arguments.last_mut() {
                *parent = "1".into();
            }
            run_child(arguments, |_| Ok(()))
        }
        _ => 99,
    }
}

fn refused(error: impl std::fmt::Display) -> Ending {
    Ending::Refused(error.to_string())
}

fn copy() -> Result<(), Ending> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(refused)?;
    io::stdout().write_all(&bytes).map_err(refused)
}

fn spin() -> Result<(), Ending> {
    let mut number = 0_u64;
    loop {
        number = std::hint::black_box(number.wrapping_add(1));
    }
}

fn grow() -> Result<(), Ending> {
    let mut all = Vec::new();
    loop {
        all.push(vec![1_u8; 1 << 20]);
        std::hint::black_box(&all);
    }
}

fn flood() -> Result<(), Ending> {
    loop {
        io::stdout().write_all(&[b'x'; 4096]).map_err(refused)?;
    }
}

/// Threads, time, randomness and large memory work under the filter.
fn threads() -> Result<(), Ending> {
    let sums: Vec<u64> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8_u64)
            .map(|n| {
                scope.spawn(move || {
                    let map: std::collections::HashMap<u64, u64> =
                        (0..10_000).map(|k| (k, k * n)).collect();
                    map.values().sum()
                })
            })
            .collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    if sums.len() != 8 {
        return Err(Ending::Refused("a thread could not be started".to_owned()));
    }
    io::stdout().write_all(b"eight").map_err(refused)
}

/// Says what it was told, and then what it hears.
fn echo(settings: &str, socket: OwnedFd) -> io::Result<()> {
    let mut socket = UnixStream::from(socket);
    socket.write_all(settings.as_bytes())?;
    let mut heard = [0; 64];
    loop {
        let count = socket.read(&mut heard)?;
        match heard.get(..count) {
            Some([]) | None => return Ok(()),
            Some(heard) => socket.write_all(heard)?,
        }
    }
}
