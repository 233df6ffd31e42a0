//! Bare processes that talk to a conversation: real interpreters, without a jail.

use super::rig::{LONG, Rig, with};
use crate::contract::lambda::Facts;
use crate::loader::{Assigned, NODE, PYTHON, REHEARSE};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

/// A function's process, its package, and the conversation with it.
pub(super) struct Running {
    pub(super) rig: Rig,
    pub(super) child: Child,
    /// Held, so that the package stays.
    _package: TempDir,
}

/// What a process is started from.
pub(super) struct Package {
    directory: TempDir,
    environment: Vec<(String, String)>,
    parallel: usize,
    extensions: Vec<String>,
}

/// A package of these files.
pub(super) fn package(files: &[(&str, &str)]) -> Package {
    let directory = TempDir::new().expect("a directory");
    for place in ["task", "opt", "runtime"] {
        std::fs::create_dir(directory.path().join(place)).expect("a directory");
    }
    for (name, text) in [PYTHON[0], NODE[0]] {
        std::fs::write(directory.path().join("runtime").join(name), text).expect("a loader");
    }
    for (name, text) in files {
        let file = directory.path().join(name);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        std::fs::write(file, text).expect("a file");
    }
    Package { directory, environment: Vec::new(), parallel: 1, extensions: Vec::new() }
}

impl Package {
    /// With an environment variable.
    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With several invocations at a time.
    pub(super) fn parallel(mut self, parallel: usize) -> Self {
        self.parallel = parallel;
        self.variable("AWS_LAMBDA_MAX_CONCURRENCY", &parallel.to_string())
    }

    /// With extensions that it waits for.
    pub(super) fn expecting(mut self, names: &[&str]) -> Self {
        self.extensions = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Puts what is in a directory beside the function's files.
    pub(super) fn bring(self, directory: &Path, to: &str) -> Self {
        let entries = std::fs::read_dir(directory);
        let entries = entries.unwrap_or_else(|_| {
            panic!("{} is missing: run `cargo xtask test`", directory.display())
        });
        let to = self.path().join(to);
        std::fs::create_dir_all(&to).expect("a directory");
        for entry in entries.map(|entry| entry.expect("an entry")) {
            let link = to.join(entry.file_name());
            std::os::unix::fs::symlink(entry.path(), link).expect("a link");
        }
        self
    }

    /// Starts our loader with this interpreter, and assigns the function to it.
    pub(super) async fn load(self, interpreter: &str, handler: &str) -> Running {
        let (name, _) = if interpreter.contains("node") { NODE[0] } else { PYTHON[0] };
        let rig = self.rig().await;
        let mut command = Command::new(interpreter);
        // As those that wait in the pool are started.
        command.arg(self.path().join("runtime").join(name)).arg(REHEARSE);
        command.env_clear().stdin(Stdio::piped());
        let mut child = start(&mut command);
        let environment = self.variables(&rig);
        let layers = self.path().join("opt");
        let mut assigned = Assigned::new(&environment, handler);
        assigned.layers = layers.to_str().expect("a path");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(&assigned.line()).await.expect("it is read");
        Running { rig, child, _package: self.directory }
    }

    async fn rig(&self) -> Rig {
        let (parallel, extensions) = (self.parallel, self.extensions.clone());
        with(|facts: &mut Facts| (facts.parallel, facts.extensions) = (parallel, extensions)).await
    }

    fn variables(&self, rig: &Rig) -> Vec<(String, String)> {
        let task = self.path().join("task").to_str().expect("a path").to_owned();
        let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut all = vec![
            text("AWS_LAMBDA_RUNTIME_API", &rig.address.to_string()),
            text("AWS_LAMBDA_FUNCTION_NAME", "shop"),
            text("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            text("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            text("PATH", "/usr/local/bin:/usr/bin:/bin"),
            text("LAMBDA_TASK_ROOT", &task),
        ];
        all.extend(self.environment.iter().cloned());
        all
    }
}

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
        .spawn()
        .unwrap_or_else(|why| panic!("{:?}: {why}: run `cargo xtask test`", command.as_std()))
}

impl Running {
    /// Ends it, and says what it printed.
    pub(super) async fn printed(mut self) -> String {
        let _ended = self.child.start_kill();
        // Extensions have the same pipes, and end when nobody answers them.
        drop(self.rig);
        let (mut out, mut errors) = (String::new(), String::new());
        let mut stdout = self.child.stdout.take().expect("a pipe");
        let mut stderr = self.child.stderr.take().expect("a pipe");
        let read = async {
            tokio::try_join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut errors))
        };
        tokio::time::timeout(LONG, read).await.expect("they end").expect("texts");
        out + &errors
    }
}

/// A place below `target/tools`.
pub(super) fn tools(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools").join(below)
}
