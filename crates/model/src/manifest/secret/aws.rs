//! What AWS's Signature Version 4 needs beside the key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How requests are signed for AWS, and for what speaks its protocols.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SigV4 {
    /// The id of the access key. The secret's value is the secret access key then. Without it, the
    /// value is a JSON document with `AccessKeyId`, `SecretAccessKey` and perhaps `SessionToken`, as
    /// AWS's tools print it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// The region, such as `eu-central-1`.
    pub region: String,
    /// The service, such as `s3` or `dynamodb`.
    pub service: String,
}

impl SigV4 {
    /// Whether the service signs as S3 does: paths are encoded once, the digest of the body is said
    /// in a field, and bodies over TLS may go unsigned.
    #[must_use]
    pub fn is_s3(&self) -> bool {
        ["s3", "s3-object-lambda", "s3-outposts"].contains(&self.service.as_str())
    }

    pub(super) fn checked(&self) -> Result<Self, String> {
        let plain = |text: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            (1..=64).contains(&text.len()) && text.bytes().all(fits)
        };
        if !plain(&self.region) || !plain(&self.service) {
            return Err("`sigv4.region` and `sigv4.service` are words, such as `s3`".to_owned());
        }
        match &self.access_key {
            Some(id) if !is_access_key(id) => {
                Err("`sigv4.access_key` is the id of an access key".to_owned())
            }
            _ => Ok(self.clone()),
        }
    }
}

/// Whether a text can stand where AWS's signature has the id of a key.
#[must_use]
pub fn is_access_key(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"/,=".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(fits)
}
