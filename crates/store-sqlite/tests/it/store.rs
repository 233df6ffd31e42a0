//! The registry in its file.

use anyhow::Result;
use casemate_store_sqlite::{Error, Store};
use model::act::Act;
use model::{Code, Digest, Problem, Timestamp};
use ports::Future;
use ports::idempotency::{Idempotency, Kept};
use ports::ledger::{Ledger, Notary};
use ports::registry::{By, Registry, ScopeState};
use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use testkit::registry::{PlainNotary, deploy, operator, spec};

fn notary() -> Arc<dyn Notary> {
    Arc::new(PlainNotary)
}

fn open(home: &TempDir) -> Store {
    Store::open(home.path(), notary()).expect("open")
}

fn refused(home: &TempDir) -> Error {
    Store::open(home.path(), notary()).err().expect("must be refused")
}

fn alpha(component: &str) -> Act {
    deploy("shop", &[spec("alpha", component, &["GET /alpha"])])
}

#[tokio::test]
async fn conforms() -> Result<()> {
    let mut homes = Vec::new();
    testkit::registry::conforms(|| {
        let home = tempfile::tempdir().expect("home");
        let store = open(&home);
        homes.push(home);
        store
    })
    .await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn does_the_same_as_the_memory_version(history in testkit::registry::histories(25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let home = tempfile::tempdir().expect("home");
        let (store, memory) = (open(&home), testkit::registry::memory());
        let done = runtime.block_on(testkit::registry::same(&store, &memory, &history));
        prop_assert!(done.is_ok(), "{done:?}");
        // And what was written is what a new process finds.
        drop(store);
        let store = open(&home);
        let (one, two) = runtime.block_on(async { (store.load().await, memory.load().await) });
        prop_assert_eq!(one.expect("load"), two.expect("load"));
    }
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_crash() {
    let home = tempfile::tempdir().expect("home");
    let store = open(&home);
    store.commit(alpha("one"), operator(1)).await.expect("deploy");
    let before = store.load().await.expect("load");
    // The files as they are the moment after the answer: nothing was closed or folded in.
    let crashed = tempfile::tempdir().expect("home");
    for name in ["registry.db", "registry.db-wal"] {
        std::fs::copy(home.path().join(name), crashed.path().join(name)).expect(name);
    }
    let store = open(&crashed);
    assert_eq!(store.load().await.expect("load"), before);
    assert_eq!(store.size().await.expect("size"), 1);
}

#[tokio::test]
async fn a_backup_is_one_plain_file_that_opens_as_a_home() {
    let home = tempfile::tempdir().expect("home");
    let other = tempfile::tempdir().expect("home");
    let store = open(&home);
    store.commit(alpha("one"), operator(1)).await.expect("deploy");
    let before = store.load().await.expect("load");
    let copy = other.path().join("registry.db");
    store.backup(copy.clone()).await.expect("backup");
    store.commit(alpha("two"), operator(2)).await.expect("the node goes on");

    assert_eq!(std::fs::read_dir(other.path()).expect("list").count(), 1, "one file only");
    let taken = std::fs::read(&copy).expect("copy");
    store.backup(copy.clone()).await.expect_err("a backup overwrites nothing");
    assert_eq!(std::fs::read(&copy).expect("copy"), taken);
    let restored = open(&other);
    assert_eq!(restored.load().await.expect("load"), before);
    assert_eq!(restored.size().await.expect("size"), 1);
    assert_eq!(restored.check().await.expect("check"), Vec::<String>::new());
}

#[tokio::test]
async fn a_backup_into_nowhere_fails_and_the_store_goes_on() {
    let home = tempfile::tempdir().expect("home");
    let store = open(&home);
    store.backup(PathBuf::from("/nonexistent/copy.db")).await.expect_err("no such directory");
    store.commit(alpha("one"), operator(1)).await.expect("deploy");
}

#[test]
fn a_file_that_is_no_registry_is_refused_and_left_alone() {
    let other_program = tempfile::tempdir().expect("home");
    let connection =
        rusqlite::Connection::open(other_program.path().join("registry.db")).expect("open");
    connection.execute_batch("CREATE TABLE theirs (x); PRAGMA user_version = 1;").expect("sql");
    drop(connection);
    let text = tempfile::tempdir().expect("home");
    std::fs::write(text.path().join("registry.db"), "not a database, by far".repeat(100))
        .expect("write");
    for home in [other_program, text] {
        let file = home.path().join("registry.db");
        let before = std::fs::read(&file).expect("bytes");
        let error = refused(&home);
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
        assert_eq!(Problem::from(error).code, Code::StoreCorrupt);
        assert_eq!(std::fs::read(&file).expect("bytes"), before);
    }
}

#[tokio::test]
async fn damage_inside_is_a_typed_error() {
    let home = tempfile::tempdir().expect("home");
    let store = open(&home);
    store.commit(alpha("one"), operator(1)).await.expect("deploy");
    drop(store);
    let connection = rusqlite::Connection::open(home.path().join("registry.db")).expect("open");
    connection
        .execute_batch(
            "PRAGMA foreign_keys = OFF; UPDATE function SET name = '../climb';
            UPDATE revision SET function = '../climb';",
        )
        .expect("sql");
    drop(connection);
    let error = open(&home).load().await.expect_err("a name that climbs");
    assert_eq!(Problem::from(error).code, Code::StoreCorrupt);
}

#[test]
fn an_empty_file_is_a_new_home() {
    let home = tempfile::tempdir().expect("home");
    std::fs::write(home.path().join("registry.db"), "").expect("write");
    open(&home);
    open(&home);
}

#[test]
fn a_home_that_is_missing_is_an_error() {
    let error = Store::open(std::path::Path::new("/nonexistent"), notary()).err();
    assert!(matches!(error, Some(Error::Io { .. })), "{error:?}");
}

#[tokio::test]
async fn facts_are_written_once() {
    let home = tempfile::tempdir().expect("home");
    let store = open(&home);
    assert_eq!(store.meta("origin").await.expect("meta"), None);
    assert_eq!(store.put_meta_if_absent("origin", "one").await.expect("put"), "one");
    assert_eq!(store.put_meta_if_absent("origin", "two").await.expect("put"), "one");
    drop(store);
    assert_eq!(open(&home).meta("origin").await.expect("meta").as_deref(), Some("one"));
}

#[tokio::test]
async fn answers_are_kept_for_a_day_and_the_first_one_stays() {
    const HOUR_US: i64 = 3_600_000_000;
    let home = tempfile::tempdir().expect("home");
    let store = open(&home);
    let now = Timestamp(1_700_000_000_000_000);
    let answer = |status: u16| Kept {
        request: Digest([status.to_be_bytes()[1]; 32]),
        status,
        body: b"{}".to_vec(),
    };
    assert_eq!(store.recall("a", now).await, Ok(None));
    store.keep("a", answer(200), now).await.expect("keep");
    store.keep("a", answer(500), now.plus_us(HOUR_US)).await.expect("keep");
    assert_eq!(store.recall("a", now.plus_us(23 * HOUR_US)).await, Ok(Some(answer(200))));
    assert_eq!(store.recall("a", now.plus_us(24 * HOUR_US)).await, Ok(None));
    store.keep("a", answer(201), now.plus_us(24 * HOUR_US)).await.expect("keep");
    assert_eq!(store.recall("a", now.plus_us(25 * HOUR_US)).await, Ok(Some(answer(201))));
}

#[tokio::test]
async fn acts_and_questions_may_come_all_at_once() {
    let home = tempfile::tempdir().expect("home");
    let store = open(&home);
    let mut acts = Vec::new();
    for number in 0..20 {
        let store = store.clone();
        acts.push(tokio::spawn(async move {
            let done = store.commit(alpha(&number.to_string()), operator(number)).await;
            let states: Vec<ScopeState> = store.load().await.expect("load");
            assert_eq!(states.len(), 1);
            done.expect("deploy").leaf
        }));
    }
    let mut leaves = Vec::new();
    for act in acts {
        leaves.push(act.await.expect("task"));
    }
    leaves.sort_unstable();
    assert_eq!(leaves, (0..20).collect::<Vec<u64>>());
}

#[tokio::test]
async fn an_act_whose_caller_went_away_is_done_or_not_but_never_half() {
    let home = tempfile::tempdir().expect("home");
    let store = open(&home);
    let mut act: Future<'_, _> = store.commit(alpha("one"), operator(1));
    // Polled once, so that it is queued, and dropped.
    let polled = tokio::time::timeout(std::time::Duration::ZERO, &mut act).await;
    drop(act);
    let by: By = operator(2);
    store.commit(alpha("two"), by).await.expect("the next act");
    let queued = polled.is_ok() || store.size().await.expect("size") == 2;
    let deployments = store.load().await.expect("load");
    assert_eq!(deployments[0].functions[0].deployment, if queued { 2 } else { 1 });
}

#[tokio::test]
async fn thousands_of_functions_are_one_act() {
    let home = tempfile::tempdir().expect("home");
    let store = open(&home);
    let names: Vec<(String, String)> =
        (0..2_000).map(|n| (format!("f{n}"), format!("GET /f{n}"))).collect();
    let specs: Vec<_> =
        names.iter().map(|(name, route)| spec(name, "one", &[route.as_str()])).collect();
    let done = store.commit(deploy("shop", &specs), operator(1)).await.expect("deploy");
    assert_eq!(done.changes.functions_put.len(), specs.len());
    let held = store.load().await.expect("load").remove(0).functions;
    assert_eq!(held, done.changes.functions_put);
}
