//! `wasi:keyvalue@0.2.0-draft2`, apart from compare-and-swap.

use crate::ask::{Ask, shown};
use crate::bindings::wasi::keyvalue0_2_0_draft2::{atomics, batch, store};
use store::Error;

/// Does what is asked, in words.
pub fn answer(ask: &Ask) -> String {
    done(ask).unwrap_or_else(said)
}

/// An error in words.
pub fn said(error: Error) -> String {
    match error {
        Error::NoSuchStore => "no such store".to_owned(),
        Error::AccessDenied => "access denied".to_owned(),
        Error::Other(why) => format!("other: {why}"),
    }
}

fn done(ask: &Ask) -> Result<String, Error> {
    let bucket = store::open(&ask.text("store"))?;
    let key = ask.text("key");
    Ok(match ask.way.as_str() {
        "open" => "opened".to_owned(),
        "get" => shown(bucket.get(&key)?),
        "set" => bucket.set(&key, &ask.value()).map(|()| "set".to_owned())?,
        "delete" => bucket.delete(&key).map(|()| "deleted".to_owned())?,
        "exists" => bucket.exists(&key)?.to_string(),
        "increment" => atomics::increment(&bucket, &key, ask.number("by"))?.to_string(),
        "get-many" => {
            let pairs = batch::get_many(&bucket, &ask.list("keys"))?;
            let pair = |(key, value)| format!("{key}={}", shown(value));
            pairs.into_iter().map(pair).collect::<Vec<_>>().join(" ")
        }
        "set-many" => {
            let pairs = ask.list("keys").into_iter().map(|key| (key, ask.value()));
            batch::set_many(&bucket, &pairs.collect::<Vec<_>>()).map(|()| "set".to_owned())?
        }
        "delete-many" => {
            batch::delete_many(&bucket, &ask.list("keys")).map(|()| "deleted".to_owned())?
        }
        "list" => list(&bucket)?,
        "list-from" => format!("{:?}", bucket.list_keys(Some(&ask.text("cursor")))?.keys),
        _ => "there is no such way".to_owned(),
    })
}

/// Lists everything: how many keys each page has, and the first and the last key.
fn list(bucket: &store::Bucket) -> Result<String, Error> {
    let (mut pages, mut keys, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page = bucket.list_keys(cursor.as_deref())?;
        pages.push(page.keys.len());
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(format!("{pages:?} {:?} {:?}", keys.first(), keys.last()));
        }
    }
}
