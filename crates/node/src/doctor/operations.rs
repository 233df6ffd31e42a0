//! What the admin API has a running node do.

use super::{NodeOperations, Verdict, finding, named, sources};
use crate::backup::{self, Source};
use control::{Operations, Pending, Pieces, With};
use model::api::{
    Finding, KeyExportRequest, KeyExported, KeyImportRequest, KeyImported, KeyPublic, KeyRetired,
    KeyRewrap, KeyRotated, Keys, Node,
};
use model::key::Epoch;
use model::{Problem, Scope, Secret};
use ports::Clock as _;

impl Operations for NodeOperations {
    fn describe(&self) -> Node {
        Node {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            gateway: self.gateway.clone(),
            started: self.started,
            layers: self.layers(),
            dangers: self.dangers(),
            handshakes_failed: self.counts.handshakes_failed().into_iter().map(named).collect(),
        }
    }

    fn doctor(&self) -> Pending<'_, Vec<Finding>> {
        Box::pin(async move {
            let mut findings = vec![self.journal(), self.segments().await];
            findings.extend([self.registry().await, self.ledger().await]);
            findings.push(self.wasm());
            findings.extend(self.compiler().await);
            findings.extend(self.guests().await);
            findings.extend(crate::jails::findings(&self.jails, &self.children).await);
            findings.push(crate::jails::interpreters(&self.engine.interpreters().await));
            if let Some(all) = &self.certificates {
                findings.extend(crate::certificates::findings(all));
            }
            findings.extend(self.keys.findings());
            findings.extend(self.engine.all_sources().iter().map(sources::stands));
            findings.extend(self.arrivals());
            findings.extend(
                self.dangers()
                    .iter()
                    .map(|danger| finding("danger", Verdict::Warning, danger, None)),
            );
            if self.public {
                let found =
                    format!("the gateway {} speaks plain HTTP to other machines", self.gateway);
                findings.push(finding(
                    "gateway",
                    Verdict::Warning,
                    found,
                    Some("set up [tls], see docs/guides/tls.md, or put a TLS proxy in front of it"),
                ));
            }
            findings
        })
    }

    fn backup(&self, with: With) -> Pending<'_, Result<Pieces, Problem>> {
        let source = Source {
            home: self.home.clone(),
            root_key_file: self.root_key_file.clone(),
            created: crate::clock::SystemClock.wall(),
        };
        Box::pin(async move {
            backup::make(&self.engine, (&self.blobs, &self.salts), source, with).await
        })
    }

    fn keys(&self) -> Pending<'_, Result<Keys, Problem>> {
        Box::pin(self.ring.status())
    }

    fn rotate_key<'a>(
        &'a self,
        actor: &'a str,
        from: u32,
    ) -> Pending<'a, Result<KeyRotated, Problem>> {
        Box::pin(self.ring.rotate(actor.to_owned(), Epoch(from)))
    }

    fn rewrap_keys<'a>(&'a self, actor: &'a str) -> Pending<'a, Result<KeyRewrap, Problem>> {
        Box::pin(self.ring.begin_rewrap(actor))
    }

    fn rewrap(&self) -> Option<KeyRewrap> {
        self.ring.rewrap.shown()
    }

    fn retire_key<'a>(
        &'a self,
        actor: &'a str,
        epoch: u32,
    ) -> Pending<'a, Result<KeyRetired, Problem>> {
        Box::pin(self.ring.retire(actor.to_owned(), Epoch(epoch)))
    }

    fn public_key(&self, scope: &Scope) -> Result<KeyPublic, Problem> {
        self.ring.public(scope)
    }

    fn export_keys<'a>(
        &'a self,
        actor: &'a str,
        scope: &'a Scope,
        request: KeyExportRequest,
    ) -> Pending<'a, Result<KeyExported, Problem>> {
        Box::pin(self.ring.export(actor, scope, request))
    }

    fn import_keys<'a>(
        &'a self,
        actor: &'a str,
        scope: &'a Scope,
        request: KeyImportRequest,
    ) -> Pending<'a, Result<KeyImported, Problem>> {
        Box::pin(self.ring.import(actor.to_owned(), scope.clone(), request))
    }

    fn copy_key<'a>(
        &'a self,
        actor: &'a str,
        passphrase: Option<Secret<Vec<u8>>>,
    ) -> Pending<'a, Result<Secret<Vec<u8>>, Problem>> {
        Box::pin(self.ring.copy(actor, passphrase))
    }
}
