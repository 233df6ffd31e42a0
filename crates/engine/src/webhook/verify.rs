//! Whether a message is from whom a webhook is for.
//!
//! Invariant: only header fields and the body's bytes are looked at; nothing reads the body as
//! anything before it was verified.
//! Invariant: what is compared with a secret, or with what is made of one, takes the same time for
//! every text of a length.

use crate::secrets::crypto::hmac_of;
use crate::secrets::mac::{key as mac_key, sign_at};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::HMAC_SHA256;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use model::manifest::{KeyText, Mac, Sender, Unit, WebhookSpec};
use model::{Secret, Timestamp};
use ports::host::HttpCall;

/// Most signatures of one message that are tried: senders sign with two keys while one replaces the
/// other.
const SIGNATURES_MAX: usize = 8;
const NONE: &[u8] = b"";

/// A message as it came.
pub(super) struct Message<'a> {
    pub(super) method: &'a http::Method,
    pub(super) uri: &'a http::Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) now: Timestamp,
}

/// Why a message is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Disbelief {
    /// A field is missing, comes twice, or is of no form that a sender gives it.
    #[error("its signature is missing or malformed")]
    Malformed,
    /// The signature is another one.
    #[error("its signature is not the sender's")]
    Forged,
    /// The time that was signed is too far from now.
    #[error("it was signed too long ago, or in the future")]
    Stale,
    /// The secret is none that the sender could sign with.
    #[error("the secret is no key for it")]
    Key,
}

type Believed = Result<(), Disbelief>;

impl Message<'_> {
    /// The one value of a field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }

    fn needed(&self, name: &str) -> Result<&str, Disbelief> {
        self.field(name).ok_or(Disbelief::Malformed)
    }

    /// Whether a time in seconds, or in thousandths, is near enough.
    fn near(&self, text: &str, unit: Unit, tolerance_ms: u64) -> Believed {
        let digits =
            !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse::<i64>().ok().filter(|_| digits).ok_or(Disbelief::Malformed)?;
        let factor = match unit {
            Unit::Seconds => 1_000_000,
            Unit::Milliseconds => 1000,
        };
        let apart_us = number.saturating_mul(factor).abs_diff(self.now.0);
        if apart_us > tolerance_ms.saturating_mul(1000) { Err(Disbelief::Stale) } else { Ok(()) }
    }
}

/// Believes a message, or says why not. `key` is the secret's value, where the kind has one.
pub(super) fn believe(
    spec: &WebhookSpec,
    key: Option<&Secret<Vec<u8>>>,
    message: &Message<'_>,
) -> Believed {
    let secret = key.map_or(NONE, |key| key.expose().trim_ascii());
    if spec.kind != Sender::Discord && secret.is_empty() {
        return Err(Disbelief::Key);
    }
    let tolerance = spec.tolerance().ms;
    match spec.kind {
        Sender::Standard => standard(secret, tolerance, message),
        Sender::Github => {
            let said = message.needed("x-hub-signature-256")?;
            let said = said.strip_prefix("sha256=").ok_or(Disbelief::Malformed)?;
            in_hex([said].into_iter(), secret, &[message.body])
        }
        Sender::Stripe => stripe(secret, tolerance, message),
        Sender::Slack => {
            let time = message.needed("x-slack-request-timestamp")?;
            let said = message.needed("x-slack-signature")?;
            let said = said.strip_prefix("v0=").ok_or(Disbelief::Malformed)?;
            let parts = [b"v0:", time.as_bytes(), b":", message.body];
            in_hex([said].into_iter(), secret, &parts)?;
            message.near(time, Unit::Seconds, tolerance)
        }
        Sender::Discord => discord(spec, tolerance, message),
        Sender::Telegram => {
            let said = message.needed("x-telegram-bot-api-secret-token")?;
            same(said.as_bytes(), secret)
        }
        Sender::Hmac => match spec.mac() {
            Ok(Some(mac)) => own(&mac, key, tolerance, message),
            _ => Err(Disbelief::Key),
        },
    }
}

fn same(said: &[u8], expected: &[u8]) -> Believed {
    verify_slices_are_equal(said, expected).map_err(|_| Disbelief::Forged)
}

/// Whether one of these signatures is HMAC-SHA-256 over the parts, in hexadecimal digits.
fn in_hex<'a>(said: impl Iterator<Item = &'a str>, key: &[u8], parts: &[&[u8]]) -> Believed {
    let tag = hmac_of(HMAC_SHA256, key, parts.iter().copied());
    let mut given = said.take(SIGNATURES_MAX).filter_map(|text| hex::decode(text).ok()).peekable();
    if given.peek().is_none() {
        return Err(Disbelief::Malformed);
    }
    one_of(given, tag.as_ref())
}

fn one_of(mut given: impl Iterator<Item = Vec<u8>>, tag: &[u8]) -> Believed {
    match given.any(|said| same(&said, tag).is_ok()) {
        true => Ok(()),
        false => Err(Disbelief::Forged),
    }
}

/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
fn standard(secret: &[u8], tolerance: u64, message: &Message<'_>) -> Believed {
    let (id, time) = (message.needed("webhook-id")?, message.needed("webhook-timestamp")?);
    let text = secret.strip_prefix(b"whsec_").unwrap_or(secret);
    let key = mac_key(KeyText::Base64, &Secret::new(text.to_vec())).ok_or(Disbelief::Key)?;
    let parts = [id.as_bytes(), b".", time.as_bytes(), b".", message.body];
    let tag = hmac_of(HMAC_SHA256, key.expose(), parts);
    let said = message.needed("webhook-signature")?.split(' ').take(SIGNATURES_MAX);
    let said = said.filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    one_of(said, tag.as_ref())?;
    message.near(time, Unit::Seconds, tolerance)
}

/// <https://docs.stripe.com/webhooks#verify-manually>
fn stripe(secret: &[u8], tolerance: u64, message: &Message<'_>) -> Believed {
    let said = message.needed("stripe-signature")?;
    let all = || said.split(',').filter_map(|part| part.trim().split_once('='));
    let mut times = all().filter(|(name, _)| *name == "t").map(|(_, time)| time);
    let (Some(time), None) = (times.next(), times.next()) else {
        return Err(Disbelief::Malformed);
    };
    let signatures = all().filter(|(name, _)| *name == "v1").map(|(_, text)| text);
    in_hex(signatures, secret, &[time.as_bytes(), b".", message.body])?;
    message.near(time, Unit::Seconds, tolerance)
}

/// <https://discord.com/developers/docs/interactions/overview#setting-up-an-endpoint>
fn discord(spec: &WebhookSpec, tolerance: u64, message: &Message<'_>) -> Believed {
    let key = spec.key().ok_or(Disbelief::Key)?;
    let time = message.needed("x-signature-timestamp")?;
    let said = hex::decode(message.needed("x-signature-ed25519")?);
    let said = said.map_err(|_| Disbelief::Malformed)?;
    let signed = [time.as_bytes(), message.body].concat();
    let key = UnparsedPublicKey::new(&ED25519, key);
    key.verify(&signed, &said).map_err(|_| Disbelief::Forged)?;
    message.near(time, Unit::Seconds, tolerance)
}

/// What the manifest says.
fn own(
    mac: &Mac,
    secret: Option<&Secret<Vec<u8>>>,
    tolerance: u64,
    message: &Message<'_>,
) -> Believed {
    let key = secret.and_then(|secret| mac_key(mac.key, secret)).ok_or(Disbelief::Key)?;
    let said = message.needed(mac.header.as_str())?;
    let time = mac.timestamp_header.as_ref().map(|name| message.needed(name.as_str()));
    let time = time.transpose()?;
    let call = HttpCall {
        method: message.method.clone(),
        uri: message.uri.clone(),
        headers: message.headers.clone(),
        connect: None,
        first_byte: None,
        between_bytes: None,
    };
    let time_text = time.unwrap_or_default().to_owned();
    let made = sign_at(mac, key.expose(), &call, message.body, time_text);
    same(said.as_bytes(), made.value.as_bytes())?;
    time.map_or(Ok(()), |time| message.near(time, mac.unit, tolerance))
}
