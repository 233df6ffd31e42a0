//! The root key of a node.

use super::Client;
use super::transport::Patience;
use crate::voice::Failure;
use model::Secret;
use model::api::{
    KeyExportRequest, KeyExported, KeyImportRequest, KeyImported, KeyProgress, KeyPublic,
    KeyRetireRequest, KeyRetired, KeyRewrap, KeyRotateRequest, KeyRotated, Keys,
};
use std::io::Read;
use ureq::SendBody;

/// Most bytes of a copy of a root key.
const COPY_BYTES_MAX: u64 = 64 << 10;

impl Client {
    /// The root key's epochs, and what is sealed with each.
    pub(crate) fn keys(&self) -> Result<Keys, Failure> {
        self.ask(self.request("GET", "/v1/keys"), (), Patience::Endless)?.json()
    }

    /// Adds an epoch to the root key, if `from` is the newest.
    pub(crate) fn rotate_key(&self, from: u32) -> Result<KeyRotated, Failure> {
        let builder = self.request("POST", "/v1/keys/rotate");
        self.write(builder, Some(&KeyRotateRequest { from }), Patience::Endless)
    }

    /// Begins to move what is stored to the newest epoch.
    pub(crate) fn rewrap_keys(&self) -> Result<KeyRewrap, Failure> {
        let builder = self.request("POST", "/v1/keys/rewrap");
        self.write(builder, None::<&()>, Patience::Endless)
    }

    /// How far things are that move to the newest epoch.
    pub(crate) fn rewrap(&self) -> Result<Option<KeyRewrap>, Failure> {
        let answer = self.ask(self.request("GET", "/v1/keys/rewrap"), (), Patience::Short)?;
        Ok(answer.json::<KeyProgress>()?.rewrap)
    }

    /// Takes an epoch out of the root key.
    pub(crate) fn retire_key(&self, epoch: u32) -> Result<KeyRetired, Failure> {
        let builder = self.request("POST", "/v1/keys/retire");
        self.write(builder, Some(&KeyRetireRequest { epoch }), Patience::Endless)
    }

    /// The public key of the tenant's environment.
    pub(crate) fn public_key(&self) -> Result<KeyPublic, Failure> {
        self.ask(self.request("GET", &self.scoped("keys/public")), (), Patience::Short)?.json()
    }

    /// Seals keys of classes for another home.
    pub(crate) fn export_keys(&self, request: &KeyExportRequest) -> Result<KeyExported, Failure> {
        let builder = self.request("POST", &self.scoped("keys/export"));
        self.write(builder, Some(request), Patience::Short)
    }

    /// Takes keys that another home sealed for this one.
    pub(crate) fn import_keys(&self, request: &KeyImportRequest) -> Result<KeyImported, Failure> {
        let builder = self.request("POST", &self.scoped("keys/import"));
        self.write(builder, Some(request), Patience::Short)
    }

    /// A copy of the root key, sealed if there is a passphrase.
    pub(crate) fn copy_key(
        &self,
        passphrase: Option<&Secret<Vec<u8>>>,
    ) -> anyhow::Result<Secret<Vec<u8>>> {
        let bytes = passphrase.map(|bytes| bytes.expose().as_slice()).unwrap_or_default();
        let path = format!("/v1/keys/backup?plain={}", passphrase.is_none());
        let builder = self
            .request("POST", &path)
            .header("content-type", "application/octet-stream")
            .header("content-length", bytes.len().to_string());
        let mut body = bytes;
        let answer = self.ask(builder, SendBody::from_reader(&mut body), Patience::Endless)?;
        // Room for all of it from the start, so that no copy is left behind by growing.
        let mut copy = Vec::with_capacity(COPY_BYTES_MAX as usize + 1);
        answer.reader().take(COPY_BYTES_MAX).read_to_end(&mut copy)?;
        Ok(Secret::new(copy))
    }
}
