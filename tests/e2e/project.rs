//! The developer's loop: projects made, built, watched and tested by the real binary.

mod building;
mod examples;
mod natives;
mod newcomer;
mod watching;

use crate::rig::{BINARY, repository};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long the slowest of the languages' own tools may take, on a machine that does many other
/// things.
const LONG: Duration = Duration::from_secs(600);

/// A shell as a developer has it: their own environment, with `casemate` on the path.
fn shell(line: &str, directory: &Path) -> Command {
    let mut path = PathBuf::from(BINARY);
    path.pop();
    let mut paths = vec![path];
    paths.extend(std::env::split_paths(&std::env::var_os("PATH").expect("a path")));
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", line])
        .current_dir(directory)
        .env("PATH", std::env::join_paths(paths).expect("joined"))
        .env_remove("CASEMATE_HOME")
        .env_remove("CASEMATE_URL")
        .env_remove("NO_COLOR")
        // What cargo tells the tests is not for the projects.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("RUSTC")
        // What the repository's own guests were built with is taken again.
        .env("npm_config_prefer_offline", "true")
        .stdin(Stdio::null());
    command
}

/// Types a line and waits for its end.
fn typed(line: &str, directory: &Path) -> Output {
    shell(line, directory).output().expect("a shell")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A project whose function is a component that is copied by its build command.
struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    /// A project with this build command.
    fn new(build: &str) -> Self {
        let project = Self { dir: tempfile::tempdir().expect("a directory") };
        project.manifest(build, "");
        project
    }

    /// A project that copies `input.wasm`, which is this component.
    fn copying(component: &Path) -> Self {
        let project = Self::new("cp input.wasm made.wasm");
        project.put(component);
        project
    }

    /// Makes this component the one that is copied.
    fn put(&self, component: &Path) {
        // Made outside of the project, so that it comes as one change.
        let new = tempfile::NamedTempFile::new().expect("a file");
        std::fs::copy(component, new.path()).expect("copied");
        new.persist(self.dir.path().join("input.wasm")).expect("put");
    }

    fn manifest(&self, build: &str, more: &str) {
        self.write(
            "casemate.toml",
            &format!(
                "manifest = 1\napplication = \"p\"\n\n[[function]]\nname = \"f\"\n\
                 source = \"made.wasm\"\nbuild = {build:?}\n\n\
                 [[function.http]]\nroute = \"* /{{*rest}}\"\nauth = \"public\"\n{more}"
            ),
        );
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.path().join(path), text).expect(path);
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path().join(path)).unwrap_or_default()
    }

    fn typed(&self, line: &str) -> Output {
        typed(line, self.path())
    }
}

/// A command that goes on, and its lines. It is killed when this is dropped.
struct Going {
    child: Child,
    lines: Receiver<String>,
    /// Everything that was read so far.
    seen: Vec<String>,
}

impl Going {
    /// Types a line that does not end by itself. It replaces the shell, so that a signal to it is
    /// one to the command.
    fn start(line: &str, directory: &Path) -> Self {
        Self::of(shell(line, directory))
    }

    fn of(mut command: Command) -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let child = command
            .stdout(writer.try_clone().expect("a descriptor"))
            .stderr(writer)
            .spawn()
            .expect("a shell");
        // The parent's copies of the pipe's end go with the command.
        drop(command);
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, seen: Vec::new() }
    }

    /// The next line that holds these words.
    fn until(&mut self, words: &str) -> String {
        let deadline = Instant::now() + LONG;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(words) {
                        return line;
                    }
                }
                Err(_) => panic!("no line with `{words}`:\n{}", self.seen.join("\n")),
            }
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(status.success(), "kill -s {name}");
    }

    /// Interrupts it, as Ctrl-C would, and gives its exit code.
    fn interrupt(self) -> Option<i32> {
        self.signal("INT");
        self.end().0
    }

    /// Waits for its end, and gives its exit code and all of its lines.
    fn end(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + LONG;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("waitable") {
                break status;
            }
            assert!(Instant::now() < deadline, "it goes on");
            std::thread::sleep(Duration::from_millis(10));
        };
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(500)) {
            self.seen.push(line);
        }
        (status.code(), self.seen.join("\n"))
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Whether a process still computes.
fn is_running(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.contains(") Z "))
}

/// Waits until a process is gone.
fn gone(pid: &str) {
    let deadline = Instant::now() + crate::rig::PATIENCE;
    while is_running(pid) {
        assert!(Instant::now() < deadline, "{pid} goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a file is there, and gives its text.
fn appears(path: &Path) -> String {
    let deadline = Instant::now() + crate::rig::PATIENCE;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') {
            return text;
        }
        assert!(Instant::now() < deadline, "no {}", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What `cargo xtask guests --foreign` installed, if it did on this machine.
fn installed(name: &str) -> Option<PathBuf> {
    let path = repository().join("target/guests").join(name);
    path.exists().then_some(path)
}
