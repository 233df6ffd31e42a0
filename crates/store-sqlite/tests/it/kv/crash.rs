//! The process dies while it writes.

use super::rig::{Home, Kept, open_at};
use anyhow::{Context, Result, ensure};
use ports::KeyValue;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use testkit::keyvalue::{set, store, value, write};

/// Names the home to a child that only writes.
const HOME: &str = "CASEMATE_TEST_KV_HOME";

/// Writers of the child.
const WRITERS: usize = 8;

/// What the child of the test below does: each writer writes pairs and says which are durable.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("runtime");
    let stores = Arc::new(open_at(Path::new(&home), Arc::<Kept>::default()));
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for writer in 0..WRITERS {
            let stores = Arc::clone(&stores);
            tasks.push(tokio::spawn(async move {
                for number in 0_u64.. {
                    let text = number.to_string();
                    let one = set(&format!("{writer}/one"), text.as_bytes());
                    let two = set(&format!("{writer}/two"), text.as_bytes());
                    write(&*stores, &store("carts"), &[one, two]).await.expect("write");
                    let mut out = std::io::stdout().lock();
                    // The parent may be gone already.
                    let _ = writeln!(out, "durable {writer} {number}").and_then(|()| out.flush());
                }
            }));
        }
        for task in tasks {
            task.await.expect("writer");
        }
    });
}

fn start(home: &Path) -> Result<Child> {
    #[expect(clippy::disallowed_methods, reason = "the child of a test, which is itself")]
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", "kv::crash::child_that_writes_until_it_is_killed", "--nocapture"])
        .env(HOME, home)
        .stdout(Stdio::piped());
    Ok(command.spawn()?)
}

/// Kills a child after it wrote `lines` times. Gives what each writer said last.
fn kill_after(home: &Path, lines: usize) -> Result<[Option<u64>; WRITERS]> {
    let mut child = start(home)?;
    let mut said = [None; WRITERS];
    let mut out = BufReader::new(child.stdout.take().context("stdout")?).lines();
    let mut note = |line: &str| {
        // The harness writes to the same place, without a line's end before the first of ours.
        let Some((_, rest)) = line.split_once("durable ") else { return false };
        let Some((writer, number)) = rest.split_once(' ') else { return false };
        if let (Ok(writer), Ok(number)) = (writer.parse::<usize>(), number.parse()) {
            said[writer] = Some(number);
        }
        true
    };
    let mut seen = 0;
    while seen < lines {
        let line = out.next().context("the child ended early")??;
        seen += usize::from(note(&line));
    }
    child.kill()?;
    // What it had said before it died was durable, too; a line may be cut.
    for line in out.map_while(Result::ok) {
        note(&line);
    }
    child.wait()?;
    Ok(said)
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill_and_nothing_is_half() -> Result<()> {
    let home = Home::new();
    for lines in [1, 37, 200, 500] {
        let said = kill_after(home.path(), lines)?;
        let stores = home.open_unanchored();
        for (writer, said) in said.iter().enumerate() {
            let mut both = Vec::new();
            for key in [format!("{writer}/one"), format!("{writer}/two")] {
                let text = value(&stores, &store("carts"), &key).await?;
                let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
                both.push(text.map(|text| text.parse::<u64>()).transpose()?);
            }
            ensure!(both[0] == both[1], "writer {writer} wrote half: {both:?}");
            ensure!(both[0] >= *said, "writer {writer} said {said:?} and left {both:?}");
        }
        ensure!(stores.verify(&store("carts").scope.tenant).await?.is_empty());
        ensure!(stores.size(&store("carts")).await?.keys >= 2);
    }
    Ok(())
}
