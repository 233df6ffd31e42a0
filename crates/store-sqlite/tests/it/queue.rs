//! The queue in its file: conformance, crashes, damage.

use anyhow::Result;
use casemate_store_sqlite::queue::FILE;
use casemate_store_sqlite::{Error, Queue};
use model::{Code, InvocationId, Problem, Scope};
use ports::Queue as _;
use ports::queue::{ListQuery, Message, Settled, State};
use proptest::prelude::*;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use testkit::queue::{PlainRing, WIDE, conforms, histories, holds, id, message, want};

/// Says to this test binary that it is the process that is killed, and where its home is.
const CHILD: &str = "CASEMATE_TEST_QUEUE_HOME";

fn open(home: &Path) -> Queue {
    Queue::open(home, Arc::new(PlainRing::default())).expect("open")
}

fn all() -> ListQuery {
    ListQuery { limit: 1_000_000, ..ListQuery::default() }
}

#[tokio::test]
async fn conforms_to_the_port() -> Result<()> {
    let home = tempfile::tempdir()?;
    conforms(&open(home.path())).await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn loses_nothing_and_gives_nothing_twice(history in histories(50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let home = tempfile::tempdir().expect("home");
        let done = runtime.block_on(async {
            let queue = open(home.path());
            holds(&queue, &history).await
        });
        prop_assert!(done.is_ok(), "{done:?}");
    }
}

#[tokio::test]
async fn what_was_leased_before_a_restart_is_given_at_once_and_the_attempt_counts() {
    let home = tempfile::tempdir().expect("home");
    let queue = open(home.path());
    queue.put(message(1, "f", b"one"), WIDE).await.expect("put");
    let before = queue.lease(want(10, 1)).await.expect("lease").items;
    drop(queue);
    let queue = open(home.path());
    let after = queue.lease(want(11, 1)).await.expect("lease").items;
    assert_eq!((before[0].attempt, after[0].attempt), (1, 2));
    assert!(!queue.settle(before[0].claim, Settled::Done).await.expect("settle"), "an old lease");
    assert!(queue.settle(after[0].claim, Settled::Done).await.expect("settle"));
}

#[tokio::test]
async fn a_backlog_of_one_key_costs_a_lease_nothing_and_keeps_its_order_over_restarts() {
    let home = tempfile::tempdir().expect("home");
    let ordered = |number| Message { order: Some([1; 16]), ..message(number, "f", b"x") };
    let mut queue = open(home.path());
    for number in 0..200 {
        queue.put(ordered(number), WIDE).await.expect("put");
    }
    queue.put(message(300, "f", b"x"), WIDE).await.expect("put");
    for round in 0..200 {
        let given = queue.lease(want(1_000_000 + round * 10_000, 9)).await.expect("lease").items;
        let mut ids: Vec<_> = given.iter().map(|it| it.claim.id).collect();
        ids.sort();
        let number = u32::try_from(round).expect("small");
        let expect = if round == 0 { vec![id(0), id(300)] } else { vec![id(number)] };
        assert_eq!(ids, expect);
        if round % 50 == 49 {
            // The lease ends with the process, and nobody overtakes what it was of.
            drop(queue);
            queue = open(home.path());
            let again = queue.lease(want(1_000_000 + round * 10_000, 9)).await.expect("lease");
            assert_eq!(again.items.iter().map(|it| it.claim.id).collect::<Vec<_>>(), [id(number)]);
            assert!(queue.settle(again.items[0].claim, Settled::Done).await.expect("settle"));
            continue;
        }
        for leased in given {
            assert!(queue.settle(leased.claim, Settled::Done).await.expect("settle"));
        }
    }
    assert!(queue.list(all()).await.expect("list").is_empty());
}

#[tokio::test]
async fn nothing_of_a_payload_stands_in_the_file() {
    let home = tempfile::tempdir().expect("home");
    let queue = open(home.path());
    queue.put(message(1, "f", b"card 4111-1111"), WIDE).await.expect("put");
    for name in [FILE.to_owned(), format!("{FILE}-wal")] {
        let bytes = std::fs::read(home.path().join(name)).expect("bytes");
        assert!(!bytes.windows(9).any(|it| it == b"4111-1111"));
    }
}

#[tokio::test]
async fn a_payload_that_was_moved_is_a_dead_letter_and_the_others_are_given() {
    let home = tempfile::tempdir().expect("home");
    let queue = open(home.path());
    for (number, name) in [(1, "f"), (2, "f"), (3, "g")] {
        queue.put(message(number, name, b"x"), WIDE).await.expect("put");
    }
    drop(queue);
    let connection = rusqlite::Connection::open(home.path().join(FILE)).expect("open");
    let swap = "UPDATE message SET payload = (SELECT payload FROM message WHERE seq = 2)
                WHERE seq = 1";
    connection.execute_batch(swap).expect("swap");
    drop(connection);
    let queue = open(home.path());
    let given = queue.lease(want(10, 9)).await.expect("lease").items;
    let mut ids: Vec<_> = given.iter().map(|it| it.claim.id).collect();
    ids.sort();
    assert_eq!(ids, [2, 3].map(id));
    let dead = queue.find(&Scope::default(), id(1)).await.expect("find").expect("kept");
    assert_eq!(dead.state, State::Dead);
    assert!(dead.error.is_some_and(|why| why.starts_with("E0527")));
}

#[tokio::test]
async fn a_copy_opens_as_a_queue_and_holds_what_was_there() {
    let (home, other) = (tempfile::tempdir().expect("home"), tempfile::tempdir().expect("home"));
    let queue = open(home.path());
    queue.put(message(1, "f", b"one"), WIDE).await.expect("put");
    queue.backup(other.path().join(FILE)).await.expect("backup");
    queue.put(message(2, "f", b"two"), WIDE).await.expect("the node goes on");
    let copied = open(other.path());
    assert_eq!(copied.list(all()).await.expect("list").len(), 1);
    let leased = copied.lease(want(10, 9)).await.expect("lease").items;
    assert_eq!(leased[0].payload, b"one"[..]);
    assert!(queue.backup(other.path().join(FILE)).await.is_err(), "overwrites nothing");
}

#[test]
fn a_file_that_is_no_queue_or_a_newer_one_is_refused_and_left_alone() {
    let home = tempfile::tempdir().expect("home");
    let file = home.path().join(FILE);
    std::fs::write(&file, "not a database, by far".repeat(100)).expect("write");
    let refused = |home: &Path| {
        Queue::open(home, Arc::new(PlainRing::default())).err().expect("must be refused")
    };
    assert!(matches!(refused(home.path()), Error::Corrupt { .. }));

    let newer = tempfile::tempdir().expect("home");
    drop(open(newer.path()));
    let file = newer.path().join(FILE);
    let connection = rusqlite::Connection::open(&file).expect("open");
    connection.pragma_update(None, "user_version", 99).expect("newer");
    drop(connection);
    let before = std::fs::read(&file).expect("bytes");
    assert_eq!(Problem::from(refused(newer.path())).code, Code::SchemaNewer);
    assert_eq!(std::fs::read(&file).expect("bytes"), before);
}

/// Puts messages and settles some, and says what was acknowledged, until it is killed. Does
/// nothing unless it is told where its home is.
#[test]
#[expect(clippy::disallowed_methods, reason = "it is a program of its own")]
fn child_that_is_killed() {
    let Ok(home) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("runtime");
    let queue = Arc::new(open(Path::new(&home)));
    runtime.block_on(async {
        let workers = (0..8u32).map(|worker| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move {
                for round in 0..u32::MAX / 16 {
                    let number = round * 8 + worker;
                    queue.put(message(number, "f", b"payload"), WIDE).await.expect("put");
                    println!("put {number}");
                    if round % 3 == 0 {
                        let leased = queue.lease(want(i64::from(u32::MAX), 1)).await;
                        for leased in leased.expect("lease").items {
                            queue.settle(leased.claim, Settled::Done).await.expect("settle");
                            println!("done {}", leased.claim.id);
                        }
                    }
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.expect("a worker");
        }
    });
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "it starts itself to be killed")]
async fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let home = tempfile::tempdir().expect("home");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["queue::child_that_is_killed", "--exact", "--nocapture"])
        .env(CHILD, home.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("itself");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let (mut put, mut done) = (Vec::new(), Vec::new());
    for line in lines {
        let line = line.expect("a line");
        // The test runner says something before, and the last line may be cut.
        match line.rsplit_once(' ') {
            Some((before, number)) if before.ends_with("put") => {
                put.extend(number.parse::<u32>().map(id));
            }
            Some((before, id)) if before.ends_with("done") => {
                done.extend(id.parse::<InvocationId>())
            }
            _ => {}
        }
        if put.len() == 400 {
            child.kill().expect("SIGKILL");
        }
    }
    child.wait().expect("it is gone");
    assert!(put.len() >= 400 && done.len() > 20, "{} put, {} done", put.len(), done.len());
    let queue = open(home.path());
    let there: Vec<_> = queue.list(all()).await.expect("list").iter().map(|it| it.id).collect();
    // What was settled and not yet said is gone too: at most one message of each worker.
    let gone = put.iter().filter(|id| !there.contains(id) && !done.contains(id)).count();
    assert!(gone <= 8, "{gone} were acknowledged and are neither there nor done");
    assert!(done.iter().all(|id| !there.contains(id)), "what was done is back");
}
