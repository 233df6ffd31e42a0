//! The rule for what is kept beside a function.

use super::access::{new_grants, sorted};
use super::{Outcome, Sha256, View, changed, refused};
use crate::act::{Changes, LeafAct, Listed, Rights};
use crate::beside::{Beside, BesideRow};
use crate::{Code, FunctionName, FunctionRef, Grant, Problem, Scope};

/// Replaces the document of a function that is there, if it is the one that was seen, with the
/// grants that come and go with that.
pub(super) fn put<V: View>(
    view: &V,
    scope: &Scope,
    (function, what): (FunctionName, String),
    beside: Beside,
    rights: Rights,
    sha256: Sha256,
) -> Result<Outcome, V::Error> {
    let Some(owner) = view.owner(&function)? else {
        return refused(Code::NoSuchFunction, function.to_string());
    };
    let seen = beside.number;
    let there = view.beside(&function)?.map_or(0, |beside| beside.number);
    if seen != there {
        return refused(Code::DeployConflict, format!("`{function}` was changed meanwhile"));
    }
    if let Some(why) = beside.wrong() {
        return refused(Code::ManifestValue, format!("`{function}`: {why}"));
    }
    let (grants_put, grants_gone) = came_and_went(view, &function, rights)?;
    let next = there.checked_add(1);
    let number = next.ok_or_else(|| Problem::new(Code::Internal).internal("out of numbers"))?;
    let beside = Beside { number, ..beside };
    let mut pinned = Vec::new();
    for revision in beside.revisions() {
        let Some(mut row) = view.revision_row(&function, revision)? else {
            let why = format!("`{function}` has no revision {revision}");
            return refused(Code::NoSuchRevision, why);
        };
        row.application = owner.clone();
        pinned.push(row);
    }
    let bytes = serde_json::to_vec(&beside)
        .map_err(|error| Problem::new(Code::Internal).internal(error))?;
    let listed = |grants: &[Grant]| (!grants.is_empty()).then(|| Listed::of(grants, sha256));
    let act = LeafAct::Beside {
        function: function.clone(),
        what,
        number,
        sha256: sha256(&bytes),
        granted: listed(&grants_put),
        revoked: listed(&grants_gone),
    };
    let function = FunctionRef { scope: scope.clone(), name: function };
    let row = BesideRow { function, beside, pinned };
    let beside_put = vec![row];
    Ok(changed(act, Changes { beside_put, grants_put, grants_gone, ..Changes::default() }))
}

/// The grants that are written and those that end.
fn came_and_went<V: View>(
    view: &V,
    function: &FunctionName,
    rights: Rights,
) -> Result<(Vec<Grant>, Vec<Grant>), V::Error> {
    let wanted = sorted(rights.put);
    let exists = |name: &FunctionName| Ok(view.owner(name)?.is_some());
    let new = new_grants(view, wanted.clone(), exists, |_, _| Ok(false), |_| Ok(false))?;
    // Whoever made the others must keep them when the document takes its own back.
    if new.len() != wanted.len() {
        return refused(Code::DeployConflict, format!("`{function}` was granted meanwhile"));
    }
    let mut gone = Vec::new();
    for grant in sorted(rights.gone) {
        if !new.contains(&grant) && view.granted(&grant)? {
            gone.push(grant);
        }
    }
    Ok((new, gone))
}
