//! The bare contract: a loader as a plain process, and a Runtime API that does nothing else.

use super::Language;
use crate::bench::Bench;
use crate::bench::stats::median;
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts of a process that are measured.
const STARTS: usize = 15;
/// How long a process may take to ask for its first invocation.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was measured.
pub(super) struct Bare {
    /// From an event to its answer, in milliseconds.
    pub(super) warm_ms: Vec<f64>,
    /// From the start of the process to its first answer; the median.
    pub(super) first_ms: f64,
}

/// Measures both.
pub(super) fn measure(bench: &Bench, language: &Language, text: &str, warm: usize) -> Result<Bare> {
    let package = bench.root.join(format!("target/bench/bare-{}", std::process::id()));
    std::fs::create_dir_all(&package)?;
    std::fs::write(package.join(language.file), text)?;
    let mut first = Vec::new();
    let mut warm_ms = Vec::new();
    for number in 0..STARTS {
        let begin = Instant::now();
        let mut process = Process::start(bench, language, &package)?;
        process.exchange()?;
        first.push(begin.elapsed().as_secs_f64() * 1000.0);
        if number == 0 {
            (0..warm).try_for_each(|_| process.exchange().map(drop))?;
            for _ in 0..warm {
                warm_ms.push(process.exchange()?);
            }
        }
    }
    std::fs::remove_dir_all(&package)?;
    Ok(Bare { warm_ms, first_ms: median(&first) })
}

/// A loader, and the connection that it asks over.
struct Process {
    child: Child,
    listener: TcpListener,
    stream: Option<BufReader<TcpStream>>,
}

impl Process {
    fn start(bench: &Bench, language: &Language, package: &std::path::Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let loader = match language.interpreter {
            "node" => "lambda.mjs",
            _ => "lambda.py",
        };
        let loader = bench.root.join("crates/native/src/loader").join(loader);
        let mut child = Command::new(format!("/usr/bin/{}", language.interpreter))
            .arg(loader)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be started", language.interpreter))?;
        let told = serde_json::json!({
            "handler": language.handler,
            "environment": {
                "AWS_LAMBDA_RUNTIME_API": listener.local_addr()?.to_string(),
                "LAMBDA_TASK_ROOT": package,
                "_HANDLER": language.handler,
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        });
        let mut stdin = child.stdin.take().context("no standard input")?;
        writeln!(stdin, "{told}")?;
        Ok(Self { child, listener, stream: None })
    }

    /// Gives it an event and waits for its answer; milliseconds.
    fn exchange(&mut self) -> Result<f64> {
        self.expect("GET /2018-06-01/runtime/invocation/next")?;
        let event = "{}";
        let begin = Instant::now();
        self.answer(&format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
             lambda-runtime-aws-request-id: 1\r\nlambda-runtime-deadline-ms: 9999999999999\r\n\
             lambda-runtime-invoked-function-arn: arn\r\ncontent-length: {}\r\n\r\n{event}",
            event.len()
        ))?;
        self.expect("POST /2018-06-01/runtime/invocation/1/response")?;
        let took = begin.elapsed();
        self.answer("HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}")?;
        Ok(took.as_secs_f64() * 1000.0)
    }

    fn answer(&mut self, text: &str) -> Result<()> {
        let stream = self.stream.as_mut().context("no connection")?;
        stream.get_mut().write_all(text.as_bytes()).context("the process hung up")
    }

    /// Reads a request, over a new connection if the old one was closed.
    fn expect(&mut self, begins: &str) -> Result<()> {
        for _ in 0..2 {
            if self.stream.is_none() {
                let (stream, _) = self.listener.accept()?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                self.stream = Some(BufReader::new(stream));
            }
            match self.read()? {
                Some(line) if line.starts_with(begins) => return Ok(()),
                Some(line) => bail!("it asked `{}`, not `{begins}`", line.trim_end()),
                None => self.stream = None,
            }
        }
        bail!("the process hung up")
    }

    fn read(&mut self) -> Result<Option<String>> {
        let Some(stream) = self.stream.as_mut() else { return Ok(None) };
        let mut first = String::new();
        if stream.read_line(&mut first)? == 0 {
            return Ok(None);
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        Ok(Some(first))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
