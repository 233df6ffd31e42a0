//! Key-value stores in their files.

mod crash;
mod damage;
mod rig;
mod rollback;

use anyhow::Result;
use ports::KeyValue;
use ports::keyvalue::{Ask, PAGE_MAX, Reply, Size};
use proptest::prelude::*;
use rig::Home;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use testkit::keyvalue::{PLENTY, delete, histories, list, same, set, store, value, write};

#[tokio::test]
async fn conforms() -> Result<()> {
    let mut homes = Vec::new();
    testkit::keyvalue::conforms(|| {
        let home = Home::new();
        let stores = home.open();
        homes.push(home);
        stores
    })
    .await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn does_the_same_as_the_memory_version(
        first in histories(40),
        second in histories(20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let home = Home::new();
        let memory = ports::memory::KeyValue::default();
        for history in [first, second] {
            // And what was written is what a new process finds.
            let stores = home.open();
            let done = runtime.block_on(same(&stores, &memory, &history));
            prop_assert!(done.is_ok(), "{done:?}");
            drop(stores);
        }
        let found = runtime.block_on(home.open().verify(&store("carts").scope.tenant));
        prop_assert_eq!(found.expect("verify"), Vec::<String>::new());
    }
}

#[tokio::test]
async fn many_writers_at_once_lose_nothing() -> Result<()> {
    let home = Home::new();
    let stores = Arc::new(home.open());
    let at = store("carts");
    let mut tasks = Vec::new();
    for writer in 0..32 {
        let (stores, at) = (Arc::clone(&stores), at.clone());
        tasks.push(tokio::spawn(async move {
            for number in 0..20 {
                let ask = Ask::Add { key: "sum".to_owned(), delta: 1 };
                stores.ask(&at, ask, PLENTY).await?;
                let key = format!("{writer}/{number}");
                write(&*stores, &at, &[set(&key, key.as_bytes())]).await?;
                let found = value(&*stores, &at, &key).await.map_err(|error| error.to_string());
                assert_eq!(found, Ok(Some(key.into())), "what was just written");
            }
            Ok::<_, ports::keyvalue::Error>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    assert_eq!(value(&*stores, &at, "sum").await?, Some("640".into()));
    assert_eq!(stores.size(&at).await?.keys, 641);
    Ok(())
}

#[tokio::test]
async fn a_store_of_many_leaves_is_listed_in_pages_after_a_start() -> Result<()> {
    let home = Home::new();
    let at = store("carts");
    let keys: Vec<String> = (0..5_000).map(|number| format!("{number:05}")).collect();
    {
        let stores = home.open();
        for part in keys.chunks(1_000) {
            let changes: Vec<_> = part.iter().map(|key| set(key, b"x")).collect();
            write(&stores, &at, &changes).await?;
        }
    }
    let stores = home.open();
    assert_eq!(list(&stores, &at, "", Some("02500"), 3).await?.0, ["02501", "02502", "02503"]);
    let mut found = Vec::new();
    let mut more = true;
    while more {
        let after = found.last().cloned();
        let page = list(&stores, &at, "", after.as_deref(), PAGE_MAX).await?;
        found.extend(page.0);
        more = page.1;
    }
    assert_eq!(found, keys);
    let gone: Vec<_> = keys[..900].iter().map(|key| delete(key)).collect();
    write(&stores, &at, &gone).await?;
    assert_eq!(list(&stores, &at, "", None, 1).await?.0, ["00900"]);
    drop(stores);
    assert_eq!(home.open().verify(&at.scope.tenant).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn reading_makes_no_file() -> Result<()> {
    let home = Home::new();
    let stores = home.open();
    assert_eq!(value(&stores, &store("carts"), "k").await?, None);
    assert_eq!(stores.size(&store("carts")).await?, Size::default());
    assert!(!home.path().join("kv").exists());
    assert_eq!(casemate_store_sqlite::kv::tenants(home.path())?, Vec::new());
    Ok(())
}

#[tokio::test]
async fn files_are_for_their_owner_only_and_values_are_nowhere_in_them() -> Result<()> {
    let home = Home::new();
    let stores = home.open();
    write(&stores, &store("carts"), &[set("k", b"nobody may read this")]).await?;
    let mode = |name: &str| {
        let meta = std::fs::metadata(home.path().join(name)).expect(name);
        meta.permissions().mode() & 0o777
    };
    assert_eq!(mode("kv"), 0o700);
    for name in ["kv/default.db", "kv/default.db-wal", "kv/default.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
        let bytes = std::fs::read(home.path().join(name))?;
        assert!(!bytes.windows(6).any(|window| window == b"nobody"), "{name}");
    }
    drop(stores);
    let bytes = std::fs::read(home.path().join("kv/default.db"))?;
    assert!(bytes.windows(5).any(|window| window == b"carts"), "names are in clear");
    assert!(!bytes.windows(6).any(|window| window == b"nobody"));
    Ok(())
}

#[tokio::test]
async fn an_ask_whose_caller_went_away_is_done_or_not_but_never_half() -> Result<()> {
    let home = Home::new();
    let stores = home.open();
    let at = store("carts");
    for number in 0..50 {
        let changes = vec![set("a", &[number]), set("b", &[number])];
        let ask = stores.ask(&at, Ask::Write { changes }, PLENTY);
        // Polled once, and dropped.
        let _ = tokio::time::timeout(std::time::Duration::ZERO, ask).await;
        let keys = vec!["a".to_owned(), "b".to_owned()];
        let reply = stores.ask(&at, Ask::Get { keys }, PLENTY).await?;
        let Reply::Cells(cells) = reply else { panic!("{reply:?}") };
        let values: Vec<_> = cells.into_iter().map(|cell| cell.map(|cell| cell.value)).collect();
        assert_eq!(values[0], values[1]);
    }
    Ok(())
}
