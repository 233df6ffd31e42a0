//! The rules for grants and tokens.
//!
//! Invariant: a grant names only functions, tokens and triggers that exist, so that nobody who takes
//! such a name later inherits it.

use super::{Outcome, Sha256, View, changed, refused};
use crate::act::{Changes, LeafAct, Listed};
use crate::token::TokenRow;
use crate::{
    Action, ApplicationName, Code, FunctionName, FunctionRow, Grant, Principal, Problem, TokenName,
    TriggerName,
};
use std::collections::BTreeSet;

pub(super) fn grant<V: View>(view: &V, grant: Grant) -> Result<Outcome, V::Error> {
    let exists = |name: &FunctionName| Ok(view.owner(name)?.is_some());
    let declares = |function: &FunctionName, name: &TriggerName| {
        let Some(owner) = view.owner(function)? else { return Ok(false) };
        let active = view.application(&owner)?.and_then(|state| state.active);
        let rows = active.map(|number| view.deployment(&owner, number)).transpose()?.flatten();
        Ok(declared(&rows.unwrap_or_default(), function, name))
    };
    let there = |name: &ApplicationName| {
        Ok(view.application(name)?.is_some_and(|state| state.active.is_some()))
    };
    let new = new_grants(view, vec![grant.clone()], exists, declares, there)?;
    if new.is_empty() {
        return Ok(Outcome::Unchanged { deployment: None });
    }
    let changes = Changes { grants_put: new, ..Changes::default() };
    Ok(changed(LeafAct::Grant { grant }, changes))
}

pub(super) fn revoke<V: View>(view: &V, grant: Grant) -> Result<Outcome, V::Error> {
    if !view.granted(&grant)? {
        return refused(Code::NoSuchGrant, format!("`{grant}`"));
    }
    let changes = Changes { grants_gone: vec![grant.clone()], ..Changes::default() };
    Ok(changed(LeafAct::Revoke { grant }, changes))
}

pub(super) fn token_create<V: View>(
    view: &V,
    token: TokenRow,
    invoke: Vec<FunctionName>,
    sha256: Sha256,
) -> Result<Outcome, V::Error> {
    if view.token(&token.name)? || view.token_id(&token.id)? {
        return refused(Code::TokenTaken, format!("`{}`", token.name));
    }
    let invoke: Vec<FunctionName> = sorted(invoke);
    let mut grants = Vec::with_capacity(invoke.len());
    for function in &invoke {
        if view.owner(function)?.is_none() {
            return refused(Code::NoSuchFunction, format!("`{function}`"));
        }
        grants.push(Grant {
            who: Principal::Token(token.name.clone()),
            action: Action::Invoke { function: function.clone() },
        });
    }
    let act = LeafAct::TokenCreate {
        name: token.name.clone(),
        id: token.id.clone(),
        expires: token.expires,
        invoke: Listed::of(&invoke, sha256),
        aws: token.key.is_some(),
        manage: token.key.as_ref().is_some_and(|key| key.manages),
    };
    let changes = Changes { grants_put: grants, tokens_put: vec![token], ..Changes::default() };
    Ok(changed(act, changes))
}

pub(super) fn token_revoke<V: View>(
    view: &V,
    name: TokenName,
    sha256: Sha256,
) -> Result<Outcome, V::Error> {
    if !view.token(&name)? {
        return refused(Code::NoSuchToken, format!("`{name}`"));
    }
    let grants = sorted(view.grants_to(&name)?);
    let act = LeafAct::TokenRevoke { name: name.clone(), grants: Listed::of(&grants, sha256) };
    let changes = Changes { grants_gone: grants, tokens_gone: vec![name], ..Changes::default() };
    Ok(changed(act, changes))
}

/// Those of `grants` that are not there yet, sorted, each checked to name only what exists.
pub(super) fn new_grants<V: View>(
    view: &V,
    grants: Vec<Grant>,
    exists: impl Fn(&FunctionName) -> Result<bool, V::Error>,
    declares: impl Fn(&FunctionName, &TriggerName) -> Result<bool, V::Error>,
    there: impl Fn(&ApplicationName) -> Result<bool, V::Error>,
) -> Result<Vec<Grant>, V::Error> {
    let mut new = Vec::new();
    for grant in sorted(grants) {
        let grant = grant.checked().map_err(|error| Problem::new(Code::BadGrant).detail(error))?;
        if let Principal::Token(name) = &grant.who
            && !view.token(name)?
        {
            return refused(Code::NoSuchToken, format!("`{name}`"));
        }
        for function in functions_of(&grant) {
            if !exists(function)? {
                return refused(Code::NoSuchFunction, format!("`{function}`"));
            }
        }
        if let (Principal::Trigger(name), Some(function)) = (&grant.who, grant.action.function())
            && !declares(function, name)?
        {
            let why = format!("`{function}` declares no trigger `{name}`");
            return refused(Code::NoSuchTrigger, why);
        }
        if let Action::Publish { application } = &grant.action
            && !there(application)?
        {
            return refused(Code::NoSuchFunction, format!("application `{application}`"));
        }
        if !view.granted(&grant)? {
            new.push(grant);
        }
    }
    Ok(new)
}

/// Whether one of these functions is called so and has a trigger of this name.
pub(super) fn declared(rows: &[FunctionRow], function: &FunctionName, name: &TriggerName) -> bool {
    let mut own = rows.iter().filter(|row| row.function.name == *function);
    own.any(|row| row.spec.triggers().any(|(own, _)| own == name))
}

/// The functions that a grant names, as subject or object.
fn functions_of(grant: &Grant) -> impl Iterator<Item = &FunctionName> {
    let subject = match &grant.who {
        Principal::Function(name) => Some(name),
        _ => None,
    };
    subject.into_iter().chain(grant.action.function())
}

/// The same items in order, each once.
pub(super) fn sorted<T: Ord>(items: Vec<T>) -> Vec<T> {
    items.into_iter().collect::<BTreeSet<T>>().into_iter().collect()
}
