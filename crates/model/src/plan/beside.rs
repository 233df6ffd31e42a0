//! The rule for what is kept beside a function.

use super::{Outcome, Sha256, View, changed, refused};
use crate::act::{Changes, LeafAct};
use crate::beside::{Beside, BesideRow};
use crate::{Code, FunctionName, FunctionRef, Problem, Scope};

/// Replaces the document of a function that is there, if it is the one that was seen.
pub(super) fn put<V: View>(
    view: &V,
    scope: &Scope,
    function: FunctionName,
    what: String,
    beside: Beside,
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
    let act = LeafAct::Beside { function: function.clone(), what, number, sha256: sha256(&bytes) };
    let function = FunctionRef { scope: scope.clone(), name: function };
    let row = BesideRow { function, beside, pinned };
    Ok(changed(act, Changes { beside_put: vec![row], ..Changes::default() }))
}
