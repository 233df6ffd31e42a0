//! Everything that can be read.

mod costs;
mod triggers;

use crate::catalog::View;
use crate::function::Function;
use crate::wiring::Engine;
use model::api::{self, LedgerEntry, LedgerHead, Page, Revisions};
use model::revision::DeploymentRow;
use model::wire::v1::Record;
use model::{
    Action, ApplicationName, Code, FunctionRef, FunctionRow, Grant, InvocationId, Principal,
    Problem, Scope, Timestamp,
};
use ports::journal::{self, Flight, LogQuery, RecordQuery};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most items on a page.
const PAGE_MAX: usize = 1000;

/// How the engine is.
#[derive(Debug, Clone)]
pub struct Health {
    /// Invocations under way.
    pub in_flight: usize,
    /// Whether new ones are refused.
    pub draining: bool,
    /// The flight recorder.
    pub journal: journal::Health,
}

impl Engine {
    /// How the engine is.
    #[must_use]
    pub fn health(&self) -> Health {
        Health {
            in_flight: self.gauge.under_way(),
            draining: self.draining(),
            journal: self.parts.journal.health(),
        }
    }

    /// The active functions of a scope, by name.
    #[must_use]
    pub fn functions(&self, scope: &Scope) -> Vec<api::Function> {
        let catalog = self.catalog.load();
        let Some(view) = catalog.view(scope) else { return Vec::new() };
        view.functions.values().map(|function| function_view(view, function)).collect()
    }

    /// One active function.
    #[must_use]
    pub fn function(&self, function: &FunctionRef) -> Option<api::Function> {
        let catalog = self.catalog.load();
        let view = catalog.view(&function.scope)?;
        view.functions.get(&function.name).map(|function| function_view(view, function))
    }

    /// The time, as the engine has it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.parts.clock.wall()
    }

    /// One active function, as it was deployed.
    #[must_use]
    pub fn function_row(&self, function: &FunctionRef) -> Option<FunctionRow> {
        let catalog = self.catalog.load();
        let found = catalog.view(&function.scope)?.functions.get(&function.name)?;
        Some(found.row.clone())
    }

    /// The active applications of a scope, by name.
    #[must_use]
    pub fn applications(&self, scope: &Scope) -> Vec<api::Application> {
        let catalog = self.catalog.load();
        let mut found: BTreeMap<&ApplicationName, api::Application> = BTreeMap::new();
        let functions = catalog.view(scope).into_iter().flat_map(|view| view.functions.values());
        for function in functions {
            let row = &function.row;
            let entry = found.entry(&row.application).or_insert_with(|| api::Application {
                application: row.application.clone(),
                deployment: row.deployment,
                functions: 0,
            });
            entry.functions += 1;
        }
        found.into_values().collect()
    }

    /// An application's active deployment.
    ///
    /// # Errors
    /// There is none, or the store failed.
    pub async fn application(
        &self,
        scope: &Scope,
        application: &ApplicationName,
    ) -> Result<DeploymentRow, Problem> {
        let deployments = self.parts.registry.deployments(scope, application).await;
        let mut deployments = deployments.map_err(Problem::from)?.into_iter();
        let missing = || Problem::new(Code::NoSuchFunction).detail(application);
        deployments.find(|row| row.active).ok_or_else(missing)
    }

    /// A function's revisions and its application's deployments, newest first.
    ///
    /// # Errors
    /// It never was, or the store failed.
    pub async fn revisions(&self, function: &FunctionRef) -> Result<Revisions, Problem> {
        let registry = &self.parts.registry;
        let revisions = registry.revisions(function).await.map_err(Problem::from)?;
        if revisions.is_empty() {
            return Err(Problem::new(Code::NoSuchFunction).detail(&function.name));
        }
        let application = {
            let catalog = self.catalog.load();
            let view = catalog.view(&function.scope);
            view.and_then(|view| view.functions.get(&function.name))
                .map(|found| found.row.application.clone())
        };
        let deployments = match application {
            Some(application) => {
                registry.deployments(&function.scope, &application).await.map_err(Problem::from)?
            }
            None => Vec::new(),
        };
        Ok(Revisions { revisions, deployments })
    }

    /// The grants of a scope.
    #[must_use]
    pub fn grants(&self, scope: &Scope) -> Vec<Grant> {
        let catalog = self.catalog.load();
        catalog.view(scope).map(|view| view.grants.iter().cloned().collect()).unwrap_or_default()
    }

    /// The tokens of a scope, without their secrets.
    #[must_use]
    pub fn tokens(&self, scope: &Scope) -> Vec<api::Token> {
        let catalog = self.catalog.load();
        let Some(view) = catalog.view(scope) else { return Vec::new() };
        let token = |row: &model::token::TokenRow| api::Token {
            name: row.name.clone(),
            id: row.id.clone(),
            access_key_id: row.key.as_ref().map(|_| identity::sigv4::access_key_id(&row.id)),
            created: row.created,
            expires: row.expires,
            invoke: invocable(view, &row.name),
        };
        view.tokens.values().map(token).collect()
    }

    /// Finished records, newest first.
    ///
    /// # Errors
    /// The journal cannot be read, or `before` is not a position.
    pub async fn records(&self, mut query: RecordQuery) -> Result<Page<api::Record>, Problem> {
        query.limit = query.limit.clamp(1, PAGE_MAX);
        let page =
            self.parts.journal.records(query).await.map_err(|error| journal_problem(&error))?;
        Ok(Page { items: page.items.iter().map(api::Record::ended).collect(), next: page.next })
    }

    /// Goes through all records of a query, newest first, page by page.
    pub(crate) async fn each_record(
        &self,
        mut query: RecordQuery,
        mut each: impl FnMut(&Record) + Send,
    ) -> Result<(), Problem> {
        query.limit = PAGE_MAX;
        loop {
            let page = self.parts.journal.records(query.clone()).await;
            let page = page.map_err(|error| journal_problem(&error))?;
            page.items.iter().for_each(&mut each);
            query.before = page.next;
            if query.before.is_none() {
                return Ok(());
            }
        }
    }

    /// Whether records that began at `since` or later may be gone from the journal.
    pub(crate) fn is_partial(&self, since: Timestamp) -> bool {
        self.parts.journal.health().oldest.is_some_and(|oldest| oldest > since)
    }

    /// One invocation: finished, under way, or waiting in the queue.
    ///
    /// # Errors
    /// There is none such, or the journal cannot be read.
    pub async fn record(&self, scope: &Scope, id: InvocationId) -> Result<api::Record, Problem> {
        // A call that waits, or is tried again, has not ended whatever an attempt's record says.
        if let Some(record) = self.unfinished(scope, id).await {
            return Ok(record);
        }
        match self.parts.journal.flight(scope, id).await.map_err(|error| journal_problem(&error))? {
            Some(Flight::Ended(record)) => Ok(api::Record::ended(&record)),
            Some(Flight::Running(start)) => Ok(api::Record::running(&start)),
            None => {
                let detail = format!("no record of invocation {id}");
                Err(Problem::new(Code::NotFound)
                    .detail(detail)
                    .hint("`casemate records` lists what there is"))
            }
        }
    }

    /// Log lines, oldest first.
    ///
    /// # Errors
    /// The journal cannot be read, or `after` is not a position.
    pub async fn logs(&self, mut query: LogQuery) -> Result<Page<api::Log>, Problem> {
        query.limit = query.limit.clamp(1, PAGE_MAX);
        let page = self.parts.journal.logs(query).await.map_err(|error| journal_problem(&error))?;
        Ok(Page { items: page.items.iter().map(api::Log::from).collect(), next: page.next })
    }

    /// The ledger's size and newest checkpoint.
    ///
    /// # Errors
    /// The store failed.
    pub async fn ledger_head(&self) -> Result<LedgerHead, Problem> {
        let ledger = &self.parts.ledger;
        let size = ledger.size().await.map_err(ledger_problem)?;
        let checkpoint = ledger.checkpoint(size).await.map_err(ledger_problem)?.unwrap_or_default();
        let origin = checkpoint.lines().next().unwrap_or_default().to_owned();
        Ok(LedgerHead { origin, verifier_key: self.parts.ledger_key.to_string(), size, checkpoint })
    }

    /// Ledger entries from number `from` on.
    ///
    /// # Errors
    /// The store failed, or an entry cannot be read.
    pub async fn ledger_entries(
        &self,
        from: u64,
        limit: usize,
    ) -> Result<Page<LedgerEntry>, Problem> {
        let limit = limit.clamp(1, PAGE_MAX) as u64;
        let leaves = self.parts.ledger.leaves(from, limit).await.map_err(ledger_problem)?;
        let size = self.parts.ledger.size().await.map_err(ledger_problem)?;
        let mut items = Vec::with_capacity(leaves.len());
        for bytes in &leaves {
            let leaf = serde_json::from_slice(bytes).map_err(|error| {
                Problem::new(Code::LeafAltered)
                    .detail(format!("entry {}", from + items.len() as u64))
                    .internal(error)
            })?;
            items.push(LedgerEntry { leaf, hash: model::Digest(audit::leaf_hash(bytes)).hex() });
        }
        let end = from.saturating_add(items.len() as u64);
        Ok(Page { items, next: (end < size).then(|| end.to_string()) })
    }

    /// The whole ledger as files in the C2SP tlog-tiles layout, with `verifier-key` beside them.
    ///
    /// # Errors
    /// The store failed.
    pub async fn ledger_files(&self) -> Result<Vec<(String, Vec<u8>)>, Problem> {
        let log = self.ledger_data().await?;
        let mut files = audit::export(&log).map_err(|error| error.problem())?;
        files
            .push(("verifier-key".to_owned(), format!("{}\n", self.parts.ledger_key).into_bytes()));
        Ok(files)
    }

    /// Checks the whole ledger against itself.
    ///
    /// # Errors
    /// The first leaf, tile or checkpoint that does not fit, or a store that failed.
    pub async fn verify_ledger(&self) -> Result<u64, Problem> {
        let log = self.ledger_data().await?;
        let size = log.leaves.len() as u64;
        audit::verify(&log, &self.parts.ledger_key, None).map_err(Problem::from)?;
        Ok(size)
    }

    async fn ledger_data(&self) -> Result<audit::Snapshot, Problem> {
        // Leaves, tiles and checkpoints of one moment: no act in between.
        let _no_act = self.acts.lock().await;
        let ledger = &self.parts.ledger;
        let size = ledger.size().await.map_err(ledger_problem)?;
        let leaves = ledger.leaves(0, size).await.map_err(ledger_problem)?;
        let tiles = ledger.tiles().await.map_err(ledger_problem)?;
        let checkpoints = ledger.checkpoints().await.map_err(ledger_problem)?;
        Ok(audit::Snapshot { leaves, tiles, checkpoints })
    }

    /// What a backup is made of: writes a consistent registry to `registry`, names the components.
    ///
    /// # Errors
    /// The store failed.
    pub async fn backup_registry(
        &self,
        registry: std::path::PathBuf,
    ) -> Result<Vec<model::Digest>, Problem> {
        self.parts.registry.backup(registry).await.map_err(Problem::from)?;
        // Looked up after the copy, so that nothing is missing; what nothing refers to may go any
        // time.
        let used = self.used_artifacts().await;
        let all = self.parts.artifacts.list().await;
        let mut all = all.map_err(crate::readiness::artifact_problem)?;
        match used {
            Ok(used) => all.retain(|digest| used.contains(digest)),
            // A backup of a damaged home is better than none: nothing goes while it is so.
            Err(problem) if problem.code == Code::StoreCorrupt => {
                tracing::warn!(%problem, "the backup takes everything, used or not");
            }
            Err(problem) => return Err(problem),
        }
        Ok(all)
    }

    /// Reads a component, for a backup.
    ///
    /// # Errors
    /// The store failed, or the component is damaged.
    pub async fn read_artifact(&self, digest: model::Digest) -> Result<bytes::Bytes, Problem> {
        self.parts.artifacts.read(digest).await.map_err(crate::readiness::artifact_problem)
    }
}

/// The functions that a token may invoke by grants of its own.
fn invocable(view: &View, token: &model::TokenName) -> Vec<model::FunctionName> {
    let granted = view.grants.iter().filter_map(|grant| match (&grant.who, &grant.action) {
        (Principal::Token(who), Action::Invoke { function }) if who == token => {
            Some(function.clone())
        }
        _ => None,
    });
    granted.collect()
}

/// A function as lists show it.
pub(crate) fn function_view(view: &View, function: &Arc<Function>) -> api::Function {
    let row = &function.row;
    let public = Grant {
        who: Principal::Public,
        action: Action::Invoke { function: row.function.name.clone() },
    };
    api::Function {
        name: row.function.name.clone(),
        application: row.application.clone(),
        revision: row.revision,
        digest: row.digest,
        artifact: row.artifact,
        routes: row.spec.http.iter().map(|trigger| trigger.route.clone()).collect(),
        auth: row.spec.http.iter().map(|trigger| trigger.auth.clone()).collect(),
        public: view.grants.contains(&public),
        strict: function.strict(),
        // Only the doors know under which address they are reached.
        urls: Vec::new(),
        files: function.shelf.as_ref().and_then(|shelf| shelf.opened()).map(|site| site.holds()),
    }
}

pub(crate) fn journal_problem(error: &journal::Error) -> Problem {
    match error {
        journal::Error::Position(_) => Problem::new(Code::BadRequest).detail(error),
        journal::Error::Damaged { .. } => Problem::new(Code::StoreCorrupt).detail(error),
        _ => Problem::new(Code::StoreFailed).internal(error),
    }
}

fn ledger_problem(error: ports::ledger::Error) -> Problem {
    Problem::new(Code::StoreFailed).internal(error)
}
