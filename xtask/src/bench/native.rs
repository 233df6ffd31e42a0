//! Native functions: what a call costs over the bare contract, and how long a first call takes.
//!
//! The bare contract is the same loader as a plain process, with a Runtime API of a few lines in this
//! program: what remains between the two is the platform.

mod bare;
mod memory;

use super::Bench;
use super::http::{Client, Request};
use super::node::{Home, Node};
use super::report::{Row, Section};
use super::stats::{median, percentile};
use crate::program::{run, say};
use anyhow::{Context as _, Result, ensure};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Warm calls, after as many that are not counted.
const WARM: usize = 500;
/// First calls from the pool, one after the other.
const FIRST: usize = 40;
/// First calls at once.
const BURST: usize = 200;
/// How many of them are under way at a time.
const TOGETHER: usize = 50;
/// How long the pool gets to be full again.
const REFILL: Duration = Duration::from_millis(700);

const PYTHON: Language =
    Language { name: "Python", interpreter: "python3", file: "app.py", handler: "app.handler" };
const NODE: Language =
    Language { name: "Node", interpreter: "node", file: "index.js", handler: "index.handler" };
const PYTHON_HELLO: &str = "def handler(event, context):\n    return {'hello': 'world'}\n";
const PYTHON_BOTO: &str =
    "import boto3\n\ndef handler(event, context):\n    return {'hello': boto3.__version__}\n";
const NODE_HELLO: &str = "exports.handler = async () => ({ hello: 'world' });\n";

/// A language that has a loader.
struct Language {
    name: &'static str,
    interpreter: &'static str,
    file: &'static str,
    handler: &'static str,
}

/// Runs all of it.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let mut rows = Vec::new();
    for (language, text, first_ms) in [(&PYTHON, PYTHON_HELLO, 5.0), (&NODE, NODE_HELLO, 12.0)] {
        say(&format!("bench: native: {}", language.name));
        rows.extend(language_rows(bench, language, text, first_ms)?);
    }
    rows.extend(boto_rows(bench)?);
    Ok(Section {
        title: "native",
        how: "A `hello` for AWS Lambda in Python and Node, in jails, called over HTTP by one \
              connection. The bare contract is the same loader as a plain process. First calls are \
              of functions that were never called, in a deployed application; from the pool one \
              after the other, with time to fill it again, and all at once.\n"
            .to_owned(),
        rows,
    })
}

fn language_rows(
    bench: &Bench,
    language: &Language,
    text: &str,
    first_ms: f64,
) -> Result<Vec<Row>> {
    let bare = bare::measure(bench, language, text, WARM)?;
    let name = language.name;
    let pooled = Stage::new(bench, "native", "[native]\npool = 4\n")?;
    pooled.deploy(bench, language, text, FIRST + BURST + 1)?;
    pooled.first(0..=0, Duration::ZERO)?;
    std::thread::sleep(REFILL * 4);
    let members = memory::pss_of_waiting(pooled.node.pid())?;
    let warm = pooled.warm()?;
    let first = pooled.first(1..=FIRST, REFILL)?;
    let (burst, took) = pooled.burst(FIRST + 1..=FIRST + BURST)?;
    pooled.node.stop()?;
    let direct = Stage::new(bench, "native-no-pool", "[native]\npool = 0\n")?;
    direct.deploy(bench, language, text, FIRST + 1)?;
    direct.warm()?;
    let cold = direct.first(1..=FIRST, Duration::from_millis(50))?;
    direct.node.stop()?;
    let over = median(&warm) - median(&bare.warm_ms);
    let (slower, later) = (median(&cold) / bare.first_ms, median(&cold) - bare.first_ms);
    let member = members.iter().copied().max().unwrap_or(0);
    Ok(vec![
        Row::barred(
            format!("{name}: warm call over the bare contract"),
            format!(
                "{over:+.2} ms ({:.2} ms against {:.2} ms)",
                median(&warm),
                median(&bare.warm_ms)
            ),
            "<= 0.5 ms",
            over <= 0.5,
        ),
        Row::barred(
            format!("{name}: first answer from the pool"),
            times(&first),
            if first_ms < 10.0 { "<= 5 ms" } else { "<= 12 ms" },
            median(&first) <= first_ms,
        ),
        Row::barred(
            format!("{name}: first answer without the pool"),
            format!(
                "{} against {:.1} ms bare: {slower:.2}, {later:+.1} ms",
                times(&cold),
                bare.first_ms
            ),
            "<= 1.3 or +4 ms",
            slower <= 1.3 || later <= 4.0,
        ),
        Row::plain(
            format!("{name}: {BURST} first calls, {TOGETHER} at a time"),
            format!("{}, {:.1} s in all", times(&burst), took.as_secs_f64()),
        ),
        Row::barred(
            format!("{name}: the largest idle member of the pool"),
            format!("{} MiB Pss", member >> 10),
            "<= 25 MiB",
            member <= 25 << 10,
        ),
    ])
}

/// What an import of a large library costs.
fn boto_rows(bench: &Bench) -> Result<Vec<Row>> {
    let site = bench.root.join("target/tools/moto");
    let Some(packages) = memory::site_packages(&site) else {
        return Ok(vec![Row::plain(
            "Python with `import boto3`",
            "`cargo xtask test` installs it",
        )]);
    };
    let stage = Stage::new(bench, "native-boto", "[native]\npool = 4\n")?;
    let package = stage.directory().join("app");
    std::fs::create_dir_all(&package)?;
    for name in ["boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"] {
        run(Command::new("cp").arg("-r").arg(packages.join(name)).arg(&package))?;
    }
    stage.deploy(bench, &PYTHON, PYTHON_BOTO, 11)?;
    stage.warm()?;
    let first = stage.first(1..=10, REFILL)?;
    stage.node.stop()?;
    Ok(vec![Row::plain("Python: first answer from the pool, `import boto3`", times(&first))])
}

fn times(all: &[f64]) -> String {
    format!("p50 {:.1} ms, p99 {:.1} ms", median(all), percentile(all, 99))
}

/// A node and its functions.
struct Stage {
    node: Node,
    home: Home,
}

impl Stage {
    fn new(bench: &Bench, name: &str, config: &str) -> Result<Self> {
        let home = Home::new(bench, name)?;
        Ok(Self { node: Node::start(bench, &home, config)?, home })
    }

    fn directory(&self) -> &Path {
        self.home.directory()
    }

    /// Deploys so many functions of one package.
    fn deploy(&self, bench: &Bench, language: &Language, text: &str, count: usize) -> Result<()> {
        let package = self.directory().join("app");
        std::fs::create_dir_all(&package)?;
        std::fs::write(package.join(language.file), text)?;
        let mut manifest = "manifest = 1\napplication = \"bench\"\n".to_owned();
        for number in 0..count {
            write!(
                manifest,
                "\n[[function]]\nname = \"f{number}\"\nruntime = \"native\"\nsource = \"app\"\ntimeout = \"40s\"\n\
                 [function.native]\ncontract = \"lambda\"\ninterpreter = \"{}\"\nhandler = \"{}\"\n\
                 [[function.http]]\nroute = \"GET /f{number}\"\nauth = \"public\"\n",
                language.interpreter, language.handler
            )?;
        }
        let file = self.directory().join("casemate.toml");
        std::fs::write(&file, manifest)?;
        let mut command = Command::new(&bench.casemate);
        command.args(["deploy", "--grant", "--home"]).arg(self.directory().join("home")).arg(file);
        run(command.stdout(std::process::Stdio::null()))
    }

    /// Calls one function again and again.
    fn warm(&self) -> Result<Vec<f64>> {
        let mut client = Client::connect(&self.node.gateway)?;
        let mut call = || call(&mut client, 0);
        (0..WARM).try_for_each(|_| call().map(drop))?;
        (0..WARM).map(|_| call()).collect()
    }

    /// Calls functions for the first time, one after the other.
    fn first(&self, numbers: impl Iterator<Item = usize>, pause: Duration) -> Result<Vec<f64>> {
        let mut client = Client::connect(&self.node.gateway)?;
        numbers
            .map(|number| {
                std::thread::sleep(pause);
                call(&mut client, number)
            })
            .collect()
    }

    /// Calls functions for the first time, many at once.
    fn burst(&self, numbers: impl Iterator<Item = usize>) -> Result<(Vec<f64>, Duration)> {
        let numbers = std::sync::Mutex::new(numbers.collect::<Vec<_>>());
        let begin = Instant::now();
        let lane = || -> Result<Vec<f64>> {
            let mut client = Client::connect(&self.node.gateway)?;
            let mut times = Vec::new();
            loop {
                let number = numbers.lock().ok().and_then(|mut numbers| numbers.pop());
                let Some(number) = number else { return Ok(times) };
                times.push(call(&mut client, number)?);
            }
        };
        let times = std::thread::scope(|scope| {
            let lanes: Vec<_> = (0..TOGETHER).map(|_| scope.spawn(lane)).collect();
            let joined = lanes.into_iter().map(|lane| {
                lane.join().map_err(|_| anyhow::anyhow!("a lane of the burst ended early"))?
            });
            joined.collect::<Result<Vec<_>>>()
        })?;
        Ok((times.concat(), begin.elapsed()))
    }
}

/// Calls a function; milliseconds.
fn call(client: &mut Client, number: usize) -> Result<f64> {
    let path = format!("/f{number}");
    let begin = Instant::now();
    let reply = client.send(&Request::get(&path, None)).with_context(|| path.clone())?;
    let took = begin.elapsed();
    let text = String::from_utf8_lossy(&reply.body);
    ensure!(reply.status == 200, "{path}: {} {text}", reply.status);
    Ok(took.as_secs_f64() * 1000.0)
}
