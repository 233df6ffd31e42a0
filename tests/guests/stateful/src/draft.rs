//! `wasi:keyvalue@0.2.0-draft`.

use crate::ask::{Ask, shown};
use crate::bindings::wasi::keyvalue0_2_0_draft::{atomics, batch, store};
use store::Error;

/// Does what is asked, in words.
pub fn answer(ask: &Ask) -> String {
    done(ask).unwrap_or_else(|error| match error {
        Error::NoSuchStore => "no such store".to_owned(),
        Error::AccessDenied => "access denied".to_owned(),
        Error::Other(why) => format!("other: {why}"),
    })
}

fn done(ask: &Ask) -> Result<String, Error> {
    let bucket = store::open(&ask.text("store"))?;
    let key = ask.text("key");
    Ok(match ask.way.as_str() {
        "open" => "opened".to_owned(),
        "get" => shown(bucket.get(&key)?),
        // For the bench: five asks of one request.
        "five" => {
            let found = (0..5).map(|_| Ok(bucket.get(&key)?.is_some()));
            let found = found.collect::<Result<Vec<bool>, Error>>()?;
            format!("{} of 5", found.iter().filter(|found| **found).count())
        }
        "set" => bucket.set(&key, &ask.value()).map(|()| "set".to_owned())?,
        "delete" => bucket.delete(&key).map(|()| "deleted".to_owned())?,
        "exists" => bucket.exists(&key)?.to_string(),
        "increment" => atomics::increment(&bucket, &key, ask.number("by"))?.to_string(),
        "get-many" => {
            let pairs = batch::get_many(&bucket, &ask.list("keys"))?;
            let pair = |pair: Option<(String, Vec<u8>)>| match pair {
                Some((key, value)) => format!("{key}={}", shown(Some(value))),
                None => "nothing".to_owned(),
            };
            pairs.into_iter().map(pair).collect::<Vec<_>>().join(" ")
        }
        "set-many" => {
            let pairs = ask.list("keys").into_iter().map(|key| (key, ask.value()));
            batch::set_many(&bucket, &pairs.collect::<Vec<_>>()).map(|()| "set".to_owned())?
        }
        "delete-many" => {
            batch::delete_many(&bucket, &ask.list("keys")).map(|()| "deleted".to_owned())?
        }
        "fill" => fill(&bucket, ask.number("count"))?,
        "list" => list(&bucket)?,
        "list-from" => format!("{:?}", bucket.list_keys(Some(ask.number("cursor")))?.keys),
        "list-other" => {
            let cursor = bucket.list_keys(None)?.cursor;
            format!("{:?}", store::open(&ask.text("other"))?.list_keys(cursor)?.keys)
        }
        "handles" => {
            let many: Result<Vec<_>, _> = (0..100_000).map(|_| store::open("default")).collect();
            format!("{} handles", many?.len())
        }
        _ => "there is no such way".to_owned(),
    })
}

/// Writes keys `0000`, `0001`, and so on.
fn fill(bucket: &store::Bucket, count: usize) -> Result<String, Error> {
    let pairs: Vec<_> = (0..count).map(|n| (format!("{n:04}"), Vec::new())).collect();
    for part in pairs.chunks(500) {
        batch::set_many(bucket, part)?;
    }
    Ok(format!("{count} keys"))
}

/// Lists everything: how many keys each page has, and the first and the last key.
fn list(bucket: &store::Bucket) -> Result<String, Error> {
    let (mut pages, mut keys, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page = bucket.list_keys(cursor)?;
        pages.push(page.keys.len());
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(format!("{pages:?} {:?} {:?}", keys.first(), keys.last()));
        }
    }
}
