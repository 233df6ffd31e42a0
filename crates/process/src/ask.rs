//! What a program of this machine says of itself, such as its version.
//!
//! It is started with nothing: no environment, no input, no directory but the root. Who calls this
//! says a program that the machine's owner put there.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

/// Most bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 4 << 10;

/// Runs a program with one argument, and gives the beginning of what it writes, to standard output
/// or, if that is nothing, to standard error.
///
/// # Errors
/// It cannot be started, or does not end within `wall`; then it is killed.
pub async fn ask(program: &Path, argument: &str, wall: Duration) -> std::io::Result<String> {
    let mut child = command(program, argument).spawn()?;
    let (mut said, mut complained) = (Vec::new(), Vec::new());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let all = async {
        if let Some(stdout) = stdout {
            stdout.take(ANSWER_BYTES_MAX).read_to_end(&mut said).await?;
        }
        if let Some(stderr) = stderr {
            stderr.take(ANSWER_BYTES_MAX).read_to_end(&mut complained).await?;
        }
        child.wait().await
    };
    // Dropped, the child is killed.
    tokio::time::timeout(wall, all).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
    let text = if said.is_empty() { complained } else { said };
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[expect(clippy::disallowed_methods, reason = "this crate is the one that starts programs")]
fn command(program: &Path, argument: &str) -> Command {
    let mut command = std::process::Command::new(program);
    command
        .arg(argument)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut command = Command::from(command);
    command.process_group(0).kill_on_drop(true);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn says_what_the_program_says_and_is_given_nothing() {
        let said = ask(Path::new("/bin/echo"), "hello", LONG).await.expect("started");
        assert_eq!(said, "hello\n");
        let said = ask(Path::new("/usr/bin/env"), "--", LONG).await.expect("started");
        assert_eq!(said, "", "an environment");
        assert!(ask(Path::new("/nothing"), "-v", LONG).await.is_err());
    }

    #[tokio::test]
    async fn a_program_that_does_not_end_is_killed() {
        let waited = ask(Path::new("/bin/sleep"), "600", Duration::from_millis(100)).await;
        assert_eq!(waited.expect_err("killed").kind(), std::io::ErrorKind::TimedOut);
    }
}
