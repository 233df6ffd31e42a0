//! Children that stay: started with one socket, confined before they use it.

use crate::child::{code, say};
use crate::confine::{Layers, confine_guests};
use crate::orders::Strictness;
use crate::parent::{ChildProcesses, message};
use ports::Future;
use ports::child::{Companion, Companions, Living};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::pin::Pin;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// The whole of a hidden subcommand that stays: makes what it needs with `prepare`, confines this
/// process, and serves the socket that it was given. Returns the exit code.
///
/// `prepare` is told the settings of the command line, and is done before the socket is looked at.
/// Call it first thing in `main`, before any thread is started.
pub fn run_companion<T>(
    arguments: impl IntoIterator<Item = OsString>,
    prepare: impl FnOnce(&str) -> Result<T, String>,
    serve: impl FnOnce(T, OwnedFd, &Layers) -> io::Result<()>,
) -> u8 {
    let texts: Vec<String> =
        arguments.into_iter().filter_map(|text| text.into_string().ok()).collect();
    let [strictness, parent, settings] = texts.as_slice() else {
        return say(code::UNCONFINED, "this is a hidden subcommand: it was called without orders");
    };
    let (Some(strictness), Ok(parent)) = (Strictness::from_word(strictness), parent.parse()) else {
        return say(code::UNCONFINED, "these are no orders");
    };
    let (prepared, layers) = match confine_guests(strictness, parent, || prepare(settings)) {
        Ok(confined) => confined,
        Err(error) => return say(code::UNCONFINED, &error.to_string()),
    };
    let served = match (prepared, io::stdin().as_fd().try_clone_to_owned()) {
        (Ok(prepared), Ok(socket)) => serve(prepared, socket, &layers),
        (Err(reason), _) => Err(io::Error::other(reason)),
        (_, Err(error)) => Err(error),
    };
    match served {
        Ok(()) => 0,
        Err(error) => say(code::REFUSED, &error.to_string()),
    }
}

impl Companions for ChildProcesses {
    #[expect(clippy::disallowed_methods, reason = "this crate is the one that starts programs")]
    fn start(&self, companion: Companion) -> io::Result<Box<dyn Living>> {
        let mut command = std::process::Command::new(&self.executable);
        command
            .arg(format!("__{}", companion.name))
            .args([self.strictness.word(), &std::process::id().to_string(), &companion.settings])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(companion.socket))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut command = Command::from(command);
        command.process_group(0).kill_on_drop(true);
        Ok(Box::new(Started(Box::pin(end(command.spawn()?)))))
    }
}

/// A child that was started: how it will have ended. The child is in there, so dropping it kills
/// the child.
struct Started(Pin<Box<dyn std::future::Future<Output = String> + Send>>);

impl Living for Started {
    fn ended(&mut self) -> Future<'_, String> {
        Box::pin(self.0.as_mut())
    }
}

async fn end(mut child: Child) -> String {
    let said = message(child.stderr.take()).await;
    let status = match child.wait().await {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    if said.is_empty() { status } else { format!("{status}: {said}") }
}
