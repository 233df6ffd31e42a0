//! A small component through the whole pipeline, against the same component under bare
//! `wasmtime serve`.

use super::Bench;
use super::load::{self, Load};
use super::machine::Cores;
use super::node::{Function, Home, Node};
use super::report::{Row, Section};
use super::secured::Issuer;
use super::stats::{median, range};
use crate::program::{say, works};
use anyhow::{Context as _, Result, ensure};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How to get the program that we compare with.
const INSTALL: &str = "cargo install wasmtime-cli --version 48.0.8 --locked --no-default-features \
    --features run,serve,compile,cranelift,component-model,component-model-async,\
pooling-allocator,cache,parallel-compilation,wasi-http,wasi-keyvalue,wasi-config,logging";

/// Runs the pairs.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    load::need()?;
    let program = wasmtime(bench)?;
    let component = bench.component("hello")?;
    let home = Home::new(bench, "throughput")?;
    let issuer = Issuer::new(&home)?;
    let node = Node::start(bench, &home, &issuer.config())?;
    let token = deploy(&node, &component)?;
    let jwt = deploy_secured(&node, &component, &issuer)?;
    let file = bench.root.join(format!("target/bench/hello-{}.wasm", std::process::id()));
    std::fs::write(&file, &component)?;
    let bare = Bare::start(bench, &program, &file)?;
    let seconds = bench.options.seconds;
    let ours = |seconds| load::run(bench, &node.gateway, "/hello", Some(&token), seconds);
    let theirs = |seconds| load::run(bench, &bare.address, "/hello", None, seconds);
    let url = format!("https://{}/secured", node.tls);
    let secured = |seconds| load::run_url(bench, &url, Some(&jwt), seconds);
    ours(2)?;
    theirs(2)?;
    secured(2)?;
    let mut pairs = Vec::new();
    let mut secure = Vec::new();
    for number in 1..=bench.options.pairs {
        let pair = (ours(seconds)?, theirs(seconds)?);
        let (a, b) = (pair.0.per_second, pair.1.per_second);
        say(&format!("bench: pair {number}: {a:.0}/s against {b:.0}/s, ratio {:.2}", a / b));
        pairs.push(pair);
        let beside = secured(seconds)?;
        let c = beside.per_second;
        say(&format!("bench: pair {number}: {c:.0}/s over TLS with a JWT, {:.2} of plain", c / a));
        secure.push(beside);
    }
    node.stop()?;
    let _ = std::fs::remove_file(&file);
    let mut section = section(&pairs, component.len(), &program);
    let plain: Vec<Load> = pairs.iter().map(|(ours, _)| *ours).collect();
    section.rows.extend(secured_rows(&plain, &secure));
    section.how.push_str(
        "Beside it, in the same run: ours over TLS 1.3, with a token of an issuer (ES256) in place of \
         the API token.\nConnections and the token stay the same, so handshakes and its signature \
         are checked once.\n",
    );
    Ok(section)
}

/// Deploys hello once more, for callers with tokens of the issuer; gives one.
fn deploy_secured(node: &Node, component: &[u8], issuer: &Issuer) -> Result<String> {
    let digest = node.upload(component)?;
    let auth = "jwt:bench";
    let (name, route, cpu) = ("secured", "GET /secured", "5s");
    node.deploy("secured", &[Function { name, digest: &digest, route, auth, cpu }])?;
    node.grant("jwt:bench", "secured")?;
    issuer.token()
}

fn secured_rows(plain: &[Load], secured: &[Load]) -> Vec<Row> {
    let ratios: Vec<f64> =
        secured.iter().zip(plain).map(|(a, b)| a.per_second / b.per_second).collect();
    let of = |pick: fn(&Load) -> f64| median(&secured.iter().map(pick).collect::<Vec<_>>());
    let (low, high) = range(&ratios);
    let ratio = format!("{:.2} ({low:.2} to {high:.2})", median(&ratios));
    vec![
        Row::plain("ours over TLS with a JWT, over ours in the clear with an API token", ratio),
        Row::plain(
            "ours over TLS with a JWT, median",
            format!("{:.0}/s", of(|load| load.per_second)),
        ),
        Row::plain("ours over TLS with a JWT, p99", format!("{:.2} ms", of(|load| load.p99_ms))),
    ]
}

/// Deploys hello behind a token and gives back the token.
pub(super) fn deploy(node: &Node, component: &[u8]) -> Result<String> {
    let digest = node.upload(component)?;
    let hello =
        Function { name: "hello", digest: &digest, route: "GET /hello", auth: "token", cpu: "5s" };
    node.deploy("hello", &[hello])?;
    node.token("bench", &["hello"])
}

fn section(pairs: &[(Load, Load)], bytes: usize, program: &Path) -> Section {
    let ratios: Vec<f64> = pairs.iter().map(|(a, b)| a.per_second / b.per_second).collect();
    let of = |pick: fn(&(Load, Load)) -> f64| median(&pairs.iter().map(pick).collect::<Vec<_>>());
    let (low, high) = range(&ratios);
    let ratio = median(&ratios);
    let text = format!("{ratio:.2} ({low:.2} to {high:.2})");
    let shown = program.file_name().unwrap_or_default().to_string_lossy();
    Section {
        title: "throughput",
        how: format!(
            "The example `hello` ({bytes} bytes), a fresh instance per request.\n\
             Ours: the public listener with an API token, policy, limits and records, as `casemate up` runs it.\n\
             Theirs: `{shown} serve -Scli`.\n\
             Load: `wrk {}` on a warm connection, our run and theirs in turn.\n",
            load::SHAPE
        ),
        rows: vec![
            Row::barred(
                "requests per second, ours over theirs, median",
                text.clone(),
                ">= 1.0",
                ratio >= 1.0,
            ),
            Row::barred("the same, against the goal", text, ">= 2.0 (goal)", ratio >= 2.0),
            Row::plain("ours, median", format!("{:.0}/s", of(|pair| pair.0.per_second))),
            Row::plain("theirs, median", format!("{:.0}/s", of(|pair| pair.1.per_second))),
            Row::plain("ours, p99", format!("{:.2} ms", of(|pair| pair.0.p99_ms))),
            Row::plain("theirs, p99", format!("{:.2} ms", of(|pair| pair.1.p99_ms))),
        ],
    }
}

fn wasmtime(bench: &Bench) -> Result<PathBuf> {
    let program = bench.options.wasmtime.clone().unwrap_or_else(|| PathBuf::from("wasmtime"));
    let there = works(&program.to_string_lossy(), &["--version"]);
    ensure!(there, "`{}` cannot be run; install it with\n  {INSTALL}", program.display());
    Ok(program)
}

/// A running `wasmtime serve`.
struct Bare {
    child: Child,
    address: String,
}

impl Bare {
    fn start(bench: &Bench, program: &Path, component: &Path) -> Result<Self> {
        // Free now; nobody else is expected to take it within a moment.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut command: Command = Cores::command(bench.cores.servers.as_deref(), program);
        command.args(["serve", "-Scli", "--addr", &address]).arg(component);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().context("wasmtime cannot be started")?;
        let bare = Self { child, address };
        for _ in 0..600 {
            if TcpStream::connect(&bare.address).is_ok() {
                return Ok(bare);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        anyhow::bail!("`wasmtime serve` does not listen on {}", bare.address)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
