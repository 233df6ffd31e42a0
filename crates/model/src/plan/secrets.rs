//! The rules for secrets.
//!
//! A version's number is given once: it goes on after a removal, so that no sealed value of before
//! fits into the place of a later one.

use super::{Outcome, View, changed, refused};
use crate::Code;
use crate::act::{Changes, LeafAct};
use crate::key::Epoch;
use crate::name::SecretName;
use crate::token::TokenRow;
use crate::vault::{Sealed, SecretRow};

pub(super) fn put<V: View>(view: &V, row: SecretRow, rotate: bool) -> Result<Outcome, V::Error> {
    let SecretRow { name, version, .. } = row.clone();
    let held = view.secret(&name)?;
    let there = held.as_ref().is_some_and(SecretRow::is_set);
    let last = held.map_or(0, |held| held.version);
    if there && !rotate {
        return refused(Code::SecretTaken, format!("`{name}` has version {last}"));
    }
    if !there && rotate {
        return refused(Code::NoSuchSecret, format!("`{name}`"));
    }
    if version != last.saturating_add(1) {
        let why = format!("`{name}` has version {last} by now, and {version} was to be set");
        return refused(Code::SecretTaken, why);
    }
    let act = match rotate {
        true => LeafAct::SecretRotate { name, version },
        false => LeafAct::SecretSet { name, version },
    };
    Ok(changed(act, Changes { secrets_put: vec![row], ..Changes::default() }))
}

/// Takes those that are still what they were when they were sealed anew. Of the others somebody
/// took care meanwhile: what is written is sealed with the newest epoch.
pub(super) fn reseal<V: View>(
    view: &V,
    epoch: Epoch,
    secrets: Vec<SecretRow>,
    tokens: Vec<TokenRow>,
) -> Result<Outcome, V::Error> {
    let mut changes = Changes::default();
    for row in secrets {
        let same = |held: &SecretRow| {
            held.is_set() && held.version == row.version && held.epoch < row.epoch
        };
        if view.secret(&row.name)?.as_ref().is_some_and(same) {
            changes.secrets_put.push(row);
        }
    }
    for row in tokens {
        // No id is given twice, and the name of a token does not change.
        if view.token(&row.name)? && view.token_id(&row.id)? {
            changes.tokens_resealed.push(row);
        }
    }
    let (secrets, keys) = (changes.secrets_put.len() as u64, changes.tokens_resealed.len() as u64);
    if secrets + keys == 0 {
        return Ok(Outcome::Unchanged { deployment: None });
    }
    Ok(changed(LeafAct::KeyReseal { epoch: epoch.0, secrets, keys }, changes))
}

pub(super) fn remove<V: View>(view: &V, name: SecretName) -> Result<Outcome, V::Error> {
    let Some(held) = view.secret(&name)?.filter(SecretRow::is_set) else {
        return refused(Code::NoSuchSecret, format!("`{name}`"));
    };
    let act = LeafAct::SecretRemove { name, version: held.version };
    let gone = SecretRow { sealed: Sealed::default(), ..held };
    Ok(changed(act, Changes { secrets_put: vec![gone], ..Changes::default() }))
}
