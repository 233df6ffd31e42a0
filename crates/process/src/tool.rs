//! A developer's own tool, such as a build command: started for somebody at a terminal, with
//! their rights and their environment.
//!
//! Nothing confines it, as nothing confines what `cargo` or `npm` run; only the command line uses
//! this, never a node. What is promised instead is that all of it ends: a tool has a process group
//! of its own, and the whole group is ended when the tool is, when time is up, or when the
//! developer says so. A program that leaves the group on purpose gets away.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};

/// How long a tool that was told to end may take before it is killed.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long output is awaited after the end of the tool: somebody who left the group may still
/// hold the pipe.
const REST: Duration = Duration::from_millis(500);

/// A command line for `/bin/sh`, and where it runs.
#[derive(Debug, Clone)]
pub struct Tool {
    /// The command line.
    pub line: String,
    /// The working directory.
    pub directory: PathBuf,
    /// Variables that are set besides the inherited ones.
    pub variables: Vec<(String, String)>,
    /// How long it may take.
    pub wall: Duration,
}

/// How a tool ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolEnd {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// It was ended because its time was up.
    TimedOut,
    /// It was ended because the developer said so.
    Stopped,
}

impl Tool {
    /// Runs the tool to its end. What it writes, to standard output and standard error alike, goes
    /// to `said` in its order; its standard input is closed.
    ///
    /// # Errors
    /// The shell cannot be started, or the directory is not there.
    pub async fn run(
        self,
        stop: impl Future<Output = ()>,
        mut said: impl FnMut(&[u8]),
    ) -> std::io::Result<ToolEnd> {
        let (reader, writer) = std::io::pipe()?;
        let mut output = Receiver::from_owned_fd(OwnedFd::from(reader))?;
        let mut child = self.command(writer)?.spawn()?;
        // Its number names the group, also when the child itself is gone.
        let group = child.id().and_then(|id| i32::try_from(id).ok());
        let group = Group(group.and_then(rustix::process::Pid::from_raw));
        let mut buffer = vec![0; 16 << 10];
        let time = tokio::time::sleep(self.wall);
        tokio::pin!(stop, time);
        let mut open = true;
        let end = loop {
            tokio::select! {
                read = output.read(&mut buffer), if open => match read {
                    Ok(0) | Err(_) => open = false,
                    Ok(count) => said(buffer.get(..count).unwrap_or_default()),
                },
                status = child.wait() => break ended(status?),
                () = &mut time => break group.end(&mut child, ToolEnd::TimedOut).await,
                () = &mut stop => break group.end(&mut child, ToolEnd::Stopped).await,
            }
        };
        // What it left running in its group ends with it.
        group.signal(rustix::process::Signal::KILL);
        let rest = async {
            while let Ok(count @ 1..) = output.read(&mut buffer).await {
                said(buffer.get(..count).unwrap_or_default());
            }
        };
        if open {
            let _whole_or_not = tokio::time::timeout(REST, rest).await;
        }
        Ok(end)
    }

    #[expect(clippy::disallowed_methods, reason = "this crate is the one that starts programs")]
    fn command(&self, output: std::io::PipeWriter) -> std::io::Result<Command> {
        let mut command = std::process::Command::new("/bin/sh");
        command
            .args(["-c", &self.line])
            .current_dir(&self.directory)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::from(output.try_clone()?))
            .stderr(Stdio::from(output));
        let mut command = Command::from(command);
        command.process_group(0).kill_on_drop(true);
        Ok(command)
    }
}

/// The process group of a tool. It is killed when this is dropped, whatever happened to whoever
/// waited for the tool.
struct Group(Option<rustix::process::Pid>);

impl Group {
    fn signal(&self, signal: rustix::process::Signal) {
        // An empty group is what is wanted.
        let _gone = self.0.map(|group| rustix::process::kill_process_group(group, signal));
    }

    /// Asks the group to end, as Ctrl-C would, and kills what is left of it.
    async fn end(&self, child: &mut Child, how: ToolEnd) -> ToolEnd {
        self.signal(rustix::process::Signal::INT);
        self.signal(rustix::process::Signal::TERM);
        let _ended_or_not = tokio::time::timeout(PATIENCE, child.wait()).await;
        self.signal(rustix::process::Signal::KILL);
        let _reaped = child.wait().await;
        how
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::KILL);
    }
}

fn ended(status: ExitStatus) -> ToolEnd {
    match (status.code(), status.signal()) {
        (Some(code), _) => ToolEnd::Exited(code),
        (None, Some(signal)) => ToolEnd::Signalled(signal),
        (None, None) => ToolEnd::Exited(-1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(line: &str, wall: Duration, stop: impl Future<Output = ()>) -> (ToolEnd, String) {
        let directory = PathBuf::from("/");
        let variables = vec![("GIVEN".to_owned(), "here".to_owned())];
        let tool = Tool { line: line.to_owned(), directory, variables, wall };
        let mut text = Vec::new();
        let end = tool.run(stop, |bytes| text.extend_from_slice(bytes)).await.expect("a shell");
        (end, String::from_utf8_lossy(&text).into_owned())
    }

    const LONG: Duration = Duration::from_secs(60);

    fn never() -> impl Future<Output = ()> {
        std::future::pending()
    }

    #[tokio::test]
    async fn gives_back_what_was_said_in_order_and_how_it_ended() {
        let (end, text) = run("echo one; echo two >&2; echo $GIVEN; exit 3", LONG, never()).await;
        assert_eq!((end, text.as_str()), (ToolEnd::Exited(3), "one\ntwo\nhere\n"));
        assert_eq!(run("kill -9 $$", LONG, never()).await.0, ToolEnd::Signalled(9));
        assert_eq!(run("cat", LONG, never()).await.0, ToolEnd::Exited(0), "no input to wait for");
    }

    #[tokio::test]
    async fn the_whole_group_ends_when_time_is_up_even_if_it_does_not_want_to() {
        let stubborn = "trap '' INT TERM; (trap '' INT TERM; echo $$ go; sleep 600) & wait";
        let (end, text) = run(stubborn, Duration::from_millis(300), never()).await;
        assert_eq!(end, ToolEnd::TimedOut);
        assert!(text.ends_with("go\n"), "{text}");
    }

    #[tokio::test]
    async fn what_a_tool_leaves_behind_ends_with_it_and_holds_nobody_up() {
        let (end, text) = run("(sleep 600) & echo $!", LONG, never()).await;
        assert_eq!(end, ToolEnd::Exited(0));
        let pid = text.trim().parse().ok().and_then(rustix::process::Pid::from_raw).expect(&text);
        for _ in 0..1000 {
            // Whoever adopts it reaps it in its own time; a zombie runs no more.
            let state = std::fs::read_to_string(format!("/proc/{}/stat", text.trim()));
            if rustix::process::test_kill_process(pid).is_err()
                || state.is_ok_and(|state| state.contains(") Z "))
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{pid:?} goes on");
    }

    #[tokio::test]
    async fn ends_when_the_developer_says_so() {
        let stop = tokio::time::sleep(Duration::from_millis(100));
        let (end, _) = run("trap 'echo bye; exit 0' INT; sleep 600 & wait", LONG, stop).await;
        assert_eq!(end, ToolEnd::Stopped);
    }
}
