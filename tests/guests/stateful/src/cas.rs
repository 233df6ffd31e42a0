//! Compare-and-swap of `wasi:keyvalue@0.2.0-draft2`.

use crate::ask::{Ask, shown};
use crate::bindings::wasi::keyvalue0_2_0_draft2::{atomics, store};
use crate::draft2::said;
use atomics::{Cas, CasError};
use store::{Bucket, Error};

/// Does what is asked, in words.
pub fn answer(ask: &Ask) -> String {
    done(ask).unwrap_or_else(said)
}

fn done(ask: &Ask) -> Result<String, Error> {
    let bucket = store::open(&ask.text("store"))?;
    let key = ask.text("key");
    let cas = Cas::new(&bucket, &key)?;
    match ask.way.as_str() {
        // Nobody is in between.
        "alone" => {
            let before = shown(cas.current()?);
            Ok(format!("{before}, {}", swapped(cas, ask)?))
        }
        // Somebody is, and the value is not looked at before.
        "blind" => {
            bucket.set(&key, b"other")?;
            swapped(cas, ask)
        }
        // Somebody is, and leaves the same value as before.
        "back" => {
            let before = cas.current()?.unwrap_or_default();
            bucket.set(&key, b"other")?;
            bucket.set(&key, &before)?;
            swapped(cas, ask)
        }
        // Somebody is, before the value is looked at.
        "looked" => {
            bucket.set(&key, b"other")?;
            let before = shown(cas.current()?);
            Ok(format!("{before}, {}", swapped(cas, ask)?))
        }
        // Somebody removes the key.
        "removed" => {
            bucket.delete(&key)?;
            swapped(cas, ask)
        }
        _ => again(&bucket, cas, ask),
    }
}

/// Loses once, and tries again with the handle that it is given.
fn again(bucket: &Bucket, cas: Cas, ask: &Ask) -> Result<String, Error> {
    bucket.set(&ask.text("key"), b"other")?;
    match atomics::swap(cas, &ask.value()) {
        Err(CasError::CasFailed(cas)) => {
            let before = shown(cas.current()?);
            Ok(format!("lost, {before}, {}", swapped(cas, ask)?))
        }
        Err(CasError::StoreError(error)) => Err(error),
        Ok(()) => Ok("won".to_owned()),
    }
}

fn swapped(cas: Cas, ask: &Ask) -> Result<String, Error> {
    match atomics::swap(cas, &ask.value()) {
        Ok(()) => Ok("won".to_owned()),
        Err(CasError::CasFailed(_)) => Ok("lost".to_owned()),
        Err(CasError::StoreError(error)) => Err(error),
    }
}
