//! Acts: everything that changes what is deployed, granted or issued.
//!
//! An act is checked, written to the registry and the ledger in one transaction, and only then
//! seen by requests. One act at a time.
//!
//! Invariant: an act that was begun is seen through, also if whoever asked for it is gone by then,
//! so that memory never stays behind the registry.

use crate::catalog::Catalog;
use crate::function::form;
use crate::query::function_view;
use crate::readiness::artifact_problem;
use crate::sweep::Using;
use crate::wiring::Engine;
use bytes::Bytes;
use model::act::{Act, Committed};
use model::api::{DeployRequest, Deployed};
use model::manifest::{FunctionSpec, Way};
use model::wire::v1::Entry;
use model::{Action, ApplicationName, Code, Digest, Grant, IssuerName, Principal, Problem, Scope};
use ports::executor::Program;
use ports::registry::{self, By};
use std::collections::BTreeSet;
use std::future::{Future, ready};
use std::sync::Arc;

impl Engine {
    /// Keeps a component under its digest.
    ///
    /// # Errors
    /// Too large, another digest, a full disk.
    pub async fn put_artifact(&self, digest: Digest, bytes: Bytes) -> Result<(), Problem> {
        let most = self.config.artifact_bytes_max;
        if bytes.len() as u64 > most {
            let detail = format!("{} bytes, at most {most} are taken", bytes.len());
            return Err(Problem::new(Code::ArtifactTooLarge).detail(detail));
        }
        let _in_use = self.using([digest]).await;
        self.parts.artifacts.put(digest, bytes).await.map_err(artifact_problem)?;
        self.want(vec![digest]).await.map(drop)
    }

    /// Keeps the artifacts of a bundle, all or none.
    ///
    /// # Errors
    /// It is no bundle, a digest does not fit, a full disk.
    pub async fn put_bundle(&self, bundle: Bytes) -> Result<(), Problem> {
        let parts = model::bundle::parts(&bundle)
            .ok_or_else(|| Problem::new(Code::DigestMismatch).detail("the bundle was cut"))?;
        let digests: Vec<Digest> = parts.iter().map(|(digest, _)| *digest).collect();
        let all = parts.into_iter().map(|(digest, range)| (digest, bundle.slice(range))).collect();
        let _in_use = self.using(digests.iter().copied()).await;
        self.parts.artifacts.put_all(all).await.map_err(artifact_problem)?;
        self.want(digests).await.map(drop)
    }

    /// Which of these artifacts have to be sent: they are missing or damaged.
    ///
    /// # Errors
    /// The store failed.
    pub async fn missing_artifacts(&self, digests: Vec<Digest>) -> Result<Vec<Digest>, Problem> {
        // Before, so that what is said to be there is not swept just now.
        self.want(digests.clone()).await?;
        self.parts.artifacts.missing(digests).await.map_err(artifact_problem)
    }

    /// Whether a component is there, and whole: what is damaged has to be sent again.
    ///
    /// # Errors
    /// The store failed.
    pub async fn has_artifact(&self, digest: Digest) -> Result<bool, Problem> {
        use ports::artifacts::Error;
        self.want(vec![digest]).await?;
        match self.parts.artifacts.read(digest).await {
            Ok(_) => Ok(true),
            Err(Error::Missing(_) | Error::Digest { .. }) => Ok(false),
            Err(error) => Err(artifact_problem(error)),
        }
    }

    /// Makes a manifest the active deployment of its application, with all of its components
    /// compiled, or changes nothing.
    ///
    /// # Errors
    /// The first thing that is wrong with the manifest, a component, or its place here.
    pub async fn deploy(
        &self,
        scope: &Scope,
        actor: &str,
        request: DeployRequest,
        expected: Option<u32>,
    ) -> Result<Deployed, Problem> {
        self.deploy_granting(scope, actor, request, expected, Vec::new()).await
    }

    /// The same, with these grants in the same act, whatever the manifest asks for.
    ///
    /// # Errors
    /// As for [`Self::deploy`], or a grant names what is not there.
    pub async fn deploy_granting(
        &self,
        scope: &Scope,
        actor: &str,
        request: DeployRequest,
        expected: Option<u32>,
        more: Vec<Grant>,
    ) -> Result<Deployed, Problem> {
        let manifest = request.manifest;
        manifest.check(&self.config.ceiling)?;
        let members = manifest.members()?;
        self.check_callers(&members)?;
        self.check_secrets(scope, &members).await?;
        self.check_contracts(&members)?;
        self.check_caps(&members)?;
        let mut in_use = self.using(members.iter().filter_map(|member| member.digest)).await;
        let prepared = self.prepare(&members, &mut in_use).await?;
        let wanted = asked_for(&members);
        let mut grants =
            if request.grant || self.config.grant_all { wanted.clone() } else { Vec::new() };
        grants.extend(more);
        let application = manifest.application.clone();
        let act = Act::Deploy { manifest: Box::new(manifest), expected, grants: grants.clone() };
        let then = move |engine: Arc<Self>| async move {
            engine.mark_ready(&prepared);
            engine.open_shelves().await;
            drop(in_use);
        };
        let committed = self.commit_then(scope, actor, act, then).await?;
        Ok(self.deployed(scope, application, &committed, wanted, grants))
    }

    /// Makes an earlier deployment the active one.
    ///
    /// # Errors
    /// There is none such, or it does not fit beside what is deployed now.
    pub async fn rollback(
        &self,
        scope: &Scope,
        actor: &str,
        application: &ApplicationName,
        to: Option<u32>,
    ) -> Result<Deployed, Problem> {
        let act = Act::Rollback { application: application.clone(), to };
        let then = |engine: Arc<Self>| async move { engine.open_shelves().await };
        let committed = self.commit_then(scope, actor, act, then).await?;
        Ok(self.deployed(scope, application.clone(), &committed, Vec::new(), Vec::new()))
    }

    /// Takes an application away. Its history stays. Returns the ledger entry's number.
    ///
    /// # Errors
    /// There is none such.
    pub async fn remove(
        &self,
        scope: &Scope,
        actor: &str,
        application: &ApplicationName,
    ) -> Result<u64, Problem> {
        let act = Act::Remove { application: application.clone() };
        Ok(self.commit(scope, actor, act).await?.leaf)
    }

    /// Writes a grant. Returns the ledger entry's number.
    ///
    /// # Errors
    /// The function or the token does not exist, or the pairing means nothing.
    pub async fn grant(&self, scope: &Scope, actor: &str, grant: Grant) -> Result<u64, Problem> {
        let grant = grant.checked().map_err(|error| Problem::new(Code::BadGrant).detail(error))?;
        if let Principal::Issuer(issuer) | Principal::Subject(issuer, _) = &grant.who {
            self.knows_issuer(issuer, "the grant")?;
        }
        if matches!(grant.who, Principal::Certificate(_) | Principal::AnyCertificate) {
            self.takes_certificates("the grant")?;
        }
        Ok(self.commit(scope, actor, Act::Grant { grant }).await?.leaf)
    }

    /// Takes a grant back. Returns the ledger entry's number.
    ///
    /// # Errors
    /// There is none such.
    pub async fn revoke(&self, scope: &Scope, actor: &str, grant: Grant) -> Result<u64, Problem> {
        Ok(self.commit(scope, actor, Act::Revoke { grant }).await?.leaf)
    }

    /// Writes an act that the node itself does, such as the first entry of a new home.
    ///
    /// # Errors
    /// The registry failed.
    pub async fn note(&self, actor: &str, act: Act) -> Result<u64, Problem> {
        Ok(self.commit(&Scope::default(), actor, act).await?.leaf)
    }

    pub(crate) async fn commit(
        &self,
        scope: &Scope,
        actor: &str,
        act: Act,
    ) -> Result<Committed, Problem> {
        self.commit_then(scope, actor, act, |_| ready(())).await
    }

    /// Commits an act, then does what follows from it. Who drops this future after it has begun
    /// misses the answer, and nothing else.
    pub(crate) async fn commit_then<F: Future<Output = ()> + Send>(
        &self,
        scope: &Scope,
        actor: &str,
        act: Act,
        then: impl FnOnce(Arc<Self>) -> F + Send + 'static,
    ) -> Result<Committed, Problem> {
        let lost = |error: String| Problem::new(Code::Internal).internal(error);
        let engine = self.me.upgrade().ok_or_else(|| lost("the engine is going".to_owned()))?;
        let (scope, actor) = (scope.clone(), actor.to_owned());
        let act = self.runtime.spawn(async move {
            let committed = engine.commit_here(&scope, &actor, act).await?;
            then(engine).await;
            Ok(committed)
        });
        act.await.map_err(|error| lost(format!("an act was left: {error}")))?
    }

    async fn commit_here(
        &self,
        scope: &Scope,
        actor: &str,
        act: Act,
    ) -> Result<Committed, Problem> {
        let _one_at_a_time = self.acts.lock().await;
        self.check_names(scope, &act).await?;
        let by = By { actor: actor.to_owned(), scope: scope.clone(), at: self.parts.clock.wall() };
        let committed = self.write(act, by).await?;
        let catalog =
            self.catalog.load_full().with(scope, committed.changes.clone(), &self.parts.policies);
        let catalog = Arc::new(catalog?);
        self.catalog.store(Arc::clone(&catalog));
        self.timers.changed();
        self.parts.executor.let_go(&|function, revision| catalog.has(function, revision));
        self.parts.executor.expect(&catalog.native_units());
        self.copy_to_journal(committed.leaf).await;
        Ok(committed)
    }

    /// On a full disk there must still be room to take a right away or to roll back; only what
    /// adds components may not use the reserve.
    async fn write(&self, act: Act, by: By) -> Result<Committed, Problem> {
        let registry = &self.parts.registry;
        let again = (!matches!(act, Act::Deploy { .. })).then(|| (act.clone(), by.clone()));
        match (registry.commit(act, by).await, again) {
            (Err(registry::Error::Full), Some((act, by))) if self.parts.journal.make_room() => {
                registry.commit(act, by).await.map_err(Problem::from)
            }
            (committed, _) => committed.map_err(Problem::from),
        }
    }

    /// The journal holds acts too, so that one reading of it shows what happened around a call.
    async fn copy_to_journal(&self, leaf: u64) {
        let Ok(leaves) = self.parts.ledger.leaves(leaf, 1).await else { return };
        for bytes in leaves {
            if let Err(error) = self.parts.journal.append(Entry::Act(bytes)) {
                tracing::warn!(%error, leaf, "an act is in the ledger and not in the journal");
            }
        }
    }

    /// A route that takes tokens of an issuer that the node does not know, or certificates of
    /// nobody, could never be called.
    fn check_callers(&self, members: &[FunctionSpec]) -> Result<(), Problem> {
        for function in members {
            let who = format!("function `{}`", function.name);
            for issuer in function.http.iter().flat_map(|http| http.auth.issuers()) {
                self.knows_issuer(issuer, &who)?;
            }
            if function.http.iter().any(|http| http.auth.takes_certificates()) {
                self.takes_certificates(&who)?;
            }
        }
        Ok(())
    }

    fn takes_certificates(&self, who: &str) -> Result<(), Problem> {
        if self.config.client_certificates {
            return Ok(());
        }
        let hint = "name the authorities of client certificates in `tls.client_ca` in the node's \
                    configuration, and start it again";
        Err(Problem::new(Code::NoClientAuthority).detail(format!("{who} names `mtls`")).hint(hint))
    }

    fn knows_issuer(&self, issuer: &IssuerName, who: &str) -> Result<(), Problem> {
        let issuers = &self.config.issuers;
        if issuers.config(issuer).is_some() {
            return Ok(());
        }
        let known: Vec<String> = issuers.names().map(|name| format!("`jwt:{name}`")).collect();
        let hint = if known.is_empty() {
            "this node knows no issuer: add an `[[issuer]]` section to its configuration".to_owned()
        } else {
            format!("this node knows {}", known.join(", "))
        };
        let detail = format!("{who} names `jwt:{issuer}`");
        Err(Problem::new(Code::NoSuchIssuer).detail(detail).hint(hint))
    }

    /// Makes every component and every package of the manifest runnable that is not yet.
    async fn prepare(
        &self,
        members: &[FunctionSpec],
        in_use: &mut Using,
    ) -> Result<Vec<Program>, Problem> {
        let mut done = BTreeSet::new();
        for function in members {
            let missing = || {
                Problem::new(Code::ArtifactMissing)
                    .detail(format!("function `{}` names no digest", function.name))
            };
            let artifact = function.digest.ok_or_else(missing)?;
            if let Some(rules) = &function.assets {
                let checked = self.check_assets(function, rules, artifact, in_use).await;
                checked.map_err(|problem| named(problem, function.name.as_str()))?;
                continue;
            }
            self.check_carried(function, in_use)
                .await
                .map_err(|problem| named(problem, function.name.as_str()))?;
            let programs = match &function.native {
                Some(native) => self.check_package(function, native, artifact, in_use).await,
                None => Ok(vec![Program { artifact, form: form(function) }]),
            };
            for program in programs.map_err(|problem| named(problem, function.name.as_str()))? {
                if done.insert(program) {
                    let prepared = self.prepare_one(program).await;
                    prepared.map_err(|problem| named(problem, function.name.as_str()))?;
                }
            }
        }
        Ok(done.into_iter().collect())
    }

    fn mark_ready(&self, programs: &[Program]) {
        let catalog = self.catalog.load();
        for readiness in programs.iter().filter_map(|program| catalog.readiness(*program)) {
            readiness.mark();
        }
    }

    fn deployed(
        &self,
        scope: &Scope,
        application: ApplicationName,
        committed: &Committed,
        wanted: Vec<Grant>,
        granted: Vec<Grant>,
    ) -> Deployed {
        let catalog: Arc<Catalog> = self.catalog.load_full();
        let view = catalog.view(scope);
        let mut functions = Vec::new();
        let mut open = wanted;
        if let Some(view) = view {
            let own =
                view.functions.values().filter(|function| function.row.application == application);
            functions = own.map(|function| function_view(view, function)).collect();
            open.retain(|grant| !view.grants.contains(grant));
        }
        let deployment = committed.deployment.unwrap_or_default();
        Deployed { application, deployment, functions, wanted: open, granted, leaf: committed.leaf }
    }
}

/// The grants that would make true what a manifest asks for.
fn asked_for(members: &[FunctionSpec]) -> Vec<Grant> {
    let mut wanted = BTreeSet::new();
    for function in members {
        for way in function.http.iter().flat_map(|trigger| trigger.auth.ways()) {
            let who = match way {
                Way::Token => continue,
                Way::Public => Principal::Public,
                Way::Jwt(issuer) => Principal::Issuer(issuer.clone()),
                Way::Mtls => Principal::AnyCertificate,
            };
            let action = Action::Invoke { function: function.name.clone() };
            wanted.insert(Grant { who, action });
        }
        wanted.extend(function.triggers().map(|(name, _)| Grant {
            who: Principal::Trigger(name.clone()),
            action: Action::Invoke { function: function.name.clone() },
        }));
        wanted.extend(function.grants().map(|asked| asked.grant));
    }
    wanted.into_iter().collect()
}

fn named(problem: Problem, function: &str) -> Problem {
    let detail = match &problem.detail {
        Some(detail) => format!("function `{function}`: {detail}"),
        None => format!("function `{function}`"),
    };
    problem.detail(detail)
}
