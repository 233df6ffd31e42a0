//! Somebody puts back what was there before.

use super::rig::{Home, open_at};
use anyhow::{Result, ensure};
use casemate_store_sqlite::{Store, kv};
use model::{Code, Problem, TenantName};
use ports::KeyValue;
use ports::keyvalue::{Ask, Error, Reply};
use std::path::Path;
use std::sync::Arc;
use testkit::keyvalue::{PLENTY, delete, set, store, value, write};

/// Fills a store, remembers its file, and changes it.
async fn before_and_after(home: &Home) -> Result<Vec<u8>> {
    let at = store("carts");
    let stores = home.open();
    let many: Vec<_> = (0..900).map(|number| set(&format!("{number:03}"), b"old")).collect();
    write(&stores, &at, &many).await?;
    drop(stores);
    let old = std::fs::read(home.file())?;
    let stores = home.open();
    write(&stores, &at, &[set("100", b"new"), delete("800")]).await?;
    drop(stores);
    Ok(old)
}

/// Puts rows of the old file into the new one.
async fn put_back(sql: &str, key: &str) -> Result<()> {
    let home = Home::new();
    let old = before_and_after(&home).await?;
    let file = home.path().join("old.db");
    std::fs::write(&file, old)?;
    let changed = home.tamper(&format!("ATTACH '{}' AS old; {sql}", file.display()));
    ensure!(changed > 0, "nothing was put back by {sql}");
    // The anchor would see some of it, too.
    let stores = home.open_unanchored();
    let at = store("carts");
    for ask in [
        Ask::Get { keys: vec![key.to_owned()] },
        Ask::Exists { key: key.to_owned() },
        Ask::List { prefix: key.to_owned(), after: None, limit: 5 },
        Ask::Swap { key: key.to_owned(), version: None, value: "x".into() },
        Ask::Write { changes: vec![set(key, b"x")] },
    ] {
        let answer = stores.ask(&at, ask.clone(), PLENTY).await;
        ensure!(matches!(answer, Err(Error::Damaged(_))), "{sql}: {ask:?}: {answer:?}");
    }
    let found = stores.verify(&at.scope.tenant).await;
    ensure!(!matches!(&found, Ok(found) if found.is_empty()), "{sql}: {found:?}");
    Ok(())
}

#[tokio::test]
async fn an_older_value_a_deleted_key_and_a_whole_older_store_are_found() -> Result<()> {
    let old_100 = "REPLACE INTO main.cell SELECT * FROM old.cell WHERE key = CAST('100' AS BLOB)";
    put_back(old_100, "100").await?;
    let old_800 = "INSERT INTO main.cell SELECT * FROM old.cell WHERE key = CAST('800' AS BLOB)";
    put_back(old_800, "800").await?;
    let cells = "DELETE FROM main.cell; INSERT INTO main.cell SELECT * FROM old.cell";
    put_back(cells, "100").await?;
    let leaves = "DELETE FROM main.leaf; INSERT INTO main.leaf SELECT * FROM old.leaf";
    put_back(leaves, "100").await?;
    put_back(&format!("{cells}; {leaves}"), "100").await?;
    let stores = "DELETE FROM main.store; INSERT INTO main.store SELECT * FROM old.store";
    put_back(&format!("{cells}; {leaves}; {stores}"), "100").await?;
    put_back(&format!("{stores}; DELETE FROM main.head"), "100").await
}

#[tokio::test]
async fn leaves_that_were_not_touched_are_not_in_the_way() -> Result<()> {
    let home = Home::new();
    let old = before_and_after(&home).await?;
    let file = home.path().join("old.db");
    std::fs::write(&file, old)?;
    home.tamper(&format!(
        "ATTACH '{}' AS old; \
         REPLACE INTO main.cell SELECT * FROM old.cell WHERE key = CAST('100' AS BLOB)",
        file.display()
    ));
    let stores = home.open();
    ensure!(value(&stores, &store("carts"), "500").await?.as_deref() == Some(&b"old"[..]));
    ensure!(value(&stores, &store("carts"), "100").await.is_err());
    Ok(())
}

fn carts() -> TenantName {
    store("carts").scope.tenant
}

#[tokio::test]
async fn a_whole_older_file_or_a_missing_one_is_refused() -> Result<()> {
    let home = Home::new();
    let old = before_and_after(&home).await?;
    let new = std::fs::read(home.file())?;
    let get = || Ask::Get { keys: vec!["500".to_owned()] };
    for bytes in [Some(&old), None] {
        match bytes {
            Some(bytes) => std::fs::write(home.file(), bytes)?,
            None => std::fs::remove_file(home.file())?,
        }
        let stores = home.open();
        let write = Ask::Write { changes: vec![set("500", b"x")] };
        for ask in [Ask::Open, get(), write] {
            let answer = stores.ask(&store("carts"), ask, PLENTY).await;
            let Err(error @ Error::RolledBack(_)) = answer else { anyhow::bail!("{answer:?}") };
            let problem = Problem::from(error);
            ensure!(problem.code == Code::KeyValueRolledBack);
            ensure!(problem.hint.is_some_and(|hint| hint.contains("casemate restore")));
        }
        ensure!(stores.verify(&carts()).await.is_err());
    }
    ensure!(!home.file().exists(), "a refused file was made anew");
    std::fs::write(home.file(), new)?;
    ensure!(home.open().ask(&store("carts"), get(), PLENTY).await.is_ok());
    Ok(())
}

fn registry(home: &Path) -> Store {
    Store::open(home, Arc::new(testkit::registry::PlainNotary)).expect("registry")
}

#[tokio::test]
async fn the_registry_knows_how_far_a_file_had_come() -> Result<()> {
    let home = Home::new();
    let at = store("carts");
    let open = || home.open_with(Arc::new(registry(home.path())));
    write(&open(), &at, &[set("k", b"1")]).await?;
    let old = std::fs::read(home.file())?;
    write(&open(), &at, &[set("k", b"2")]).await?;
    let ask = || Ask::Get { keys: vec!["k".to_owned()] };
    ensure!(open().ask(&at, ask(), PLENTY).await.is_ok());
    std::fs::write(home.file(), old)?;
    let answer = open().ask(&at, ask(), PLENTY).await;
    ensure!(matches!(answer, Err(Error::RolledBack(_))), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn a_change_is_anchored_while_the_node_runs() -> Result<()> {
    let home = Home::new();
    let stores = home.open();
    write(&stores, &store("carts"), &[set("k", b"1")]).await?;
    // As long as it takes: nothing but the ticker raises it.
    while home.anchors.0.lock().get(&carts()).is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    drop(stores);
    Ok(())
}

#[tokio::test]
async fn a_copy_of_everything_under_load_is_accepted_as_it_is() -> Result<()> {
    let home = Home::new();
    let store_ref = store("carts");
    let anchors = Arc::new(registry(home.path()));
    let stores = Arc::new(home.open_with(Arc::<Store>::clone(&anchors)));
    write(&*stores, &store_ref, &[set("a", b"0"), set("b", b"0")]).await?;
    let (own, at) = (Arc::clone(&stores), store_ref.clone());
    let load = tokio::spawn(async move {
        for number in 0..2_000 {
            let text = number.to_string();
            let changes = [set("a", text.as_bytes()), set("b", text.as_bytes())];
            write(&*own, &at, &changes).await?;
        }
        Ok::<_, Error>(())
    });
    let target = tempfile::tempdir()?;
    std::fs::create_dir(target.path().join("kv"))?;
    // The registry first, as a backup does.
    ports::Registry::backup(&*anchors, target.path().join("registry.db")).await?;
    let (from, to) = (home.path().to_owned(), target.path().to_owned());
    let copies = tokio::task::spawn_blocking(move || kv::copy_all(&from, &to)).await??;
    ensure!(copies.len() == 1 && copies[0].0 == "kv/default.db", "{copies:?}");
    std::fs::rename(&copies[0].1, target.path().join(&copies[0].0))?;
    load.await??;
    let restored = open_at(target.path(), Arc::new(registry(target.path())));
    let keys = vec!["a".to_owned(), "b".to_owned()];
    let reply = restored.ask(&store_ref, Ask::Get { keys }, PLENTY).await?;
    let Reply::Cells(cells) = reply else { anyhow::bail!("{reply:?}") };
    let values: Vec<_> = cells.into_iter().flatten().map(|cell| cell.value).collect();
    ensure!(values.len() == 2 && values[0] == values[1], "half of a batch: {values:?}");
    ensure!(restored.verify(&carts()).await?.is_empty());
    drop(restored);
    // The file alone, beside a registry that went on, is not.
    drop(stores);
    std::fs::copy(target.path().join("kv/default.db"), home.file())?;
    let stores = home.open_with(anchors);
    let answer = stores.ask(&store_ref, Ask::Open, PLENTY).await;
    ensure!(matches!(answer, Err(Error::RolledBack(_))), "{answer:?}");
    Ok(())
}
