//! Somebody changes the file: whatever it is, it is found when it is read, and by a full check.

use super::rig::Home;
use anyhow::{Result, ensure};
use casemate_store_sqlite::Stores;
use ports::KeyValue;
use ports::keyvalue::{Ask, Error, Reply, StoreRef};
use proptest::prelude::*;
use rusqlite::Connection;
use testkit::keyvalue::{PLENTY, delete, set, store, write};

const KEYS: [&str; 4] = ["ann/1", "ann/2", "bob/1", "zoe"];

/// Two stores with the same keys, two versions of `ann/1`, and a key that was deleted.
async fn fill(home: &Home) -> Result<()> {
    let stores = home.open();
    for at in [store("carts"), store("orders")] {
        let values = KEYS.map(|key| set(key, format!("first of {key}").as_bytes()));
        write(&stores, &at, &values).await?;
        write(&stores, &at, &[set("gone", b"it was here")]).await?;
    }
    Ok(())
}

async fn change(home: &Home) -> Result<()> {
    let stores = home.open();
    write(&stores, &store("carts"), &[set("ann/1", b"second of ann/1"), delete("gone")]).await?;
    Ok(())
}

/// What every way of asking says about a store.
async fn ask_all(stores: &Stores, at: &StoreRef) -> Vec<Result<Reply, Error>> {
    let key = || "ann/1".to_owned();
    let mut answers = Vec::new();
    for ask in [
        Ask::Get { keys: [&KEYS[..], &["gone"]].concat().into_iter().map(str::to_owned).collect() },
        Ask::List { prefix: String::new(), after: None, limit: 100 },
        Ask::Exists { key: key() },
        Ask::Swap { key: key(), version: None, value: "x".into() },
        Ask::Write { changes: vec![set("ann/2", b"new")] },
    ] {
        answers.push(stores.ask(at, ask, PLENTY).await);
    }
    answers
}

/// Does `sql` to a filled file. Every way of asking must then find it in `carts`.
async fn found(sql: &str) -> Result<()> {
    let home = Home::new();
    fill(&home).await?;
    change(&home).await?;
    ensure!(home.tamper(sql) > 0, "nothing was changed by {sql}");
    let stores = home.open();
    let at = store("carts");
    for (number, answer) in ask_all(&stores, &at).await.into_iter().enumerate() {
        let Err(Error::Damaged(what)) = &answer else {
            anyhow::bail!("ask {number} after {sql}: {answer:?}");
        };
        ensure!(!KEYS.iter().any(|key| what.contains(key)), "a key is in the error: {what}");
        ensure!(!what.contains("second of"), "a value is in the error: {what}");
    }
    match stores.verify(&at.scope.tenant).await {
        Ok(found) => ensure!(found.len() == 1 && found[0].contains("carts"), "{found:?}"),
        Err(error) => ensure!(matches!(error, Error::Damaged(_)), "{error:?}"),
    }
    Ok(())
}

/// `carts` is the store that was made first.
const OWN: &str = "(SELECT id FROM store WHERE name = 'carts')";
const OTHER: &str = "(SELECT id FROM store WHERE name = 'orders')";

#[tokio::test]
async fn cells_that_were_added_removed_moved_or_renamed_are_found() -> Result<()> {
    let cell = format!("UPDATE cell SET sealed = (SELECT sealed FROM cell WHERE store = {OTHER}");
    for sql in [
        format!("DELETE FROM cell WHERE store = {OWN} AND key = CAST('zoe' AS BLOB)"),
        format!("DELETE FROM cell WHERE store = {OWN}"),
        format!("UPDATE cell SET version = version + 1 WHERE store = {OWN}"),
        format!(
            "UPDATE cell SET key = CAST('bob/2' AS BLOB) \
             WHERE store = {OWN} AND key = CAST('bob/1' AS BLOB)"
        ),
        format!(
            "INSERT INTO cell SELECT {OWN}, key, version, sealed FROM cell \
             WHERE store = {OTHER} AND key = CAST('gone' AS BLOB)"
        ),
        format!("{cell} AND key = CAST('gone' AS BLOB)) WHERE store = {OWN}"),
        "UPDATE store SET id = -id WHERE name = 'carts'".to_owned(),
        format!("UPDATE cell SET sealed = CAST(sealed || x'00' AS BLOB) WHERE store = {OWN}"),
        format!("DELETE FROM leaf WHERE store = {OWN}"),
        format!("UPDATE leaf SET version = version + 1 WHERE store = {OWN}"),
        format!(
            "UPDATE leaf SET sealed = (SELECT sealed FROM leaf WHERE store = {OTHER}) \
             WHERE store = {OWN}"
        ),
        "DELETE FROM store WHERE name = 'carts'".to_owned(),
        "UPDATE store SET name = 'baskets' WHERE name = 'carts'".to_owned(),
        "UPDATE store SET name = 'x' WHERE name = 'carts'; \
         UPDATE store SET name = 'carts' WHERE name = 'orders'; \
         UPDATE store SET name = 'orders' WHERE name = 'x'"
            .to_owned(),
        "UPDATE store SET environment = 'test' WHERE name = 'carts'".to_owned(),
        "UPDATE head SET counter = counter + 1".to_owned(),
        "DELETE FROM head".to_owned(),
    ] {
        found(&sql).await?;
    }
    Ok(())
}

#[tokio::test]
async fn values_that_were_swapped_are_found_when_they_are_read() -> Result<()> {
    let home = Home::new();
    fill(&home).await?;
    // Of the same length, so that only what they are sealed for tells them apart.
    let sealed = |key: &str| {
        format!("(SELECT sealed FROM cell WHERE store = {OWN} AND key = CAST('{key}' AS BLOB))")
    };
    home.tamper(&format!(
        "UPDATE cell SET sealed = {} WHERE store = {OWN} AND key = CAST('ann/1' AS BLOB)",
        sealed("ann/2")
    ));
    let stores = home.open();
    let at = store("carts");
    let get = |key: &str| Ask::Get { keys: vec![key.to_owned()] };
    let swapped = stores.ask(&at, get("ann/1"), PLENTY).await;
    let Err(Error::Damaged(what)) = swapped else { anyhow::bail!("{swapped:?}") };
    ensure!(what.contains("`carts` of default/main") && what.contains("sha256:"), "{what}");
    ensure!(stores.ask(&at, get("ann/2"), PLENTY).await.is_ok(), "the others are as they were");
    let add = Ask::Add { key: "ann/1".to_owned(), delta: 1 };
    ensure!(matches!(stores.ask(&at, add, PLENTY).await, Err(Error::Damaged(_))));
    ensure!(stores.verify(&at.scope.tenant).await?.len() == 1);
    // Writing it anew mends it, as nothing of what was there is used.
    write(&stores, &at, &[set("ann/1", b"anew")]).await?;
    ensure!(stores.ask(&at, get("ann/1"), PLENTY).await.is_ok());
    ensure!(stores.verify(&at.scope.tenant).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn any_flipped_byte_of_what_is_sealed_is_found() -> Result<()> {
    let home = Home::new();
    fill(&home).await?;
    let whole = std::fs::read(home.file())?;
    for (table, whose) in [("cell", "store"), ("leaf", "store"), ("store", "id"), ("head", "")] {
        let whose =
            if whose.is_empty() { String::new() } else { format!(" WHERE {whose} = {OWN}") };
        let bytes: Vec<u8> = Connection::open(home.file())?.query_row(
            &format!("SELECT sealed FROM {table}{whose} LIMIT 1"),
            [],
            |row| row.get(0),
        )?;
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            let connection = Connection::open(home.file())?;
            let sql = format!("UPDATE {table} SET sealed = ?1 WHERE sealed = ?2");
            assert_eq!(connection.execute(&sql, [&changed, &bytes])?, 1);
            drop(connection);
            let answer = ask_all(&home.open_unanchored(), &store("carts")).await.remove(0);
            ensure!(matches!(answer, Err(Error::Damaged(_))), "byte {at} of {table}: {answer:?}");
            std::fs::write(home.file(), &whole)?;
        }
    }
    ensure!(
        ask_all(&home.open_unanchored(), &store("carts")).await[0].is_ok(),
        "it was not put back"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn a_flipped_bit_anywhere_in_the_file_is_found_or_means_nothing(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let home = Home::new();
        let (whole, answers) = runtime.block_on(async {
            fill(&home).await.expect("filled");
            let whole = std::fs::read(home.file()).expect("bytes");
            (whole, read_all(&home.open_unanchored()).await)
        });
        prop_assert!(answers.iter().all(Result::is_ok));
        let mut changed = whole;
        for (at, bit) in flips {
            let at = at.index(changed.len());
            changed[at] ^= 1 << bit;
        }
        std::fs::write(home.file(), changed).expect("written");
        let found = runtime.block_on(read_all(&home.open_unanchored()));
        for (found, answer) in found.iter().zip(&answers) {
            prop_assert!(found.is_err() || found == answer, "{found:?} and not {answer:?}");
        }
    }
}

async fn read_all(stores: &Stores) -> Vec<Result<Reply, Error>> {
    let mut answers = Vec::new();
    for at in [store("carts"), store("orders")] {
        let keys = [&KEYS[..], &["gone", "never"]].concat().into_iter().map(str::to_owned);
        let list = Ask::List { prefix: String::new(), after: None, limit: 100 };
        answers.push(stores.ask(&at, Ask::Get { keys: keys.collect() }, PLENTY).await);
        answers.push(stores.ask(&at, list, PLENTY).await);
    }
    answers
}

#[tokio::test]
async fn a_file_of_another_tenant_or_of_something_else_is_refused() -> Result<()> {
    let home = Home::new();
    fill(&home).await?;
    std::fs::copy(home.file(), home.path().join("kv/other.db"))?;
    let foreign = testkit::keyvalue::store_of("other", "main", "carts");
    let get = || Ask::Get { keys: vec!["zoe".to_owned()] };
    let answer = home.open().ask(&foreign, get(), PLENTY).await;
    ensure!(matches!(answer, Err(Error::Damaged(_))), "{answer:?}");
    let trigger = "CREATE TRIGGER t AFTER INSERT ON cell BEGIN DELETE FROM cell WHERE key = 1; END";
    Connection::open(home.file())?.execute_batch(trigger)?;
    let answer = home.open().ask(&store("carts"), get(), PLENTY).await;
    ensure!(matches!(answer, Err(Error::Damaged(_))), "{answer:?}");
    std::fs::write(home.file(), "not a database, by far".repeat(500))?;
    let answer = home.open().ask(&store("carts"), get(), PLENTY).await;
    ensure!(matches!(answer, Err(Error::Damaged(_))), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn a_damaged_store_can_be_removed_and_the_others_go_on() -> Result<()> {
    let home = Home::new();
    fill(&home).await?;
    home.tamper(&format!("DELETE FROM leaf WHERE store = {OWN}"));
    let stores = home.open();
    let (at, other) = (store("carts"), store("orders"));
    ensure!(ask_all(&stores, &at).await.iter().all(Result::is_err));
    ensure!(ask_all(&stores, &other).await.iter().all(Result::is_ok));
    ensure!(stores.remove(&at).await?);
    ensure!(ask_all(&stores, &at).await.iter().all(Result::is_ok));
    ensure!(stores.verify(&at.scope.tenant).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_list_of_removed_stores_does_not_remove_what_lives() -> Result<()> {
    let home = Home::new();
    fill(&home).await?;
    home.tamper(&format!("INSERT INTO doomed VALUES ({OWN})"));
    let stores = home.open();
    write(&stores, &store("orders"), &[set("k", b"wakes the writer")]).await?;
    ensure!(ask_all(&stores, &store("carts")).await.iter().all(Result::is_ok));
    Ok(())
}
