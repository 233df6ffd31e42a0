//! Functions from images: what a first call of one costs over the same function as a package, and what
//! unpacking takes.

use super::Bench;
use super::http::{Client, Request};
use super::node::{Home, Node};
use super::report::{Row, Section};
use super::stats::{median, percentile};
use crate::program::{run, say};
use anyhow::{Context as _, Result, ensure};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Functions of each kind, each called for the first time once.
const FIRST: usize = 10;
/// Files of the layer that is unpacked, of a mebibyte each.
const FILES: usize = 200;
/// Times that it is unpacked.
const TIMES: usize = 5;
/// How often the memory of who unpacks is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// The same server in both.
const SERVER: &str = "\
import http.server, os

class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'hello'
        self.send_response(200)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Hello).serve_forever()
";

/// Makes a system with the machine's own Python below `$1`, and the server in it.
const SYSTEM: &str = r#"set -eu
python=$(readlink -f /usr/bin/python3)
library=/usr/lib/${python##*/}
mkdir -p "$1/app" "$1/usr/bin"
cp -r --parents "$library" "$1"
cp --parents "$python" "$1"
ldd "$python" "$library"/lib-dynload/*.so | tr ' \t' '\n\n' | grep '^/' | grep -v ':$' | sort -u |
    while read -r shared; do cp -L --parents "$shared" "$1"; done
ln -sf "$python" "$1/usr/bin/python3"
cp "$2" "$1/app/server.py"
"#;

/// Writes so many files of a mebibyte of random bytes below `$1`.
const LARGE: &str = r#"set -eu
mkdir -p "$1"
at=0
while [ "$at" -lt "$2" ]; do head -c 1048576 /dev/urandom > "$1/$at"; at=$((at + 1)); done
"#;

/// Runs all of it.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let home = Home::new(bench, "image")?;
    let node = Node::start(bench, &home, "[native]\npool = 0\n")?;
    let mut rows = first_calls(bench, &home, &node)?;
    rows.extend(unpacking(bench, &home)?);
    node.stop()?;
    Ok(Section {
        title: "image",
        how: "A web server in Python, from an image with the machine's own Python in it and as a \
              package, each deployed as several functions that are called once, one after the other, \
              without the pool. Then an image with one layer of 200 MiB that cannot be packed, read \
              by `casemate diff`, which unpacks it and sends nothing; memory is the most that was \
              resident.\n"
            .to_owned(),
        rows,
    })
}

fn first_calls(bench: &Bench, home: &Home, node: &Node) -> Result<Vec<Row>> {
    say("bench: image: first calls");
    let directory = home.directory();
    let server = directory.join("package/server.py");
    std::fs::create_dir_all(directory.join("package"))?;
    std::fs::write(&server, SERVER)?;
    let root = directory.join("root");
    run(Command::new("sh").args(["-c", SYSTEM, "sh"]).args([&root, &server]))?;
    image(directory, "image", &root, &["python3", "/app/server.py"])?;
    std::fs::remove_dir_all(root)?;
    let package = "source = \"package\"\n[function.native]\ninterpreter = \"python3\"\n\
                   command = [\"python3\", \"server.py\"]";
    let mut times = Vec::new();
    for (kind, native) in [("package", package), ("image", "[function.native]\nimage = \"image\"")]
    {
        let mut manifest = format!("manifest = 1\napplication = \"{kind}\"\n");
        for number in 0..FIRST {
            write!(
                manifest,
                "\n[[function]]\nname = \"{kind}{number}\"\nruntime = \"native\"\n\
                 http = [{{ route = \"GET /{kind}{number}\", auth = \"public\" }}]\n{native}\n\
                 contract = \"http\"\n"
            )?;
        }
        let file = directory.join(format!("{kind}.toml"));
        std::fs::write(&file, manifest)?;
        run(casemate(bench, directory, &["deploy", "--grant"], &file).stdout(Stdio::null()))?;
        let mut client = Client::connect(&node.gateway)?;
        let all = (0..FIRST).map(|number| call(&mut client, &format!("/{kind}{number}")));
        times.push(all.collect::<Result<Vec<f64>>>()?);
    }
    let shown =
        |all: &[f64]| format!("p50 {:.1} ms, p99 {:.1} ms", median(all), percentile(all, 99));
    let (package, image) = times.split_first().context("no times")?;
    let image = image.first().context("no times")?;
    let over = median(image) / median(package).max(f64::MIN_POSITIVE);
    Ok(vec![
        Row::plain("first answer of a package", shown(package)),
        Row::plain("first answer of an image", format!("{}: {over:.2} times", shown(image))),
    ])
}

fn unpacking(bench: &Bench, home: &Home) -> Result<Vec<Row>> {
    say("bench: image: unpacking");
    let directory = home.directory();
    let files = directory.join("large");
    let count = FILES.to_string();
    run(Command::new("sh").args(["-c", LARGE, "sh"]).arg(&files).arg(count))?;
    image(directory, "large-image", &files, &["/0"])?;
    std::fs::remove_dir_all(files)?;
    let manifest = "manifest = 1\napplication = \"large\"\n\n[[function]]\nname = \"large\"\n\
                    runtime = \"native\"\n[function.native]\ncontract = \"http\"\n\
                    image = \"large-image\"\n";
    let file = directory.join("large.toml");
    std::fs::write(&file, manifest)?;
    let (mut times, mut most) = (Vec::new(), 0);
    for _ in 0..TIMES {
        let begin = Instant::now();
        let mut command = casemate(bench, directory, &["diff"], &file);
        let child = command.stdout(Stdio::null()).spawn().context("casemate cannot be started")?;
        let (ended, peak_kib) = watched(child)?;
        ensure!(ended.success(), "`casemate diff` ended with {ended}");
        times.push(begin.elapsed().as_secs_f64());
        most = most.max(peak_kib);
    }
    let rate = FILES as f64 / median(&times).max(f64::MIN_POSITIVE);
    Ok(vec![
        Row::plain(
            format!("unpacking a layer of {FILES} MiB"),
            format!("p50 {:.2} s, {rate:.0} MiB/s", median(&times)),
        ),
        Row::plain("most memory meanwhile", format!("{} MiB resident", most >> 10)),
    ])
}

/// Makes a layout with one image of one layer.
fn image(directory: &Path, name: &str, root: &Path, starts: &[&str]) -> Result<()> {
    let layout = directory.join(name);
    let tagged = format!("{}:t", layout.display());
    let umoci = || {
        let mut umoci = Command::new("umoci");
        umoci.stderr(Stdio::null());
        umoci
    };
    run(umoci().args(["init", "--layout"]).arg(&layout))?;
    run(umoci().args(["new", "--image", &tagged]))?;
    run(umoci().args(["insert", "--image", &tagged]).arg(root).arg("/"))?;
    let words = starts.iter().flat_map(|word| ["--config.entrypoint", *word]);
    run(umoci().args(["config", "--image", &tagged]).args(words))
}

fn casemate(bench: &Bench, directory: &Path, words: &[&str], manifest: &Path) -> Command {
    let mut command = Command::new(&bench.casemate);
    command.args(words).arg("--home").arg(directory.join("home")).arg(manifest);
    command
}

/// Waits for the end of a process, and says the most memory that it had, in KiB.
fn watched(mut child: Child) -> Result<(ExitStatus, u64)> {
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let size = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        most = most.max(size.unwrap_or(0));
        if let Some(ended) = child.try_wait()? {
            return Ok((ended, most));
        }
        std::thread::sleep(LOOK);
    }
}

/// Calls a function; milliseconds.
fn call(client: &mut Client, path: &str) -> Result<f64> {
    let begin = Instant::now();
    let reply = client.send(&Request::get(path, None)).with_context(|| path.to_owned())?;
    let took = begin.elapsed();
    let text = String::from_utf8_lossy(&reply.body);
    ensure!(reply.status == 200, "{path}: {} {text}", reply.status);
    Ok(took.as_secs_f64() * 1000.0)
}
