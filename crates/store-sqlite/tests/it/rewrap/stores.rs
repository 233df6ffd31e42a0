//! Key-value stores.

use super::{Done, count, move_stores};
use crate::epochs::{rotate, start};
use anyhow::{Result, ensure};
use casemate_store_sqlite::kv::Walk;
use casemate_store_sqlite::{Stores, epochs};
use model::TenantName;
use ports::keyvalue::Error;
use proptest::prelude::*;
use std::path::Path;
use testkit::keyvalue::{histories, same, set, store, value, write};

fn tenant() -> TenantName {
    store("carts").scope.tenant
}

/// Does a step; begins anew at the end.
async fn step(stores: &Stores, walk: &mut Walk) -> Result<()> {
    let at = std::mem::take(walk);
    *walk = stores.rewrap(&tenant(), at).await?.next.unwrap_or_default();
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn nobody_sees_that_a_file_is_moved_in_the_middle_of_any_history(
        history in histories(60),
        before in 0..40_usize,
        again in 0..40_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let done = runtime.block_on(async {
            let home = tempfile::tempdir()?;
            let node = start(home.path());
            let memory = ports::memory::KeyValue::default();
            let (first, rest) = history.split_at(before.min(history.len()));
            same(&node.stores, &memory, first).await?;
            rotate(home.path(), &node);
            let mut walk = Walk::default();
            for (number, one) in rest.iter().enumerate() {
                step(&node.stores, &mut walk).await?;
                if number == again {
                    // In the middle of a walk that is about the epoch before.
                    rotate(home.path(), &node);
                }
                same(&node.stores, &memory, std::slice::from_ref(one)).await?;
            }
            drop(node);
            let node = start(home.path());
            // There is a file as soon as somebody writes.
            write(&node.stores, &store("last"), &[set("a", b"1")]).await?;
            write(&memory, &store("last"), &[set("a", b"1")]).await?;
            let done = move_stores(&node.stores, "default").await?;
            ensure!(done.whole && done.damaged == 0, "{done:?}");
            let newest = ports::KeyRing::epoch(&*node.ring);
            let older = epochs::count(home.path())?.into_keys().filter(|(of, _)| *of < newest);
            ensure!(older.count() == 0, "something is left");
            same(&node.stores, &memory, &history).await?;
            let found = node.stores.verify(&tenant()).await?;
            ensure!(found.is_empty(), "{found:?}");
            anyhow::Ok(())
        });
        prop_assert!(done.is_ok(), "{done:?}");
    }
}

/// Two stores of several leaves, in the first epoch, and a second epoch.
async fn fill(home: &Path, keys: u32) -> Result<()> {
    let node = start(home);
    let all: Vec<_> = (0..keys).map(|at| set(&format!("k/{at:04}"), &at.to_be_bytes())).collect();
    for name in ["carts", "orders"] {
        write(&node.stores, &store(name), &all).await?;
    }
    rotate(home, &node);
    Ok(())
}

#[tokio::test]
async fn a_walk_that_is_cut_off_anywhere_goes_on_after_a_start() -> Result<()> {
    let mut cut = 0;
    loop {
        let home = tempfile::tempdir()?;
        fill(home.path(), 600).await?;
        let node = start(home.path());
        let mut walk = Some(Walk::default());
        for _ in 0..cut {
            let Some(at) = walk.take() else { break };
            walk = node.stores.rewrap(&tenant(), at).await?.next;
        }
        drop(node);
        let node = start(home.path());
        let found = node.stores.verify(&tenant()).await?;
        ensure!(found.is_empty(), "after {cut} steps: {found:?}");
        let done = move_stores(&node.stores, "default").await?;
        ensure!(done.whole && (walk.is_none() || done.moved <= 1200), "{done:?}");
        ensure!(count(home.path(), 2, epochs::VALUES)? == 1200, "after {cut} steps");
        for at in [0, 127, 128, 300, 599_u32] {
            for name in ["carts", "orders"] {
                let found = value(&node.stores, &store(name), &format!("k/{at:04}")).await?;
                ensure!(found.as_deref() == Some(&at.to_be_bytes()[..]), "{at} of {name}");
            }
        }
        if walk.is_none() {
            break;
        }
        cut += 1;
    }
    ensure!(cut > 8, "it was over after {cut} steps");
    Ok(())
}

#[tokio::test]
async fn what_was_changed_on_the_disk_is_not_sealed_anew() -> Result<()> {
    let home = tempfile::tempdir()?;
    let home = home.path();
    fill(home, 600).await?;
    let file = rusqlite::Connection::open(home.join("kv/default.db"))?;
    let own = "store = (SELECT id FROM store WHERE name = 'carts')";
    for sql in [
        // A value that does not open, and a leaf that is not what it was.
        format!(
            "UPDATE cell SET sealed = zeroblob(length(sealed)) WHERE {own} AND key = CAST('k/0300' AS BLOB)"
        ),
        format!("DELETE FROM cell WHERE {own} AND key = CAST('k/0010' AS BLOB)"),
    ] {
        assert_eq!(file.execute(&sql, [])?, 1, "{sql}");
    }
    drop(file);
    for _ in 0..2 {
        let node = start(home);
        let Done { damaged, whole, .. } = move_stores(&node.stores, "default").await?;
        assert_eq!((damaged, whole), (2, false));
        for (key, sound) in [("k/0000", false), ("k/0300", false), ("k/0500", true)] {
            let found = value(&node.stores, &store("carts"), key).await;
            assert_eq!(found.is_ok(), sound, "{key}: {found:?}");
            let other = value(&node.stores, &store("orders"), key).await?;
            assert!(other.is_some(), "{key}");
        }
        let ask = ports::keyvalue::Ask::Get { keys: vec!["k/0300".to_owned()] };
        let said = ports::KeyValue::ask(&node.stores, &store("carts"), ask, 1 << 20).await;
        assert!(matches!(said, Err(Error::Damaged(_))), "{said:?}");
        let (old, new) = (count(home, 1, epochs::VALUES)?, count(home, 2, epochs::VALUES)?);
        assert!(old > 0 && old <= 512 && old + new == 1199, "{old} and {new}");
    }
    Ok(())
}

/// Makes what an older version of the platform left of a file: rows have no epochs of their own.
fn make_old(home: &Path) -> Result<()> {
    let file = rusqlite::Connection::open(home.join("kv/default.db"))?;
    file.execute_batch(
        "ALTER TABLE store DROP COLUMN epoch; ALTER TABLE leaf DROP COLUMN epoch;
         PRAGMA user_version = 1;",
    )?;
    Ok(())
}

#[tokio::test]
async fn a_file_of_an_older_version_has_its_epoch_and_is_moved() -> Result<()> {
    let home = tempfile::tempdir()?;
    let home = home.path();
    // Its epoch is not the first, which rows without one would have by default.
    rotate(home, &start(home));
    fill(home, 300).await?;
    make_old(home)?;
    assert_eq!(count(home, 2, epochs::VALUES)?, 600);
    assert_eq!(count(home, 2, epochs::LISTS)?, 3);
    let node = start(home);
    assert_eq!(
        value(&node.stores, &store("carts"), "k/0007").await?.as_deref(),
        Some(&[0, 0, 0, 7][..])
    );
    assert_eq!(count(home, 2, epochs::VALUES)?, 600);
    let done = move_stores(&node.stores, "default").await?;
    assert_eq!(done, Done { moved: 600, damaged: 0, whole: true });
    assert_eq!((count(home, 3, epochs::VALUES)?, count(home, 3, epochs::LISTS)?), (600, 3));
    Ok(())
}

/// Who knows a root that is retired can seal with it; nothing takes that for the store's.
#[tokio::test]
async fn what_an_older_epoch_sealed_is_not_taken_once_a_store_was_moved() -> Result<()> {
    let home = tempfile::tempdir()?;
    let home = home.path();
    fill(home, 3).await?;
    let file = || rusqlite::Connection::open(home.join("kv/default.db"));
    let (key, pick) = ("CAST('k/0001' AS BLOB)", "SELECT sealed FROM cell WHERE key");
    let old: Vec<u8> = file()?.query_row(&format!("{pick} = {key}"), [], |row| row.get(0))?;
    let node = start(home);
    assert!(move_stores(&node.stores, "default").await?.whole);
    drop(node);
    // The very bytes that were there, with the same version and length: only the epoch tells.
    let sql = format!("UPDATE cell SET sealed = ?1 WHERE key = {key}");
    assert_eq!(file()?.execute(&sql, [old])?, 2);
    let node = start(home);
    assert!(value(&node.stores, &store("carts"), "k/0001").await.is_err());
    assert!(value(&node.stores, &store("carts"), "k/0002").await?.is_some());
    assert_eq!(node.stores.verify(&tenant()).await?.len(), 2);
    Ok(())
}
