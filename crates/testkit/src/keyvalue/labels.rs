//! The cases of labels.

use super::{PLENTY, delete, set, store, value, write};
use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use model::{Labelled, Labels};
use ports::KeyValue;
use ports::keyvalue::{Ask, Error, Reply, Size};

async fn ask(kv: &dyn KeyValue, ask: Ask, labels: &str) -> Result<(Reply, String), Error> {
    let ask = Labelled { value: ask, labels: Labels::parse(labels) };
    let said = kv.ask_labelled(&store("carts"), ask, PLENTY).await?;
    Ok((said.value, said.labels.to_string()))
}

async fn labels(kv: &dyn KeyValue, keys: &[&str]) -> Result<String, Error> {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    Ok(ask(kv, Ask::Get { keys }, "iban.token").await?.1)
}

pub(super) async fn kept(kv: &dyn KeyValue) -> Result<()> {
    let at = store("carts");
    let put = |key: &str| Ask::Write { changes: vec![set(key, b"1")] };
    write(kv, &at, &[set("plain", b"1")]).await?;
    ensure!(ask(kv, put("a"), "pan.card,email.token").await? == (Reply::Done, String::new()));
    ask(kv, put("b"), "pan.token").await?;
    ensure!(labels(kv, &["plain", "none"]).await?.is_empty(), "whoever reads gives none");
    ensure!(labels(kv, &["a"]).await? == "email.token,pan.card");
    ensure!(labels(kv, &["b", "plain", "a"]).await? == "email.token,pan.card,pan.token");
    ensure!(value(kv, &at, "a").await? == Some(Bytes::from_static(b"1")), "beside the value");
    // Three bytes of keys and values, eight of the other key, and the labels behind their length.
    let held = Size { keys: 3, bytes: 2 + 2 + 6 + (5 + 20) + (5 + 9) };
    ensure!(kv.size(&at).await? == held, "{:?}", kv.size(&at).await?);

    let add = || Ask::Add { key: "a".to_owned(), delta: 2 };
    let (sum, seen) = ask(kv, add(), "ip.clear").await?;
    ensure!((sum, &*seen) == (Reply::Number(3), "email.token,pan.card"), "{seen}");
    ensure!(labels(kv, &["a"]).await? == "email.token,ip.clear,pan.card", "a sum has both");

    let swap = |version| Ask::Swap { key: "b".to_owned(), version, value: Bytes::new() };
    let (Reply::Swapped(Err(Some(cell))), seen) = ask(kv, swap(None), "").await? else {
        bail!("it is there")
    };
    ensure!(seen == "pan.token", "what is there instead was read: {seen}");
    let (Reply::Swapped(Ok(_)), seen) = ask(kv, swap(Some(cell.version)), "").await? else {
        bail!("it was that one")
    };
    ensure!(seen.is_empty() && labels(kv, &["b"]).await?.is_empty(), "another value is there");
    write(kv, &at, &[delete("a"), set("a", b"1")]).await?;
    ensure!(labels(kv, &["a"]).await?.is_empty());
    ensure!(kv.size(&at).await? == Size { keys: 3, bytes: 2 + 1 + 6 });
    Ok(())
}
