//! What can only be seen from inside: a full disk, and numbers that are never used twice.

use super::file::{File, Source};
use super::shown::Name;
use super::writer::{What, Write, Writer};
use super::{Anchors, work};
use crate::Error as StoreError;
use keys::FileRing;
use model::{Labelled, Labels, StoreName, TenantName};
use ports::keyvalue::{Ask, Change, Error, Reply};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use testkit::keyvalue::{delete, set};
use tokio::sync::oneshot;

struct NoAnchors;

impl Anchors for NoAnchors {
    fn load(&self, _: &TenantName) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }
    fn raise(&self, _: &TenantName, _: u64) -> Result<(), StoreError> {
        Ok(())
    }
}

fn source(home: &Path) -> Arc<Source> {
    Arc::new(Source {
        area: super::DIRECTORY,
        tenant: TenantName::parse("default").expect("name"),
        path: home.join("kv/default.db").into(),
        backups: home.join("backups"),
        ring: Arc::new(FileRing::from_root([7; 32]).expect("ring")),
        board: Arc::default(),
        pages_max: 0.into(),
    })
}

fn carts() -> Name {
    let at = testkit::keyvalue::store("carts");
    (at.scope.environment, StoreName::parse("carts").expect("name"))
}

fn batch(changes: &[Change]) -> Ask {
    Ask::Write { changes: changes.to_vec() }
}

/// Has a group written, and gives the answers.
fn write(writer: &mut Writer, asks: Vec<Ask>) -> Vec<Result<Reply, Error>> {
    let (group, waits): (Vec<_>, Vec<_>) = asks
        .into_iter()
        .map(|ask| {
            let (answer, wait) = oneshot::channel();
            (
                Write {
                    name: carts(),
                    what: What::Ask(ask, Labels::NONE, 1 << 30),
                    answer,
                    _held: None,
                },
                wait,
            )
        })
        .unzip();
    writer.write(group);
    let answer = |wait: oneshot::Receiver<_>| wait.blocking_recv().expect("answered");
    waits.into_iter().map(|wait| answer(wait).map(|it: Labelled<Reply>| it.value)).collect()
}

fn pages(source: &Source) -> u32 {
    let connection = rusqlite::Connection::open(&source.path).expect("open");
    connection.query_row("PRAGMA page_count", [], |row| row.get(0)).expect("pages")
}

#[test]
fn a_full_disk_refuses_what_finds_no_room_and_does_the_rest() {
    let home = tempfile::tempdir().expect("home");
    let source = source(home.path());
    let mut writer = Writer::new(Arc::clone(&source), Arc::new(NoAnchors));
    let first = write(&mut writer, vec![batch(&[set("a", b"1"), set("b", b"1")])]);
    assert_eq!(first, [Ok(Reply::Done)]);

    // As many pages as there are, from when the file is opened again.
    source.pages_max.store(pages(&source), Ordering::Relaxed);
    writer = Writer::new(Arc::clone(&source), Arc::new(NoAnchors));
    let large = vec![7; 100_000];
    let answers = write(
        &mut writer,
        vec![
            batch(&[set("a", b"2")]),
            batch(&[set("b", b"2"), set("large", &large)]),
            batch(&[set("c", b"3")]),
        ],
    );
    assert_eq!(answers, [Ok(Reply::Done), Err(Error::Full), Ok(Reply::Done)]);
    let value = |writer: &mut Writer, key: &str| {
        let file = writer.file(false).expect("open").expect("there");
        let shown = Arc::clone(&file.state.stores[&carts()].shown);
        let cell = work::cell(&file.connection, (&shown, shown.floor()), key).expect("read");
        cell.map(|cell| cell.value.value.to_vec())
    };
    assert_eq!(value(&mut writer, "a"), Some(b"2".to_vec()));
    assert_eq!(value(&mut writer, "b"), Some(b"1".to_vec()), "half of a batch was written");
    assert_eq!(value(&mut writer, "large"), None);

    source.pages_max.store(0, Ordering::Relaxed);
    writer = Writer::new(Arc::clone(&source), Arc::new(NoAnchors));
    let again = vec![batch(&[set("large", &large)]), batch(&[delete("a")])];
    assert_eq!(write(&mut writer, again), [Ok(Reply::Done), Ok(Reply::Done)]);
    assert_eq!(value(&mut writer, "large"), Some(large));
    let file = writer.file(false).expect("open").expect("there");
    assert_eq!(file.state.stores[&carts()].size.keys, 3);
}

#[test]
fn a_number_of_a_transaction_that_was_lost_is_not_used_again() {
    let home = tempfile::tempdir().expect("home");
    let mut used = Vec::new();
    for round in 0..3 {
        // A new process, of which nothing but the file is known.
        let source = source(home.path());
        let mut file = File::open(&source, true, 0).ok().flatten().expect("open");
        for lost in [true, false] {
            file.begin().expect("begin");
            let ask = Ask::Swap { key: format!("{round}{lost}"), version: None, value: "x".into() };
            let ask = (&ask, &Labels::NONE);
            let reply = work::ask(&file.connection, &mut file.state, &carts(), ask, 1 << 20);
            let Ok(Reply::Swapped(Ok(version))) = reply.map(|it| it.value) else {
                panic!("nothing was swapped")
            };
            assert!(!used.contains(&version), "{version} was used before: {used:?}");
            used.push(version);
            if lost {
                // Dies here.
                drop(file);
                file = File::open(&source, true, 0).ok().flatten().expect("open");
            } else {
                file.commit().expect("commit");
            }
        }
    }
}

#[test]
fn every_table_is_strict() {
    let home = tempfile::tempdir().expect("home");
    let file = File::open(&source(home.path()), true, 0).ok().flatten().expect("open");
    let mut tables = file
        .connection
        .prepare(
            "SELECT name, strict FROM pragma_table_list
             WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'",
        )
        .expect("tables");
    let tables: Vec<(String, bool)> =
        tables.query_map([], |row| row.try_into()).expect("tables").map(Result::unwrap).collect();
    assert_eq!(tables.len(), 5, "{tables:?}");
    assert!(tables.iter().all(|(_, strict)| *strict), "{tables:?}");
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let home = tempfile::tempdir().expect("home");
    let source = source(home.path());
    drop(File::open(&source, true, 0).ok().flatten().expect("open"));
    let connection = rusqlite::Connection::open(&source.path).expect("open");
    connection.pragma_update(None, "user_version", 9).expect("newer");
    drop(connection);
    let before = std::fs::read(&source.path).expect("bytes");
    let error = File::open(&source, true, 0).err().expect("refused").error();
    assert!(matches!(&error, Error::Failed(why) if why.contains("schema 9")), "{error:?}");
    assert_eq!(std::fs::read(&source.path).expect("bytes"), before);
}
