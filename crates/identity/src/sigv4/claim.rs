//! What a signed request says about its signature, and whether that is so.
//!
//! Invariant: what is believed of a request was signed: its method, path, query, host, body, and
//! every field of AWS's.
//! Invariant: a signature is compared in constant time.

use super::sign::{Key, Signing, sign};
use aws_lc_rs::constant_time;
use model::{Secret, Timestamp};

/// How far a clock may be off, either way, in microseconds: 5 minutes.
pub const SKEW_US: i64 = 300_000_000;

/// A request as it came, as far as it is signed.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// The method.
    pub method: &'a str,
    /// As it was sent.
    pub path: &'a str,
    /// As it was sent, without `?`.
    pub query: &'a str,
    /// Every field in the order in which it came; names in lower case.
    pub fields: &'a [(&'a str, &'a [u8])],
}

impl<'a> Sent<'a> {
    /// The value of a field: nothing if it is absent.
    ///
    /// # Errors
    /// It came more than once, or is no text.
    pub(super) fn field(&self, name: &str) -> Result<Option<&'a str>, Wrong> {
        let mut values = self.fields.iter().filter(|(known, _)| *known == name);
        let (first, second) = (values.next(), values.next());
        match (first, second) {
            (None, _) => Ok(None),
            (Some((_, value)), None) => match std::str::from_utf8(value) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(Wrong::Incomplete("a field of the signature is no text")),
            },
            _ => Err(Wrong::Incomplete("a field of the signature came twice")),
        }
    }
}

/// Why a request is nobody's, in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    /// There is no signature.
    #[error("Missing Authentication Token")]
    Missing,
    /// Something that belongs to a signature is missing, or not in its form.
    #[error("The request signature does not conform to AWS standards: {0}")]
    Incomplete(&'static str),
    /// A session token. Keys of ours have none.
    #[error("The security token included in the request is invalid.")]
    Token,
    /// It is for another service.
    #[error("Credential should be scoped to correct service: '{expected}'. ")]
    Service {
        /// What is served here.
        expected: &'static str,
    },
    /// A field that must be signed is not.
    #[error("There were headers present in the request which were not signed: {0}")]
    Unsigned(String),
    /// It is too old.
    #[error("Signature expired: {signed} is now earlier than {earliest} ({now} - {minutes} min.)")]
    Expired {
        /// The time that it names.
        signed: String,
        /// The earliest time that is taken.
        earliest: String,
        /// The time here.
        now: String,
        /// How old one may be.
        minutes: i64,
    },
    /// It is from the future.
    #[error("Signature not yet current: {signed} is still later than {latest} ({now} + 5 min.)")]
    NotYet {
        /// The time that it names.
        signed: String,
        /// The latest time that is taken.
        latest: String,
        /// The time here.
        now: String,
    },
    /// It is another one.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

/// What a request says about its signature. Nobody has checked that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// With whose key it says that it was signed.
    pub access_key: String,
    /// The region that it was signed for, which its sender chose.
    pub region: String,
    /// The service that it was signed for.
    pub service: String,
    /// When.
    pub time: Timestamp,
    /// How long it holds from then on, in microseconds.
    pub lasts_us: i64,
    /// Whether it stands in the query.
    pub presigned: bool,
    pub(super) time_text: String,
    /// The names of the fields that were signed.
    pub(super) names: Vec<String>,
    pub(super) signature: [u8; 32],
}

impl Claim {
    /// Reads what a request says about its signature.
    ///
    /// # Errors
    /// It says nothing, or something that is not understood.
    pub fn read(sent: &Sent<'_>) -> Result<Self, Wrong> {
        super::read::read(sent)
    }

    /// Looks at all that can be looked at without the key and the body: the service, the fields,
    /// and the time.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(
        &self,
        sent: &Sent<'_>,
        service: &'static str,
        now: Timestamp,
    ) -> Result<(), Wrong> {
        if self.service != service {
            return Err(Wrong::Service { expected: service });
        }
        let signed = |name: &str| self.names.iter().any(|known| known == name);
        let must = |name: &&str| *name == "host" || name.starts_with("x-amz-");
        let all = ["host"].into_iter().chain(sent.fields.iter().map(|(name, _)| *name));
        if let Some(name) = all.filter(must).find(|name| !signed(name)) {
            return Err(Wrong::Unsigned(name.chars().take(80).collect()));
        }
        let text = |time| super::basic_time(time).unwrap_or_default();
        let latest = now.plus_us(SKEW_US);
        if self.time > latest {
            let signed = self.time_text.clone();
            return Err(Wrong::NotYet { signed, latest: text(latest), now: text(now) });
        }
        let earliest = now.plus_us(-self.lasts_us);
        if self.time < earliest {
            return Err(Wrong::Expired {
                signed: self.time_text.clone(),
                earliest: text(earliest),
                now: text(now),
                minutes: self.lasts_us / 60_000_000,
            });
        }
        Ok(())
    }

    /// Compares the signature with the one that this secret makes, over a body of this SHA-256.
    ///
    /// # Errors
    /// [`Wrong::Mismatch`].
    pub fn verify(
        &self,
        sent: &Sent<'_>,
        secret: &Secret<Vec<u8>>,
        body: &[u8; 32],
    ) -> Result<(), Wrong> {
        let payload = hex::encode(body);
        // Somebody may have said another digest, or none, and signed that.
        if sent.field("x-amz-content-sha256")?.is_some_and(|said| said != payload) {
            return Err(Wrong::Mismatch);
        }
        let fields = self.names.iter().map(|name| {
            let own = sent.fields.iter().filter(|(known, _)| known == name);
            (name.as_str(), own.map(|(_, value)| *value).collect())
        });
        let query = match self.presigned {
            true => without_signature(sent.query),
            false => sent.query.to_owned(),
        };
        let signing = Signing {
            method: sent.method,
            path: sent.path,
            query: &query,
            fields: fields.collect(),
            payload: &payload,
            s3: false,
            time: &self.time_text,
        };
        let key = Key {
            id: &self.access_key,
            secret: secret.expose(),
            region: &self.region,
            service: &self.service,
        };
        let mut own = [0; 32];
        let made = sign(&key, signing).signature;
        hex::decode_to_slice(made, &mut own).map_err(|_| Wrong::Mismatch)?;
        constant_time::verify_slices_are_equal(&own, &self.signature).map_err(|_| Wrong::Mismatch)
    }

    /// The names of the fields that were signed.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The signature, in a short form that no other request has.
    #[must_use]
    pub fn digest(&self) -> [u8; 16] {
        short(&[self.access_key.as_bytes(), &self.signature])
    }

    /// Which attempt of a tool's a request is, in a short form: what tools of AWS's say of it.
    #[must_use]
    pub fn attempt(sent: &Sent<'_>) -> [u8; 16] {
        let said = |name: &str| {
            let own = sent.fields.iter().find(|(known, _)| *known == name);
            own.map(|(_, value)| *value).unwrap_or_default()
        };
        short(&[said("amz-sdk-invocation-id"), b" ", said("amz-sdk-request")])
    }

    /// From when on it is not taken any more.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.time.plus_us(self.lasts_us)
    }
}

fn short(parts: &[&[u8]]) -> [u8; 16] {
    let mut out = [0; 16];
    for (to, from) in out.iter_mut().zip(crate::sha256(&parts.concat())) {
        *to = from;
    }
    out
}

/// The query of a presigned request as it was signed.
fn without_signature(query: &str) -> String {
    let kept: Vec<&str> =
        query.split('&').filter(|pair| !pair.starts_with("X-Amz-Signature=")).collect();
    kept.join("&")
}
