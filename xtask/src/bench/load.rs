//! Load by `wrk`: one thread, 32 connections that never pause.

use super::Bench;
use super::machine::Cores;
use crate::program::{text_of, works};
use anyhow::{Context as _, Result, ensure};
use std::path::Path;

/// How the generator is called, beside the address and the length.
pub(super) const SHAPE: &str = "-t1 -c32";
/// One request after the other, on one connection.
pub(super) const ONE: &str = "-t1 -c1";

/// What one run gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    pub(super) per_second: f64,
    pub(super) p99_ms: f64,
    pub(super) failed: u64,
}

/// Makes sure that the generator is there.
pub(super) fn need() -> Result<()> {
    // `wrk -v` prints its version and fails.
    let there = works("sh", &["-c", "command -v wrk"]);
    ensure!(there, "`wrk` is missing: apt-get install wrk");
    Ok(())
}

/// Calls `http://ADDRESS/PATH` for `seconds`.
pub(super) fn run(
    bench: &Bench,
    address: &str,
    path: &str,
    token: Option<&str>,
    seconds: u64,
) -> Result<Load> {
    run_url(bench, &format!("http://{address}{path}"), token, seconds)
}

/// Calls a URL for `seconds`. Certificates are not verified.
pub(super) fn run_url(bench: &Bench, url: &str, token: Option<&str>, seconds: u64) -> Result<Load> {
    run_as(bench, SHAPE, url, token, seconds)
}

/// The same, in another shape.
pub(super) fn run_as(
    bench: &Bench,
    shape: &str,
    url: &str,
    token: Option<&str>,
    seconds: u64,
) -> Result<Load> {
    let mut wrk = Cores::command(bench.cores.generator.as_deref(), Path::new("wrk"));
    wrk.args(shape.split(' ')).args(["--latency", "-d", &format!("{seconds}s")]);
    if let Some(token) = token {
        wrk.args(["-H", &format!("authorization: Bearer {token}")]);
    }
    wrk.arg(url);
    let text = text_of(&mut wrk)?;
    let load = parse(&text).with_context(|| format!("wrk said what is not understood:\n{text}"))?;
    ensure!(load.failed == 0, "{} requests to {url} failed:\n{text}", load.failed);
    Ok(load)
}

fn parse(text: &str) -> Option<Load> {
    let after = |word: &str| text.lines().find_map(|line| line.trim().strip_prefix(word));
    let numbers = |line: &str| -> u64 {
        line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<u64>().ok()).sum()
    };
    let refused = after("Non-2xx or 3xx responses:").map_or(0, numbers);
    let broken = after("Socket errors:").map_or(0, numbers);
    Some(Load {
        per_second: after("Requests/sec:")?.trim().parse().ok()?,
        p99_ms: milliseconds(after("99%")?.trim())?,
        failed: refused + broken,
    })
}

/// `1.23ms`, `45.00us`, `1.20s` or `2.00m`.
fn milliseconds(text: &str) -> Option<f64> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(at);
    let factor = match unit {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1000.0,
        "m" => 60_000.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 5s test @ http://127.0.0.1:1/\n  1 threads and 32 connections\n  \
        Latency Distribution\n     50%    2.10ms\n     99%    3.45ms\n  60000 requests in 5.00s\n\
        Requests/sec:  12000.50\nTransfer/sec:      1.20MB\n";

    #[test]
    fn what_wrk_says_is_understood() {
        let load = parse(SAID).expect("understood");
        assert_eq!(load, Load { per_second: 12000.5, p99_ms: 3.45, failed: 0 });
        let bad = format!(
            "{SAID}  Non-2xx or 3xx responses: 7\n  Socket errors: connect 0, read 2, write 0, timeout 1\n"
        );
        assert_eq!(parse(&bad).expect("understood").failed, 10);
        assert_eq!(parse("unable to connect\n"), None);
        assert_eq!(milliseconds("2.00m"), Some(120_000.0));
        assert_eq!(milliseconds("2 parsecs"), None);
    }
}
