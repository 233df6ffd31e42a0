//! The rules for applications: deploy, rollback and remove.
//!
//! Invariant: after any of them, a function name has one owner and a route one answerer.

use super::access::{declared, new_grants, sorted};
use super::{Activation, Outcome, Plan, RouteKey, Sha256, View, refused};
use crate::act::{Changes, LeafAct, LeafFunction, Listed};
use crate::manifest::{FunctionSpec, Manifest};
use crate::{
    ApplicationName, Code, Digest, FunctionName, FunctionRef, FunctionRow, Grant, Principal,
    Problem, Scope, TriggerName,
};
use std::collections::BTreeSet;

/// What the rules below work with.
pub(super) struct Deploy<'a, V> {
    pub(super) view: &'a V,
    pub(super) scope: &'a Scope,
    pub(super) sha256: Sha256,
}

/// The difference that a set of functions makes to an application.
struct Difference {
    gone: Vec<FunctionName>,
    grants_gone: Vec<Grant>,
}

impl<V: View> Deploy<'_, V> {
    pub(super) fn deploy(
        &self,
        manifest: Manifest,
        expected: Option<u32>,
        grants: Vec<Grant>,
    ) -> Result<Outcome, V::Error> {
        let application = manifest.application.clone();
        let state = self.view.application(&application)?.unwrap_or_default();
        let active = state.active.unwrap_or(0);
        if let Some(expected) = expected.filter(|expected| *expected != active) {
            let why = format!("deployment {active} is active, not {expected}");
            return refused(Code::DeployConflict, why);
        }
        let deployment = next(state.last)?;
        let (rows, revisions) = self.rows(&manifest, deployment)?;
        self.check(&application, &rows)?;
        let difference = self.difference(&application, &rows)?;
        let names: BTreeSet<&FunctionName> = rows.iter().map(|row| &row.function.name).collect();
        let exists = |name: &FunctionName| {
            // What is about to go is owned by this application still, and is not in `names`.
            let owner = self.view.owner(name)?;
            Ok(names.contains(name) || owner.is_some_and(|owner| owner != application))
        };
        let declares =
            |function: &FunctionName, name: &TriggerName| Ok(declared(&rows, function, name));
        let there = |name: &ApplicationName| {
            let state = self.view.application(name)?;
            Ok(*name == application || state.is_some_and(|state| state.active.is_some()))
        };
        let grants = new_grants(self.view, grants, exists, declares, there)?;
        let functions: Vec<_> = rows.iter().map(leaf_function).collect();
        let act = LeafAct::Deploy {
            application: application.clone(),
            deployment,
            manifest: (self.sha256)(&json(&manifest)?),
            functions: Listed::of(&functions, self.sha256),
            removed: Listed::of(&difference.gone, self.sha256),
            grants: Listed::of(&grants, self.sha256),
        };
        let activation =
            Activation { application, deployment: Some(deployment), made: Some(manifest) };
        let mut changes = self.changes(rows, difference);
        changes.grants_put = grants;
        Ok(planned(act, activation, revisions, changes))
    }

    pub(super) fn rollback(
        &self,
        application: ApplicationName,
        to: Option<u32>,
    ) -> Result<Outcome, V::Error> {
        let Some(state) = self.view.application(&application)? else {
            return refused(Code::NoSuchFunction, format!("application `{application}`"));
        };
        let from = state.active.unwrap_or(0);
        let to = match to {
            Some(to) => Some(to),
            None => self.view.deployment_before(&application, from)?,
        };
        let Some(to) = to else {
            let why = format!("nothing lies before deployment {from} of `{application}`");
            return refused(Code::NoSuchRevision, why);
        };
        if state.active == Some(to) {
            return Ok(Outcome::Unchanged { deployment: Some(to) });
        }
        let Some(rows) = self.view.deployment(&application, to)? else {
            let why = format!("`{application}` has no deployment {to}");
            return refused(Code::NoSuchRevision, why);
        };
        self.check(&application, &rows)?;
        let difference = self.difference(&application, &rows)?;
        let act = LeafAct::Rollback { application: application.clone(), from, to };
        let activation = Activation { application, deployment: Some(to), made: None };
        Ok(planned(act, activation, Vec::new(), self.changes(rows, difference)))
    }

    pub(super) fn remove(&self, application: ApplicationName) -> Result<Outcome, V::Error> {
        let state = self.view.application(&application)?.unwrap_or_default();
        if state.active.is_none() {
            return refused(Code::NoSuchFunction, format!("application `{application}`"));
        }
        let mut difference = self.difference(&application, &[])?;
        difference.grants_gone.extend(self.view.grants_of(&application)?);
        difference.grants_gone = sorted(difference.grants_gone);
        let act = LeafAct::Remove {
            application: application.clone(),
            functions: Listed::of(&difference.gone, self.sha256),
        };
        let activation = Activation { application, deployment: None, made: None };
        Ok(planned(act, activation, Vec::new(), self.changes(Vec::new(), difference)))
    }

    /// The manifest's functions as rows, sorted by name, and those of them whose content is new.
    fn rows(
        &self,
        manifest: &Manifest,
        deployment: u32,
    ) -> Result<(Vec<FunctionRow>, Vec<FunctionRow>), V::Error> {
        let members = manifest.members()?;
        let mut rows = Vec::with_capacity(members.len());
        let mut revisions = Vec::new();
        for spec in members {
            let spec = FunctionSpec { source: None, build: None, examples: Vec::new(), ..spec };
            let Some(artifact) = spec.digest else {
                return refused(Code::ArtifactMissing, format!("function `{}`", spec.name));
            };
            let digest = self.digest(&spec, artifact)?;
            let known = self.view.revision(&spec.name, digest)?;
            let revision = match known {
                Some(number) => number,
                None => next(self.view.revision_last(&spec.name)?)?,
            };
            let row = FunctionRow {
                function: FunctionRef { scope: self.scope.clone(), name: spec.name.clone() },
                application: manifest.application.clone(),
                deployment,
                revision,
                digest,
                artifact,
                spec,
            };
            if known.is_none() {
                revisions.push(row.clone());
            }
            rows.push(row);
        }
        rows.sort_by(|a, b| a.function.cmp(&b.function));
        revisions.sort_by(|a, b| a.function.cmp(&b.function));
        Ok((rows, revisions))
    }

    /// A revision's digest: SHA-256 over the settings as JSON without `source`, `build` and
    /// `digest`, a line feed, and the component's digest as text.
    fn digest(&self, spec: &FunctionSpec, artifact: Digest) -> Result<Digest, Problem> {
        let mut bytes = json(&FunctionSpec { digest: None, ..spec.clone() })?;
        bytes.push(b'\n');
        bytes.extend_from_slice(artifact.to_string().as_bytes());
        Ok((self.sha256)(&bytes))
    }

    /// Refuses names and routes that another application holds, or that occur twice.
    fn check(&self, application: &ApplicationName, rows: &[FunctionRow]) -> Result<(), V::Error> {
        let mut routes = BTreeSet::new();
        for (at, row) in rows.iter().enumerate() {
            let name = &row.function.name;
            // Rows are sorted, so a name that occurs twice stands beside itself.
            if at
                .checked_sub(1)
                .and_then(|at| rows.get(at))
                .is_some_and(|r| r.function.name == *name)
            {
                let why = format!("two functions are called `{name}`");
                return refused(Code::ManifestValue, why);
            }
            if let Some(owner) = self.view.owner(name)?.filter(|owner| owner != application) {
                let why = format!("`{name}` belongs to application `{owner}`");
                return refused(Code::FunctionTaken, why);
            }
            for trigger in &row.spec.http {
                let route = &trigger.route;
                let key = RouteKey::of(route);
                let holder = self.view.route(&key)?.filter(|(owner, _)| owner != application);
                if let Some((owner, function)) = holder {
                    let why =
                        format!("`{route}` is answered by `{function}` of application `{owner}`");
                    return refused(Code::RouteClash, why);
                }
                if !routes.insert(key) {
                    let why = format!("`{route}` is asked for twice");
                    return refused(Code::RouteClash, why);
                }
            }
        }
        Ok(())
    }

    /// What goes when the application consists of `rows` only.
    fn difference(
        &self,
        application: &ApplicationName,
        rows: &[FunctionRow],
    ) -> Result<Difference, V::Error> {
        let stay: BTreeSet<&FunctionName> = rows.iter().map(|row| &row.function.name).collect();
        let members = self.view.members(application)?;
        let gone = sorted(members.into_iter().filter(|name| !stay.contains(name)).collect());
        let mut grants_gone = Vec::new();
        for name in &gone {
            grants_gone.extend(self.view.grants_about(name)?);
        }
        grants_gone.extend(self.of_triggers_gone(application, rows)?);
        Ok(Difference { gone, grants_gone: sorted(grants_gone) })
    }

    /// Grants of triggers that functions had and have no longer.
    fn of_triggers_gone(
        &self,
        application: &ApplicationName,
        rows: &[FunctionRow],
    ) -> Result<Vec<Grant>, V::Error> {
        let active = self.view.application(application)?.and_then(|state| state.active);
        let Some(active) = active else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for before in self.view.deployment(application, active)?.unwrap_or_default() {
            let name = &before.function.name;
            let gone = |trigger: &TriggerName| !declared(rows, name, trigger);
            if !before.spec.triggers().any(|(trigger, _)| gone(trigger)) {
                continue;
            }
            let grants = self.view.grants_about(name)?.into_iter();
            found.extend(grants.filter(|grant| match &grant.who {
                Principal::Trigger(trigger) => {
                    grant.action.function() == Some(name) && gone(trigger)
                }
                _ => false,
            }));
        }
        Ok(found)
    }

    fn changes(&self, rows: Vec<FunctionRow>, difference: Difference) -> Changes {
        let reference = |name| FunctionRef { scope: self.scope.clone(), name };
        Changes {
            functions_put: rows,
            functions_gone: difference.gone.into_iter().map(reference).collect(),
            grants_gone: difference.grants_gone,
            ..Changes::default()
        }
    }
}

fn planned(
    act: LeafAct,
    activation: Activation,
    revisions: Vec<FunctionRow>,
    changes: Changes,
) -> Outcome {
    Outcome::Changed(Box::new(Plan { act, activation: Some(activation), revisions, changes }))
}

fn leaf_function(row: &FunctionRow) -> LeafFunction {
    LeafFunction {
        name: row.function.name.clone(),
        revision: row.revision,
        digest: row.digest,
        artifact: row.artifact,
    }
}

fn next(last: u32) -> Result<u32, Problem> {
    last.checked_add(1).ok_or_else(|| Problem::new(Code::Internal).internal("out of numbers"))
}

/// Canonical JSON: fields in the order of their declaration, no white space.
fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| Problem::new(Code::Internal).internal(error))
}
