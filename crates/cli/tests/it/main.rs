//! The real binary against a small fake of the admin API: what people and programs see.
//!
//! Each test runs whole commands and compares all of their output.
#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod calls;
mod deploying;
mod failures;
mod fake;
mod ledger;
mod listing;
mod operating;
mod streams;

use fake::Fake;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A command that is about to run.
struct Run {
    command: Command,
    input: Option<Vec<u8>>,
}

/// What came of it.
struct Seen {
    code: i32,
    out: String,
    err: String,
}

/// The binary with an environment of its own: nothing of the machine's gets in.
fn casemate(arguments: &[&str]) -> Run {
    #[expect(clippy::disallowed_methods, reason = "the test starts the binary that it is about")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_casemate"));
    command.args(arguments).env_clear().env("TERM", "xterm");
    Run { command, input: None }
}

impl Run {
    fn with(mut self, fake: &Fake) -> Self {
        self.command.env("CASEMATE_URL", fake.url()).env("CASEMATE_TOKEN", fake::OPERATOR);
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    fn within(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    fn input(mut self, bytes: &[u8]) -> Self {
        self.input = Some(bytes.to_vec());
        self
    }

    fn raw(mut self) -> Output {
        let stdin = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        let spawned =
            self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.expect("the binary starts");
        if let (Some(bytes), Some(mut stdin)) = (self.input, child.stdin.take()) {
            stdin.write_all(&bytes).expect("the command reads its input");
        }
        child.wait_with_output().expect("the command ends")
    }

    fn seen(self) -> Seen {
        let output = self.raw();
        Seen {
            code: output.status.code().expect("no signal"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// All that is seen, in one text, with what changes from run to run replaced.
    fn shown(self, fake: &Fake) -> String {
        let Seen { code, out, err } = self.seen();
        let text = format!("exit {code}\n--- out\n{out}--- err\n{err}");
        let text = text.replace(&fake.url(), "http://ADMIN");
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}

/// A directory with these files.
fn directory(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, bytes) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, bytes).expect("a file");
    }
    directory
}
