//! One scope's rows in memory: what the rules look at, and how a plan changes them.
//!
//! Invariant: an active function's revision and an application's active deployment are kept rows.

use crate::registry::{By, Referred, ScopeState};
use model::act::Changes;
use model::beside::{Beside, BesideRow};
use model::manifest::Manifest;
use model::plan::{Activation, ApplicationState, Plan, RouteKey, View};
use model::revision::{DeploymentRow, RevisionRow};
use model::token::{TokenId, TokenRow};
use model::{
    Action, ApplicationName, Digest, FunctionName, FunctionRow, Grant, Principal, Problem, Scope,
    SecretName, SecretRow, Timestamp, TokenName,
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that one scope keeps.
#[derive(Default)]
pub(super) struct Rows {
    applications: BTreeMap<ApplicationName, Application>,
    functions: BTreeMap<FunctionName, FunctionRow>,
    revisions: BTreeMap<FunctionName, Vec<Revision>>,
    grants: BTreeSet<Grant>,
    tokens: BTreeMap<TokenName, TokenRow>,
    secrets: BTreeMap<SecretName, SecretRow>,
    beside: BTreeMap<FunctionName, BesideRow>,
}

#[derive(Default)]
struct Application {
    active: Option<u32>,
    deployments: BTreeMap<u32, Deployment>,
}

struct Deployment {
    created: Timestamp,
    by: String,
    manifest: Manifest,
    functions: Vec<FunctionRow>,
}

struct Revision {
    row: FunctionRow,
    created: Timestamp,
}

impl Rows {
    pub(super) fn token_ids(&self) -> impl Iterator<Item = TokenId> {
        self.tokens.values().map(|token| token.id.clone())
    }

    /// Notes what the revisions refer to.
    pub(super) fn refer(&self, referred: &mut Referred) {
        for Revision { row, .. } in self.revisions.values().flatten() {
            referred.add(row.artifact, &row.spec);
        }
    }

    /// Whether nothing is active here.
    pub(super) fn is_idle(&self) -> bool {
        self.functions.is_empty()
            && self.grants.is_empty()
            && self.tokens.is_empty()
            && self.secrets.is_empty()
    }

    pub(super) fn active(&self, scope: &Scope) -> ScopeState {
        ScopeState {
            scope: scope.clone(),
            functions: self.functions.values().cloned().collect(),
            grants: self.grants.iter().cloned().collect(),
            tokens: self.tokens.values().cloned().collect(),
            secrets: self.secrets.values().cloned().collect(),
            beside: self.beside.values().cloned().collect(),
        }
    }

    pub(super) fn revisions(&self, function: &FunctionName) -> Vec<RevisionRow> {
        let active = self.functions.get(function).map(|row| row.revision);
        let kept = self.revisions.get(function).map(Vec::as_slice).unwrap_or_default();
        let row = |Revision { row, created }: &Revision| RevisionRow {
            revision: row.revision,
            digest: row.digest,
            artifact: row.artifact,
            deployment: row.deployment,
            created: *created,
            active: active == Some(row.revision),
        };
        kept.iter().rev().map(row).collect()
    }

    pub(super) fn deployments(&self, application: &ApplicationName) -> Vec<DeploymentRow> {
        let Some(application) = self.applications.get(application) else { return Vec::new() };
        let row = |(number, deployment): (&u32, &Deployment)| DeploymentRow {
            deployment: *number,
            created: deployment.created,
            by: deployment.by.clone(),
            active: application.active == Some(*number),
            manifest: deployment.manifest.clone(),
        };
        application.deployments.iter().rev().map(row).collect()
    }

    pub(super) fn apply(&mut self, plan: Plan, by: &By) {
        for row in plan.revisions {
            let kept = self.revisions.entry(row.function.name.clone()).or_default();
            kept.push(Revision { row, created: by.at });
        }
        if let Some(activation) = plan.activation {
            self.activate(activation, &plan.changes, by);
        }
        let Changes {
            grants_put,
            grants_gone,
            tokens_put,
            tokens_resealed,
            tokens_gone,
            secrets_put,
            beside_put,
            ..
        } = plan.changes;
        self.grants.retain(|grant| !grants_gone.contains(grant));
        self.grants.extend(grants_put);
        for name in tokens_gone {
            self.tokens.remove(&name);
        }
        let tokens_put = tokens_put.into_iter().chain(tokens_resealed);
        self.tokens.extend(tokens_put.map(|token| (token.name.clone(), token)));
        self.secrets.extend(secrets_put.into_iter().map(|row| (row.name.clone(), row)));
        self.beside.retain(|name, _| self.functions.contains_key(name));
        self.beside.extend(beside_put.into_iter().map(|row| (row.name().clone(), row)));
    }

    fn activate(&mut self, activation: Activation, changes: &Changes, by: &By) {
        let Activation { application: name, deployment, made } = activation;
        self.functions.retain(|_, row| row.application != name);
        for row in &changes.functions_put {
            self.functions.insert(row.function.name.clone(), row.clone());
        }
        let application = self.applications.entry(name).or_default();
        application.active = deployment;
        if let (Some(number), Some(manifest)) = (deployment, made) {
            let functions = changes.functions_put.clone();
            let kept = Deployment { created: by.at, by: by.actor.clone(), manifest, functions };
            application.deployments.insert(number, kept);
        }
    }
}

/// What the rules see of one scope.
pub(super) struct Seen<'a> {
    pub(super) rows: &'a Rows,
    /// The public parts of the tokens of all scopes.
    pub(super) ids: BTreeSet<TokenId>,
    pub(super) ledger_empty: bool,
}

impl View for Seen<'_> {
    type Error = Problem;

    fn application(&self, name: &ApplicationName) -> Result<Option<ApplicationState>, Problem> {
        Ok(self.rows.applications.get(name).map(|application| ApplicationState {
            active: application.active,
            last: application.deployments.keys().next_back().copied().unwrap_or(0),
        }))
    }

    fn members(&self, name: &ApplicationName) -> Result<Vec<FunctionName>, Problem> {
        let members = self.rows.functions.values().filter(|row| row.application == *name);
        Ok(members.map(|row| row.function.name.clone()).collect())
    }

    fn deployment(
        &self,
        name: &ApplicationName,
        deployment: u32,
    ) -> Result<Option<Vec<FunctionRow>>, Problem> {
        let application = self.rows.applications.get(name);
        Ok(application
            .and_then(|application| application.deployments.get(&deployment))
            .map(|deployment| deployment.functions.clone()))
    }

    fn deployment_before(
        &self,
        name: &ApplicationName,
        deployment: u32,
    ) -> Result<Option<u32>, Problem> {
        let application = self.rows.applications.get(name);
        Ok(application.and_then(|application| {
            application.deployments.range(..deployment).next_back().map(|(number, _)| *number)
        }))
    }

    fn owner(&self, function: &FunctionName) -> Result<Option<ApplicationName>, Problem> {
        Ok(self.rows.functions.get(function).map(|row| row.application.clone()))
    }

    fn route(&self, key: &RouteKey) -> Result<Option<(ApplicationName, FunctionName)>, Problem> {
        let holds = |row: &&FunctionRow| {
            row.spec.http.iter().any(|trigger| RouteKey::of(&trigger.route) == *key)
        };
        let holder = self.rows.functions.values().find(holds);
        Ok(holder.map(|row| (row.application.clone(), row.function.name.clone())))
    }

    fn revision(&self, function: &FunctionName, digest: Digest) -> Result<Option<u32>, Problem> {
        let kept = self.rows.revisions.get(function).map(Vec::as_slice).unwrap_or_default();
        let same = kept.iter().find(|revision| revision.row.digest == digest);
        Ok(same.map(|revision| revision.row.revision))
    }

    fn revision_last(&self, function: &FunctionName) -> Result<u32, Problem> {
        let kept = self.rows.revisions.get(function).and_then(|kept| kept.last());
        Ok(kept.map_or(0, |revision| revision.row.revision))
    }

    fn revision_row(
        &self,
        function: &FunctionName,
        revision: u32,
    ) -> Result<Option<FunctionRow>, Problem> {
        let kept = self.rows.revisions.get(function).map(Vec::as_slice).unwrap_or_default();
        let found = kept.iter().find(|kept| kept.row.revision == revision);
        Ok(found.map(|kept| kept.row.clone()))
    }

    fn beside(&self, function: &FunctionName) -> Result<Option<Beside>, Problem> {
        Ok(self.rows.beside.get(function).map(|row| row.beside.clone()))
    }

    fn granted(&self, grant: &Grant) -> Result<bool, Problem> {
        Ok(self.rows.grants.contains(grant))
    }

    fn grants_about(&self, function: &FunctionName) -> Result<Vec<Grant>, Problem> {
        let about = |grant: &&Grant| {
            let subject = matches!(&grant.who, Principal::Function(name) if name == function);
            let object = grant.action.function() == Some(function);
            subject || object
        };
        Ok(self.rows.grants.iter().filter(about).cloned().collect())
    }

    fn grants_of(&self, application: &ApplicationName) -> Result<Vec<Grant>, Problem> {
        let of = |grant: &&Grant| matches!(&grant.action, Action::Publish { application: to } if to == application);
        Ok(self.rows.grants.iter().filter(of).cloned().collect())
    }

    fn grants_to(&self, token: &TokenName) -> Result<Vec<Grant>, Problem> {
        let to = |grant: &&Grant| matches!(&grant.who, Principal::Token(name) if name == token);
        Ok(self.rows.grants.iter().filter(to).cloned().collect())
    }

    fn token(&self, name: &TokenName) -> Result<bool, Problem> {
        Ok(self.rows.tokens.contains_key(name))
    }

    fn token_id(&self, id: &TokenId) -> Result<bool, Problem> {
        Ok(self.ids.contains(id))
    }

    fn secret(&self, name: &SecretName) -> Result<Option<SecretRow>, Problem> {
        Ok(self.rows.secrets.get(name).cloned())
    }

    fn ledger_empty(&self) -> Result<bool, Problem> {
        Ok(self.ledger_empty)
    }
}
