//! `[source.nats]`: a stream of NATS JetStream.

use super::{BeginWord, Checked, FormWord, Scheme, message_shape, names};
use crate::settings::network::Network;
use model::SecretName;
use model::unit::Duration;
use serde::Deserialize;
use sources::{Kind, Nats};

const SCHEME: Scheme = Scheme { plain: "nats", secure: "tls", port: 4222 };
/// Shortest and longest time after which a message comes again. While the queue has no room, the node
/// says about once a second that it has it.
const ACK_WAIT: (Duration, Duration) = (Duration::seconds(5), Duration::seconds(60 * 60));

/// The section, as the file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    url: String,
    stream: String,
    #[serde(default = "consumer")]
    consumer: String,
    subject: Option<String>,
    user: Option<String>,
    secret: Option<SecretName>,
    #[serde(default)]
    networks: Vec<Network>,
    #[serde(default)]
    begin: BeginWord,
    #[serde(default = "ack_wait")]
    ack_wait: Duration,
    form: Option<FormWord>,
    #[serde(rename = "type")]
    kind: Option<String>,
    key: Option<String>,
}

fn consumer() -> String {
    "casemate".to_owned()
}

const fn ack_wait() -> Duration {
    Duration::seconds(30)
}

impl Section {
    pub(super) fn check(self) -> Result<Checked, String> {
        let (at, secure, behind) = SCHEME.read(&self.url)?;
        if !behind.is_empty() {
            return Err("`url` ends with the host and the port".to_owned());
        }
        names(&[
            ("stream", Some(&self.stream)),
            ("consumer", Some(&self.consumer)),
            ("subject", self.subject.as_ref()),
            ("user", self.user.as_ref()),
            ("key", self.key.as_ref()),
        ])?;
        // They are parts of subjects that the node sends to.
        for (key, name) in [("stream", &self.stream), ("consumer", &self.consumer)] {
            let part = |byte: u8| byte.is_ascii_graphic() && !b".*>/\\".contains(&byte);
            if !name.bytes().all(part) {
                return Err(format!("`{key}` has a character that no name in NATS has"));
            }
        }
        if self.subject.as_ref().is_some_and(|it| !it.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err("`subject` has a space or a character that is not in ASCII".to_owned());
        }
        if self.user.is_some() && self.secret.is_none() {
            return Err("`user` goes with `secret`, the name of a secret with the password".into());
        }
        if self.ack_wait < ACK_WAIT.0 || self.ack_wait > ACK_WAIT.1 {
            return Err("`ack_wait` is 5s to 1h".to_owned());
        }
        let nats = Nats {
            at,
            secure,
            user: self.user,
            stream: self.stream,
            consumer: self.consumer,
            subject: self.subject,
            begin: self.begin.into(),
            ack_wait: self.ack_wait.std(),
            shape: message_shape(self.form, self.kind)?,
            key: self.key,
        };
        let networks = self.networks.iter().map(|network| network.0).collect();
        Ok((Kind::Nats(nats), self.secret, networks))
    }
}
