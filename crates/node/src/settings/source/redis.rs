//! `[source.redis]`: a stream of Redis.

use super::{BeginWord, Checked, FormWord, Scheme, message_shape, names};
use crate::settings::network::Network;
use model::SecretName;
use model::unit::Duration;
use serde::Deserialize;
use sources::{Kind, Redis};

const SCHEME: Scheme = Scheme { plain: "redis", secure: "rediss", port: 6379 };

/// The section, as the file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    url: String,
    stream: String,
    #[serde(default = "group")]
    group: String,
    consumer: Option<String>,
    user: Option<String>,
    secret: Option<SecretName>,
    #[serde(default)]
    networks: Vec<Network>,
    #[serde(default)]
    begin: BeginWord,
    #[serde(default = "claim_after")]
    claim_after: Duration,
    field: Option<String>,
    form: Option<FormWord>,
    #[serde(rename = "type")]
    kind: Option<String>,
    key: Option<String>,
}

fn group() -> String {
    "casemate".to_owned()
}

const fn claim_after() -> Duration {
    Duration::seconds(300)
}

impl Section {
    pub(super) fn check(self) -> Result<Checked, String> {
        let (at, secure, database) = SCHEME.read(&self.url)?;
        let database = match database {
            "" => 0,
            digits => {
                digits.parse().map_err(|_| "`url` ends with a database's number".to_owned())?
            }
        };
        names(&[
            ("stream", Some(&self.stream)),
            ("group", Some(&self.group)),
            ("consumer", self.consumer.as_ref()),
            ("user", self.user.as_ref()),
            ("field", self.field.as_ref()),
            ("key", self.key.as_ref()),
        ])?;
        if self.user.is_some() && self.secret.is_none() {
            return Err("`user` goes with `secret`, the name of a secret with the password".into());
        }
        if self.claim_after < Duration::seconds(1) {
            return Err("`claim_after` is at least 1s".to_owned());
        }
        if self.field.is_none() && (self.form.is_some() || self.kind.is_some()) {
            return Err("`form` and `type` are about a `field`: without one, the data is a JSON object of all fields".into());
        }
        let shape = message_shape(self.form, self.kind)?;
        let redis = Redis {
            at,
            secure,
            database,
            user: self.user,
            stream: self.stream,
            group: self.group,
            consumer: self.consumer.unwrap_or_default(),
            begin: self.begin.into(),
            claim_after: self.claim_after.std(),
            field: self.field,
            shape,
            key: self.key,
        };
        let networks = self.networks.iter().map(|network| network.0).collect();
        Ok((Kind::Redis(redis), self.secret, networks))
    }
}
