//! Salts of subjects in a file: that they outlive the process, and that erased ones leave nothing.

use anyhow::Result;
use casemate_store_sqlite::{Salts, salts};
use model::data::Fate;
use model::{DataClass, Scope, SubjectHash, Timestamp};
use ports::Salts as _;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

fn open(home: &Path, root: u8) -> Salts {
    let ring = keys::FileRing::from_root([root; 32]).expect("a ring");
    Salts::open(home, Arc::new(ring)).expect("open")
}

fn email() -> DataClass {
    DataClass::parse("email").expect("a class")
}

/// Subjects in no order, so that pages of the file are split and joined.
fn subjects(many: u16) -> Vec<SubjectHash> {
    let hash = |at: u16| {
        let mixed = u64::from(at).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        SubjectHash(std::array::from_fn(|byte| mixed[byte % 8] ^ (byte / 8) as u8))
    };
    (0..many).map(hash).collect()
}

/// What lies in the file and beside it.
fn bytes(home: &TempDir) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(home.path()).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            all.extend(std::fs::read(path).expect("a file"));
        }
    }
    all
}

#[tokio::test]
async fn conforms() -> Result<()> {
    let home = tempfile::tempdir()?;
    testkit::salts::conforms(&open(home.path(), 7)).await?;
    testkit::salts::conforms(&ports::memory::Salts::default()).await
}

#[tokio::test]
async fn salts_outlive_the_process_and_open_with_their_root_only() {
    let home = tempfile::tempdir().expect("home");
    let (scope, email, all) = (Scope::default(), email(), subjects(3));
    let made = open(home.path(), 7).of(&scope, &email, all.clone()).await.expect("made");
    let again = open(home.path(), 7).of(&scope, &email, all.clone()).await.expect("read");
    for (made, again) in made.iter().zip(&again) {
        assert_eq!((made.id, made.secret.expose()), (again.id, again.secret.expose()));
    }
    assert!(open(home.path(), 8).of(&scope, &email, all.clone()).await.is_err());
    // A row that is moved to another subject does not open.
    drop(open(home.path(), 7));
    let file = Connection::open(home.path().join(salts::FILE)).expect("the file");
    let moved = "UPDATE salt SET sealed = (SELECT sealed FROM salt WHERE subject = ?1)
                 WHERE subject = ?2";
    file.execute(moved, (all[0].0, all[1].0)).expect("moved");
    let moved = open(home.path(), 7).of(&scope, &email, vec![all[1]]).await;
    assert_eq!(moved.expect_err("another's").code, model::Code::StoreCorrupt);
}

#[tokio::test]
async fn nothing_of_an_erased_salt_is_left_in_the_file() {
    let home = tempfile::tempdir().expect("home");
    let (scope, email, all) = (Scope::default(), email(), subjects(3000));
    let store = open(home.path(), 7);
    for some in all.chunks(100) {
        store.of(&scope, &email, some.to_vec()).await.expect("made");
    }
    let sealed: Vec<(Vec<u8>, Vec<u8>)> = {
        let file = Connection::open(home.path().join(salts::FILE)).expect("the file");
        let mut rows = file.prepare("SELECT subject, sealed FROM salt").expect("a query");
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.collect::<Result<_, _>>().expect("rows")
    };
    assert_eq!(sealed.len(), all.len());
    let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|it| it == part);
    let mut erased = Vec::new();
    for subject in all.iter().step_by(97) {
        assert!(store.erase(&scope, &email, *subject, Timestamp(1)).await.expect("erased"));
        let own = sealed.iter().find(|(hash, _)| hash == &subject.0).expect("its row");
        erased.push(own.clone());
    }
    let left = bytes(&home);
    for (subject, sealed) in &erased {
        assert!(!holds(&left, sealed), "a sealed salt is left");
        assert!(!holds(&left, subject), "the hash of an erased subject is left");
    }
    let other = all.get(1).expect("another");
    assert!(store.has(&scope, &email, *other).await.expect("read"));
}

#[tokio::test]
async fn a_copy_from_before_has_what_was_erased_since_and_the_file_does_not() {
    let home = tempfile::tempdir().expect("home");
    let (scope, email, all) = (Scope::default(), email(), subjects(1));
    let store = open(home.path(), 7);
    let made = store.of(&scope, &email, all.clone()).await.expect("made");
    let elsewhere = tempfile::tempdir().expect("a place");
    store.copy(&elsewhere.path().join(salts::FILE)).expect("copied");
    assert!(store.erase(&scope, &email, all[0], Timestamp(1)).await.expect("erased"));
    let ids = vec![made[0].id];
    let here = store.find(&scope, &email, ids.clone()).await.expect("read");
    assert!(matches!(here.as_slice(), [Fate::Erased]));
    let there = open(elsewhere.path(), 7).find(&scope, &email, ids).await.expect("read");
    assert!(matches!(there.as_slice(), [Fate::Kept(_)]), "a copy of the salts is a way back");
}
