//! Whoever asks for an act may be gone before it is done: it is done all the same.

use super::rig::{answer, rig};
use model::act::{Act, Committed};
use model::{ApplicationName, Code, FunctionRef, Grant, Scope};
use ports::Future;
use ports::registry::{By, Error, Referred, ScopeState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// A registry that may be slow to say that something is written.
pub(super) struct Slow {
    pub(super) registry: Arc<ports::memory::registry::Registry>,
    pub(super) slow: Arc<AtomicBool>,
}

impl ports::Registry for Slow {
    fn commit(&self, act: Act, by: By) -> Future<'_, Result<Committed, Error>> {
        Box::pin(async move {
            let committed = self.registry.commit(act, by).await;
            if self.slow.load(Relaxed) {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            committed
        })
    }

    fn load(&self) -> Future<'_, Result<Vec<ScopeState>, Error>> {
        self.registry.load()
    }

    fn revisions<'a>(
        &'a self,
        function: &'a FunctionRef,
    ) -> Future<'a, Result<Vec<model::revision::RevisionRow>, Error>> {
        self.registry.revisions(function)
    }

    fn deployments<'a>(
        &'a self,
        scope: &'a Scope,
        application: &'a ApplicationName,
    ) -> Future<'a, Result<Vec<model::revision::DeploymentRow>, Error>> {
        self.registry.deployments(scope, application)
    }

    fn artifacts(&self) -> Future<'_, Result<Referred, Error>> {
        self.registry.artifacts()
    }

    fn backup(&self, file: std::path::PathBuf) -> Future<'_, Result<(), Error>> {
        self.registry.backup(file)
    }
}

#[tokio::test(start_paused = true)]
async fn a_revoke_whose_caller_hung_up_holds_at_once() {
    let rig = rig(|_| answer()).await;
    let open = r#"{"name":"a","http":[{"route":"GET /a","auth":"public"}]}"#;
    rig.deploy_as("shop", open, true).await.expect("deployed");
    assert!(rig.call("/a", None).await.is_ok());
    rig.slow.store(true, Relaxed);
    let grant = Grant::parse("public", "invoke", "a").expect("a grant");
    let scope = Scope::default();
    let asked = rig.engine.revoke(&scope, "operator", grant);
    let gone = tokio::time::timeout(Duration::from_secs(1), asked).await;
    assert!(gone.is_err(), "the caller is gone in the middle of it");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(rig.engine.grants(&scope).is_empty());
    assert_eq!(rig.call("/a", None).await, Err(Code::CredentialRequired));
}
