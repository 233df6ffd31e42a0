//! Secrets that functions use.

use super::Client;
use super::access::NOTHING;
use super::transport::Patience;
use crate::voice::Failure;
use model::api::{Page, SecretInfo, SecretWritten};
use model::{Secret, SecretName};
use ureq::SendBody;

impl Client {
    /// Every secret, without its value.
    pub(crate) fn secrets(&self) -> Result<Page<SecretInfo>, Failure> {
        self.read(&self.scoped("secrets"))
    }

    /// Gives a secret its first value, or replaces it. Without a key for repetitions: the node
    /// would keep a digest of the value under it.
    pub(crate) fn put_secret(
        &self,
        name: &SecretName,
        value: &Secret<Vec<u8>>,
        rotate: bool,
    ) -> Result<SecretWritten, Failure> {
        let builder = match rotate {
            true => self.request("POST", &self.scoped(&format!("secrets/{name}/rotate"))),
            false => self.request("PUT", &self.scoped(&format!("secrets/{name}"))),
        };
        let builder = builder
            .header("content-type", "application/octet-stream")
            .header("content-length", value.expose().len().to_string());
        let mut bytes = value.expose().as_slice();
        let body = SendBody::from_reader(&mut bytes);
        self.ask(builder, body, Patience::Short)?.json()
    }

    /// Takes a secret's value away.
    pub(crate) fn remove_secret(&self, name: &SecretName) -> Result<SecretWritten, Failure> {
        let builder = self.request("DELETE", &self.scoped(&format!("secrets/{name}")));
        self.write(builder, NOTHING, Patience::Short)
    }
}
