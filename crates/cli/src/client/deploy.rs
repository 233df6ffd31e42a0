//! What changes functions: artifacts, deployments, rollback, removal.

use super::Client;
use super::access::{NOTHING, Written};
use super::transport::{Patience, asking_first};
use crate::voice::Failure;
use model::api::{Application, DeployRequest, Deployed, Page, RollbackRequest};
use model::revision::DeploymentRow;
use model::{ApplicationName, Code, Digest};
use std::io::Read;
use ureq::SendBody;

impl Client {
    /// Whether the node holds a component already.
    pub(crate) fn has_artifact(&self, digest: &Digest) -> Result<bool, Failure> {
        let builder = self.request("HEAD", &self.scoped(&format!("artifacts/{digest}")));
        let answer = self.send(builder, (), Patience::Short)?;
        match answer.response.status().as_u16() {
            404 => Ok(false),
            status if (200..300).contains(&status) => Ok(true),
            // An answer to HEAD has no body to read a reason from; this one will have it.
            _ => {
                self.node()?;
                Err(answer.refused())
            }
        }
    }

    /// Sends a component of `bytes` bytes.
    pub(crate) fn put_artifact(
        &self,
        digest: &Digest,
        bytes: u64,
        body: &mut dyn Read,
    ) -> Result<(), Failure> {
        let builder = self
            .request("PUT", &self.scoped(&format!("artifacts/{digest}")))
            .header("content-type", "application/wasm")
            .header("content-length", bytes.to_string());
        let builder = asking_first(builder, bytes);
        self.ask(builder, SendBody::from_reader(body), Patience::Endless).map(|_| ())
    }

    /// Makes a manifest the active deployment of its application. Waits for the compiler.
    pub(crate) fn deploy(&self, request: &DeployRequest) -> Result<Deployed, Failure> {
        let path = self.scoped(&format!("applications/{}", request.manifest.application));
        self.write(self.request("PUT", &path), Some(request), Patience::Endless)
    }

    /// The active applications.
    pub(crate) fn applications(&self) -> Result<Page<Application>, Failure> {
        self.read(&self.scoped("applications"))
    }

    /// An application's active deployment; nothing if there is none.
    pub(crate) fn application(
        &self,
        application: &ApplicationName,
    ) -> Result<Option<DeploymentRow>, Failure> {
        match self.read(&self.scoped(&format!("applications/{application}"))) {
            Ok(row) => Ok(Some(row)),
            Err(failure) if failure.problem.code == Code::NoSuchFunction => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Makes an earlier deployment the active one.
    pub(crate) fn rollback(
        &self,
        application: &ApplicationName,
        to: Option<u32>,
    ) -> Result<Deployed, Failure> {
        let path = self.scoped(&format!("applications/{application}/rollback"));
        let request = RollbackRequest { to };
        self.write(self.request("POST", &path), Some(&request), Patience::Endless)
    }

    /// Takes an application away.
    pub(crate) fn remove(&self, application: &ApplicationName) -> Result<Written, Failure> {
        let path = self.scoped(&format!("applications/{application}"));
        self.write(self.request("DELETE", &path), NOTHING, Patience::Short)
    }
}
