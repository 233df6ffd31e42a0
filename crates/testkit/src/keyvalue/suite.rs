//! The cases.

use super::{PLENTY, cell, delete, list, set, store, store_of, value, write};
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use ports::KeyValue;
use ports::keyvalue::{
    Ask, BATCH_BYTES_MAX, BATCH_MAX, Cell, Error, KEY_BYTES_MAX, PAGE_MAX, Reply, Size,
    VALUE_BYTES_MAX,
};

/// Runs every case against an empty version of its own.
///
/// # Errors
/// Says which case failed, and how.
pub async fn conforms<K: KeyValue>(mut make: impl FnMut() -> K) -> Result<()> {
    nothing_is_empty(&make()).await.context("a store that nothing was written to")?;
    batches(&make()).await.context("batches")?;
    versions(&make()).await.context("versions")?;
    swaps(&make()).await.context("swaps")?;
    numbers(&make()).await.context("numbers")?;
    super::labels::kept(&make()).await.context("labels")?;
    pages(&make()).await.context("pages")?;
    quotas(&make()).await.context("quotas")?;
    limits(&make()).await.context("limits")?;
    apart(&make()).await.context("stores apart")?;
    removal(&make()).await.context("removal")
}

async fn nothing_is_empty(kv: &dyn KeyValue) -> Result<()> {
    let at = store("carts");
    ensure!(kv.ask(&at, Ask::Open, PLENTY).await? == Reply::Done);
    ensure!(value(kv, &at, "a").await?.is_none());
    let exists = kv.ask(&at, Ask::Exists { key: "a".to_owned() }, PLENTY).await?;
    ensure!(exists == Reply::Found(false));
    ensure!(list(kv, &at, "", None, 10).await? == (Vec::new(), false));
    ensure!(kv.size(&at).await? == Size::default());
    write(kv, &at, &[]).await?;
    write(kv, &at, &[delete("a")]).await?;
    write(kv, &at, &[set("a", b"1"), delete("a")]).await?;
    ensure!(kv.stores(&at.scope).await?.is_empty(), "reading and deleting make no store");
    ensure!(!kv.remove(&at).await?);
    Ok(())
}

async fn batches(kv: &dyn KeyValue) -> Result<()> {
    let at = store("carts");
    write(kv, &at, &[set("a", b"1"), set("b", b""), set("a", b"2"), delete("c")]).await?;
    ensure!(value(kv, &at, "a").await? == Some(Bytes::from_static(b"2")));
    ensure!(value(kv, &at, "b").await? == Some(Bytes::new()), "an empty value is one");
    ensure!(kv.size(&at).await? == Size { keys: 2, bytes: 3 });
    let keys = ["b", "x", "a", "a"].map(str::to_owned).to_vec();
    let Reply::Cells(cells) = kv.ask(&at, Ask::Get { keys }, PLENTY).await? else {
        bail!("no cells");
    };
    let found: Vec<Option<&[u8]>> =
        cells.iter().map(|cell| cell.as_ref().map(|cell| cell.value.as_ref())).collect();
    ensure!(found == [Some(&b""[..]), None, Some(b"2"), Some(b"2")], "{found:?}");
    write(kv, &at, &[delete("a"), set("d", b"4"), delete("b")]).await?;
    ensure!(list(kv, &at, "", None, 10).await? == (vec!["d".to_owned()], false));
    ensure!(kv.size(&at).await? == Size { keys: 1, bytes: 2 });
    Ok(())
}

async fn version(kv: &dyn KeyValue, key: &str) -> Result<u64> {
    Ok(cell(kv, &store("carts"), key).await?.context("no cell")?.version)
}

async fn versions(kv: &dyn KeyValue) -> Result<()> {
    let at = store("carts");
    write(kv, &at, &[set("a", b"1"), set("b", b"1")]).await?;
    let first = version(kv, "a").await?;
    let other = version(kv, "b").await?;
    write(kv, &at, &[set("a", b"1")]).await?;
    let second = version(kv, "a").await?;
    ensure!(second > first, "writing the same value is a change");
    ensure!(version(kv, "b").await? == other, "changing another key is none");
    write(kv, &at, &[delete("a")]).await?;
    write(kv, &at, &[set("a", b"1")]).await?;
    ensure!(version(kv, "a").await? > second, "a version came again after its key was removed");
    ensure!(kv.remove(&at).await?);
    write(kv, &at, &[set("a", b"1")]).await?;
    ensure!(version(kv, "a").await? > second, "a version came again after its store was removed");
    Ok(())
}

async fn swap(
    kv: &dyn KeyValue,
    key: &str,
    version: Option<u64>,
    value: &'static [u8],
) -> Result<Result<u64, Option<Cell>>> {
    let ask = Ask::Swap { key: key.to_owned(), version, value: Bytes::from_static(value) };
    match kv.ask(&store("carts"), ask, PLENTY).await? {
        Reply::Swapped(done) => Ok(done),
        other => bail!("{other:?}"),
    }
}

async fn swaps(kv: &dyn KeyValue) -> Result<()> {
    let at = store("carts");
    ensure!(swap(kv, "a", Some(1), b"x").await? == Err(None), "there was nothing to swap");
    let Ok(first) = swap(kv, "a", None, b"1").await? else { bail!("it was not there") };
    let there = Cell { value: Bytes::from_static(b"1"), version: first };
    ensure!(cell(kv, &at, "a").await?.as_ref() == Some(&there));
    ensure!(swap(kv, "a", None, b"2").await? == Err(Some(there.clone())), "it is there");
    ensure!(swap(kv, "a", Some(first + 1), b"2").await? == Err(Some(there)), "another version");
    let Ok(second) = swap(kv, "a", Some(first), b"2").await? else { bail!("it was that one") };
    ensure!(second > first && version(kv, "a").await? == second);
    ensure!(matches!(swap(kv, "a", Some(first), b"3").await?, Err(Some(_))), "swapped twice");
    ensure!(value(kv, &at, "a").await? == Some(Bytes::from_static(b"2")));
    Ok(())
}

async fn add(kv: &dyn KeyValue, key: &str, delta: i64) -> Result<Reply, Error> {
    kv.ask(&store("carts"), Ask::Add { key: key.to_owned(), delta }, PLENTY).await
}

async fn numbers(kv: &dyn KeyValue) -> Result<()> {
    let at = store("carts");
    ensure!(add(kv, "n", 5).await? == Reply::Number(5));
    ensure!(add(kv, "n", -12).await? == Reply::Number(-7));
    ensure!(value(kv, &at, "n").await? == Some(Bytes::from_static(b"-7")), "decimal text");
    write(kv, &at, &[set("n", b"41"), set("words", b"many"), set("none", b"")]).await?;
    ensure!(add(kv, "n", 1).await? == Reply::Number(42));
    for key in ["words", "none"] {
        ensure!(add(kv, key, 1).await == Err(Error::NotANumber), "{key}");
    }
    ensure!(add(kv, "high", i64::MAX).await? == Reply::Number(i64::MAX));
    ensure!(add(kv, "high", 1).await == Err(Error::NotANumber), "it went around");
    ensure!(add(kv, "high", i64::MIN).await? == Reply::Number(-1));
    ensure!(add(kv, "zero", 0).await? == Reply::Number(0));
    ensure!(value(kv, &at, "zero").await? == Some(Bytes::from_static(b"0")));
    Ok(())
}

async fn pages(kv: &dyn KeyValue) -> Result<()> {
    let at = store("carts");
    let keys = ["a", "a/", "a/1", "a/2", "a/3", "a/é", "a0", "b/1", "\u{10ffff}", "\u{10ffff}z"];
    for key in keys {
        write(kv, &at, &[set(key, b"x")]).await?;
    }
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let (page, more) = list(kv, &at, "", after.as_deref(), 3).await?;
        ensure!(page.len() == 3 || !more, "a page that is not full says that there is more");
        after = page.last().cloned();
        all.extend(page);
        if !more {
            break;
        }
    }
    ensure!(all == keys, "{all:?}");
    let below = |prefix, after, limit| list(kv, &at, prefix, after, limit);
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    ensure!(below("a/", None, 5).await? == (texts(&["a/", "a/1", "a/2", "a/3", "a/é"]), false));
    ensure!(below("a/", None, 2).await? == (texts(&["a/", "a/1"]), true));
    ensure!(below("a/", Some("a/2"), 9).await? == (texts(&["a/3", "a/é"]), false));
    ensure!(below("a/", Some("a/2x"), 1).await? == (texts(&["a/3"]), true));
    ensure!(below("a/", Some("A"), 1).await? == (texts(&["a/"]), true));
    ensure!(below("a/", Some("b"), 9).await? == (Vec::new(), false));
    ensure!(below("\u{10ffff}", None, 9).await?.0.len() == 2);
    ensure!(below("c", None, 9).await? == (Vec::new(), false));
    Ok(())
}

async fn quotas(kv: &dyn KeyValue) -> Result<()> {
    let at = store("carts");
    let batch = |changes: &[_]| Ask::Write { changes: changes.to_vec() };
    kv.ask(&at, batch(&[set("ab", b"12345678")]), 10).await.context("exactly the quota")?;
    let over = Err(Error::Quota { bytes_max: 10 });
    ensure!(kv.ask(&at, batch(&[set("ab", b"123456789")]), 10).await == over);
    ensure!(kv.ask(&at, batch(&[set("c", b"")]), 10).await == over, "keys count");
    let half = batch(&[set("c", b"1"), set("d", b"2")]);
    ensure!(kv.ask(&at, half, 12).await == Err(Error::Quota { bytes_max: 12 }));
    ensure!(list(kv, &at, "", None, 10).await?.0 == ["ab"], "half of a batch was written");
    let ask = Ask::Add { key: "n".to_owned(), delta: 1 };
    ensure!(kv.ask(&at, ask, 10).await == over);
    let ask = Ask::Swap { key: "n".to_owned(), version: None, value: Bytes::new() };
    ensure!(kv.ask(&at, ask, 10).await == over);
    kv.ask(&at, batch(&[set("e", b"12"), delete("ab")]), 10).await.context("room made by it")?;
    ensure!(kv.size(&at).await? == Size { keys: 1, bytes: 3 });
    write(kv, &at, &[set("f", b"1234567890")]).await?;
    kv.ask(&at, batch(&[set("f", b"123456789")]), 10).await.context("smaller, with no room")?;
    ensure!(kv.ask(&at, batch(&[set("f", b"1234567890")]), 10).await == over);
    kv.ask(&at, batch(&[delete("f")]), 0).await.context("a removal")?;
    Ok(())
}

async fn limits(kv: &dyn KeyValue) -> Result<()> {
    let at = store("carts");
    let longest = "k".repeat(KEY_BYTES_MAX);
    let largest = vec![7; VALUE_BYTES_MAX];
    write(kv, &at, &[set(&longest, &largest)]).await?;
    ensure!(value(kv, &at, &longest).await?.is_some_and(|value| value == largest));
    let longer = "k".repeat(KEY_BYTES_MAX + 1);
    let get = |key: &str| Ask::Get { keys: vec![key.to_owned()] };
    let page = |prefix: &str, after: Option<&str>, limit| Ask::List {
        prefix: prefix.to_owned(),
        after: after.map(str::to_owned),
        limit,
    };
    let large = vec![0; VALUE_BYTES_MAX + 1];
    let many: Vec<_> = (0..=BATCH_MAX).map(|number| set(&number.to_string(), b"")).collect();
    let pieces = BATCH_BYTES_MAX / VALUE_BYTES_MAX + 1;
    let heavy: Vec<_> = (0..pieces).map(|number| set(&number.to_string(), &largest)).collect();
    for ask in [
        get(&longer),
        get(""),
        Ask::Get { keys: vec!["k".to_owned(); BATCH_MAX + 1] },
        Ask::Exists { key: longer.clone() },
        Ask::Add { key: longer.clone(), delta: 1 },
        Ask::Swap { key: longer.clone(), version: None, value: Bytes::new() },
        Ask::Swap { key: "k".to_owned(), version: None, value: large.clone().into() },
        Ask::Write { changes: vec![set("k", &large)] },
        Ask::Write { changes: vec![set("ok", b""), delete("")] },
        Ask::Write { changes: many },
        Ask::Write { changes: heavy.clone() },
        page(&longer, None, 1),
        page("", Some(&longer), 1),
        page("", None, 0),
        page("", None, PAGE_MAX + 1),
    ] {
        let error = kv.ask(&at, ask.clone(), PLENTY).await;
        let Err(Error::Invalid(text)) = error else { bail!("{ask:?}: {error:?}") };
        ensure!(!text.contains("kkk"), "the key is in the error: {text}");
    }
    ensure!(kv.size(&at).await?.keys == 1, "something was written");
    // More than an answer carries, written piece by piece.
    for change in &heavy {
        write(kv, &at, std::slice::from_ref(change)).await?;
    }
    let keys: Vec<_> = heavy.iter().map(|change| change.key().to_owned()).collect();
    let too_much = kv.ask(&at, Ask::Get { keys: keys.clone() }, PLENTY).await;
    ensure!(matches!(too_much, Err(Error::Invalid(_))), "more than an answer carries");
    let keys = keys.into_iter().skip(1).collect();
    ensure!(kv.ask(&at, Ask::Get { keys }, PLENTY).await.is_ok(), "as much as it carries");
    Ok(())
}

async fn apart(kv: &dyn KeyValue) -> Result<()> {
    let all = [
        store("carts"),
        store("orders"),
        store("orders/default"),
        store_of("default", "test", "carts"),
        store_of("other", "main", "carts"),
    ];
    for (number, at) in all.iter().enumerate() {
        write(kv, at, &[set("k", number.to_string().as_bytes())]).await?;
    }
    for (number, at) in all.iter().enumerate() {
        let found = value(kv, at, "k").await?;
        ensure!(found == Some(number.to_string().into()), "{at:?} holds {found:?}");
    }
    let one = Size { keys: 1, bytes: 2 };
    let own = kv.stores(&all[0].scope).await?;
    let expected: Vec<_> =
        [&all[2], &all[0], &all[1]].map(|at| (at.name.clone(), one)).into_iter().collect();
    ensure!(own == expected, "{own:?}");
    ensure!(kv.stores(&all[4].scope).await?.len() == 1);
    Ok(())
}

async fn removal(kv: &dyn KeyValue) -> Result<()> {
    let (at, other) = (store("carts"), store("orders"));
    let many: Vec<_> = (0..BATCH_MAX).map(|number| set(&format!("{number:04}"), b"x")).collect();
    write(kv, &at, &many).await?;
    write(kv, &other, &many).await?;
    ensure!(kv.remove(&at).await?);
    ensure!(!kv.remove(&at).await?, "it was removed twice");
    ensure!(value(kv, &at, "0001").await?.is_none());
    ensure!(list(kv, &at, "", None, 10).await? == (Vec::new(), false));
    ensure!(kv.size(&at).await? == Size::default());
    ensure!(kv.stores(&at.scope).await?.len() == 1);
    write(kv, &at, &[set("0002", b"new")]).await?;
    ensure!(list(kv, &at, "", None, 10).await? == (vec!["0002".to_owned()], false));
    ensure!(value(kv, &at, "0002").await? == Some(Bytes::from_static(b"new")));
    ensure!(list(kv, &other, "", None, PAGE_MAX).await?.0.len() == BATCH_MAX);
    Ok(())
}
