//! Everything that is active, as an immutable snapshot that requests read without a lock.
//!
//! The registry is the truth; the catalog is its copy in memory, replaced as a whole after every
//! act, so that a request sees either all of a deployment or nothing of it.

use crate::assets::Shelf;
use crate::beside::Kept;
use crate::function::{Endpoint, Function, Standing, program};
use crate::readiness::Readiness;
use crate::router::Router;
use crate::secrets::Uses;
use crate::urls::{Addresses, addresses};
use identity::Tokens;
use model::act::Changes;
use model::token::TokenRow;
use model::{
    ApplicationName, FunctionName, FunctionRef, FunctionRow, Grant, Principal, Problem, Scope,
    SecretName, SecretRow, TriggerName,
};
use policy::{FunctionPolicies, Policies};
use ports::executor::{Program, Unit};
use ports::registry::ScopeState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The active state of every scope.
#[derive(Default)]
pub(crate) struct Catalog {
    scopes: BTreeMap<Scope, Arc<View>>,
    /// Readiness by component, so that functions of one component share it.
    readiness: HashMap<Program, Arc<Readiness>>,
    /// Scopes by the host names that their routes are for, wildcards among them.
    hosts: HashMap<String, Scope>,
    /// Whether any route says something to pages of other origins.
    crossings: bool,
    /// Addresses of functions, by their ids.
    pub(crate) addresses: Addresses,
}

/// The active state of one scope.
pub(crate) struct View {
    pub(crate) functions: BTreeMap<FunctionName, Arc<Function>>,
    pub(crate) grants: BTreeSet<Grant>,
    pub(crate) tokens: BTreeMap<model::TokenName, TokenRow>,
    /// Secrets that were ever set, also those that have no value any more.
    pub(crate) secrets: BTreeMap<SecretName, Arc<SecretRow>>,
    /// What is kept beside functions.
    pub(crate) beside: BTreeMap<FunctionName, Arc<Kept>>,
    pub(crate) verifier: Tokens,
    /// Names of the tokens whose holders sign, by their public parts.
    pub(crate) keys: HashMap<String, model::TokenName>,
    pub(crate) router: Router<Arc<Endpoint>>,
    /// The functions of each application that events call.
    subscribers: HashMap<ApplicationName, Vec<Arc<Function>>>,
    /// The functions that webhooks call, by their names.
    webhooks: HashMap<TriggerName, Arc<Function>>,
    /// The functions that sources call, by their names.
    sources: HashMap<TriggerName, Arc<Function>>,
}

impl Catalog {
    /// Builds the catalog from all that the registry holds.
    pub(crate) fn new(states: Vec<ScopeState>, policies: &Arc<Policies>) -> Result<Self, Problem> {
        let mut catalog = Self::default();
        for state in states {
            let changes = Changes {
                functions_put: state.functions,
                grants_put: state.grants,
                tokens_put: state.tokens,
                secrets_put: state.secrets,
                beside_put: state.beside,
                ..Changes::default()
            };
            catalog = catalog.with(&state.scope, changes, policies)?;
        }
        Ok(catalog)
    }

    /// The scope's view, if anything was ever active there.
    pub(crate) fn view(&self, scope: &Scope) -> Option<&Arc<View>> {
        self.scopes.get(scope)
    }

    /// All scopes, in order.
    pub(crate) fn views(&self) -> impl Iterator<Item = (&Scope, &Arc<View>)> {
        self.scopes.iter()
    }

    /// What the executor is told of the native functions.
    pub(crate) fn native_units(&self) -> Vec<Arc<Unit>> {
        let all = self.scopes.values().flat_map(|view| view.all());
        all.map(|function| &function.unit)
            .filter(|unit| unit.around.native.is_some())
            .map(Arc::clone)
            .collect()
    }

    /// Whose functions answer for a host: the scope that has routes for it, else `home`.
    pub(crate) fn serving(&self, host: Option<&str>, home: &Scope) -> Option<&Arc<View>> {
        self.serving_scope(host, home).map(|(_, view)| view)
    }

    /// As [`Catalog::serving`], with the scope.
    pub(crate) fn serving_scope(
        &self,
        host: Option<&str>,
        home: &Scope,
    ) -> Option<(&Scope, &Arc<View>)> {
        let host = host.filter(|_| !self.hosts.is_empty());
        let scope = host.and_then(|host| {
            self.hosts.get(host).or_else(|| self.hosts.get(&model::route::wildcard_of(host)?))
        });
        let known = scope.and_then(|scope| self.scopes.get_key_value(scope));
        known.or_else(|| self.scopes.get_key_value(home))
    }

    /// Whether no other scope has routes for a domain, or for the names in it.
    pub(crate) fn is_open(&self, domain: &str, scope: &Scope) -> bool {
        let mut owners =
            [self.hosts.get(domain), self.hosts.get(&format!("*.{domain}"))].into_iter();
        owners.all(|owner| owner.is_none_or(|owner| owner == scope))
    }

    /// Whether any route says something to pages of other origins.
    pub(crate) fn has_crossings(&self) -> bool {
        self.crossings
    }

    /// Whether a function's active revision is this one, or a version of it.
    pub(crate) fn has(&self, function: &FunctionRef, revision: u32) -> bool {
        let Some(view) = self.scopes.get(&function.scope) else { return false };
        let active = view.functions.get(&function.name);
        let mut versions =
            view.beside.get(&function.name).into_iter().flat_map(|it| it.versions.values());
        active.is_some_and(|active| active.row.revision == revision)
            || versions.any(|version| version.row.revision == revision)
    }

    /// The readiness of a component.
    pub(crate) fn readiness(&self, program: Program) -> Option<&Arc<Readiness>> {
        self.readiness.get(&program)
    }

    /// The readiness of every component that is in use.
    pub(crate) fn components(&self) -> impl Iterator<Item = &Arc<Readiness>> {
        self.readiness.values()
    }

    /// A new catalog with the changes of one act.
    pub(crate) fn with(
        &self,
        scope: &Scope,
        changes: Changes,
        policies: &Arc<Policies>,
    ) -> Result<Self, Problem> {
        let old = self.scopes.get(scope);
        let mut rows: BTreeMap<FunctionName, FunctionRow> = BTreeMap::new();
        let mut grants = old.map(|view| view.grants.clone()).unwrap_or_default();
        let mut tokens = old.map(|view| view.tokens.clone()).unwrap_or_default();
        let mut functions = old.map(|view| view.functions.clone()).unwrap_or_default();
        let mut secrets = old.map(|view| view.secrets.clone()).unwrap_or_default();
        let mut beside = old.map(|view| view.beside.clone()).unwrap_or_default();
        let mut touched = touched_functions(&changes);
        // A secret that came, went or changed changes the functions that ask for it.
        touched.extend(askers(&functions, &beside, &changes.secrets_put));
        for gone in &changes.functions_gone {
            functions.remove(&gone.name);
            beside.remove(&gone.name);
        }
        touched.extend(changes.beside_put.iter().map(|row| row.name().clone()));
        Kept::put_all(&mut beside, changes.beside_put);
        for row in changes.functions_put {
            rows.insert(row.function.name.clone(), row);
        }
        for grant in &changes.grants_gone {
            grants.remove(grant);
        }
        grants.extend(changes.grants_put);
        for name in &changes.tokens_gone {
            tokens.remove(name);
        }
        let tokens_put = changes.tokens_put.into_iter().chain(changes.tokens_resealed);
        tokens.extend(tokens_put.map(|row| (row.name.clone(), row)));
        secrets.extend(changes.secrets_put.into_iter().map(|row| (row.name.clone(), row.into())));
        // A grant that came or went changes its function's policies.
        for name in touched {
            if let Some(function) = functions.get(&name) {
                rows.entry(name).or_insert_with(|| function.row.clone());
            }
        }
        let mut readiness = self.readiness.clone();
        let by_function = grants_by_function(&grants);
        for (name, row) in rows {
            let own = by_function.get(&name).map_or(&[][..], Vec::as_slice);
            let own_policies = policies_of(policies, &row, own)?;
            let shelf = shelf(functions.get(&name), &row);
            let new = || Arc::new(Readiness::new(program(&row)));
            let ready = match &shelf {
                // A list of files is never run, so it is no component.
                Some(_) => new(),
                None => Arc::clone(readiness.entry(program(&row)).or_insert_with(new)),
            };
            let uses = Uses::of(&row, &secrets);
            let kept = beside.get(&name).map(Arc::clone);
            let standing = kept.as_ref().map_or_else(Standing::default, |kept| kept.head());
            if let Some(kept) = kept {
                let kept = kept.with_versions(
                    &mut |row| policies_of(policies, row, own),
                    &mut |program| {
                        let new = || Arc::new(Readiness::new(program));
                        Arc::clone(readiness.entry(program).or_insert_with(new))
                    },
                    &secrets,
                )?;
                beside.insert(name.clone(), Arc::new(kept));
            }
            let own_policies = Arc::new(own_policies);
            let function = Function::new(row, own_policies, ready, shelf, uses, standing);
            functions.insert(name, Arc::new(function));
        }
        let view = View::new(functions, beside, grants, tokens, secrets);
        Ok(self.and(scope, view, readiness))
    }

    /// A new catalog with this view.
    fn and(
        &self,
        scope: &Scope,
        view: View,
        mut readiness: HashMap<Program, Arc<Readiness>>,
    ) -> Self {
        let mut scopes = self.scopes.clone();
        scopes.insert(scope.clone(), Arc::new(view));
        let used: BTreeSet<Program> = scopes
            .values()
            .flat_map(|view| view.all())
            .filter(|function| function.shelf.is_none())
            .map(|function| function.unit.program)
            .collect();
        readiness.retain(|program, _| used.contains(program));
        let named = scopes
            .iter()
            .flat_map(|(scope, view)| view.router.hosts().map(move |host| (host, scope)));
        let hosts = named.map(|(host, scope)| (host.to_owned(), scope.clone())).collect();
        let mut triggers = scopes
            .values()
            .flat_map(|view| view.functions.values())
            .flat_map(|function| &function.row.spec.http);
        let addresses: Addresses =
            scopes.iter().flat_map(|(scope, view)| addresses(scope, view)).collect();
        let mut own = addresses.values().map(|address| &address.endpoint.http);
        let crossings = triggers.any(|trigger| trigger.cors.is_some())
            || own.any(|trigger| trigger.cors.is_some());
        Self { scopes, readiness, hosts, crossings, addresses }
    }
}

impl View {
    fn new(
        functions: BTreeMap<FunctionName, Arc<Function>>,
        beside: BTreeMap<FunctionName, Arc<Kept>>,
        grants: BTreeSet<Grant>,
        tokens: BTreeMap<model::TokenName, TokenRow>,
        secrets: BTreeMap<SecretName, Arc<SecretRow>>,
    ) -> Self {
        let verifier = Tokens::new(tokens.values().cloned());
        let sign = tokens.values().filter(|row| row.key.is_some());
        let keys = sign.map(|row| (row.id.0.clone(), row.name.clone())).collect();
        let routes = functions.values().flat_map(|function| {
            let routes = function.row.spec.http.iter();
            routes.map(move |http| (&http.route, Arc::new(Endpoint::new(function, http))))
        });
        let router = Router::new(routes);
        let mut subscribers: HashMap<ApplicationName, Vec<Arc<Function>>> = HashMap::new();
        for function in functions.values().filter(|function| !function.row.spec.on.is_empty()) {
            let own = subscribers.entry(function.row.application.clone()).or_default();
            own.push(Arc::clone(function));
        }
        let webhooks = functions.values().flat_map(|function| {
            let own = function.row.spec.webhooks.iter();
            own.map(|webhook| (webhook.name.clone(), Arc::clone(function)))
        });
        let webhooks = webhooks.collect();
        let sources = functions.values().flat_map(|function| {
            let own = function.row.spec.from.iter();
            own.map(|source| (source.name.clone(), Arc::clone(function)))
        });
        let sources = sources.collect();
        Self {
            subscribers,
            webhooks,
            sources,
            functions,
            grants,
            tokens,
            secrets,
            beside,
            verifier,
            keys,
            router,
        }
    }

    /// The functions of an application that events call.
    pub(crate) fn subscribers(&self, application: &ApplicationName) -> &[Arc<Function>] {
        self.subscribers.get(application).map_or(&[], Vec::as_slice)
    }

    /// The function that a webhook calls.
    pub(crate) fn webhook(&self, name: &TriggerName) -> Option<&Arc<Function>> {
        self.webhooks.get(name)
    }

    /// The function that a source calls.
    pub(crate) fn source(&self, name: &TriggerName) -> Option<&Arc<Function>> {
        self.sources.get(name)
    }

    /// What is active, and all versions of it.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Function>> {
        let versions = self.beside.values().flat_map(|kept| kept.versions.values());
        self.functions.values().chain(versions)
    }

    /// What is active under a name, or a version of it.
    pub(crate) fn function(
        &self,
        name: &FunctionName,
        version: Option<u32>,
    ) -> Option<&Arc<Function>> {
        match version {
            None => self.functions.get(name),
            Some(version) => self.beside.get(name)?.versions.get(&version),
        }
    }
}

/// What decides about a function, as its row asks and these grants allow.
fn policies_of(
    policies: &Arc<Policies>,
    row: &FunctionRow,
    grants: &[Grant],
) -> Result<FunctionPolicies, Problem> {
    let made = policies.function(&row.function, grants, &row.spec.allow, row.spec.data.as_deref());
    Ok(made?)
}

/// The files of a row, if it is a directory of them: the ones that are open already, if they are
/// the same.
fn shelf(before: Option<&Arc<Function>>, row: &FunctionRow) -> Option<Arc<Shelf>> {
    let known = before.and_then(|function| function.shelf.as_ref());
    match known.filter(|shelf| shelf.is_of(row)) {
        Some(shelf) => Some(Arc::clone(shelf)),
        None => Shelf::of(row).map(Arc::new),
    }
}

/// The function that a grant is about: the one that is called, or the one that calls.
fn subject(grant: &Grant) -> Option<&FunctionName> {
    match (grant.action.function(), &grant.who) {
        (Some(function), _) | (None, Principal::Function(function)) => Some(function),
        (None, _) => None,
    }
}

fn touched_functions(changes: &Changes) -> BTreeSet<FunctionName> {
    changes.grants_put.iter().chain(&changes.grants_gone).filter_map(subject).cloned().collect()
}

/// The functions that ask for one of these secrets, in what is active or in a version of it.
fn askers(
    functions: &BTreeMap<FunctionName, Arc<Function>>,
    beside: &BTreeMap<FunctionName, Arc<Kept>>,
    changed: &[SecretRow],
) -> BTreeSet<FunctionName> {
    let asks = |function: &&Arc<Function>| {
        let allow = &function.row.spec.allow;
        changed.iter().any(|row| allow.secret.contains_key(&row.name))
    };
    let versions = beside.values().flat_map(|kept| kept.versions.values());
    let all = functions.values().chain(versions).filter(asks);
    all.map(|function| function.row.function.name.clone()).collect()
}

fn grants_by_function(grants: &BTreeSet<Grant>) -> HashMap<FunctionName, Vec<Grant>> {
    let mut by_function: HashMap<FunctionName, Vec<Grant>> = HashMap::new();
    for grant in grants {
        if let Some(function) = subject(grant) {
            by_function.entry(function.clone()).or_default().push(grant.clone());
        }
    }
    by_function
}
