//! A webhook of a function: who calls it from outside, and how that is told from everybody else.

use super::FunctionSpec;
use super::secret::{Hmac, Mac, Part};
use crate::unit::Duration;
use crate::{Code, Problem, SecretName, TriggerName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most webhooks of one function.
pub const WEBHOOKS_MAX: usize = 100;
/// How old what is signed may be, if nothing is said.
const TOLERANCE: Duration = Duration::seconds(5 * 60);
/// How old it may be at most.
const TOLERANCE_MAX: Duration = Duration::seconds(24 * 60 * 60);

/// Whose webhook it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sender {
    /// Whoever signs as Standard Webhooks has it.
    Standard,
    /// GitHub.
    Github,
    /// Stripe.
    Stripe,
    /// Slack.
    Slack,
    /// Discord.
    Discord,
    /// Telegram.
    Telegram,
    /// Whoever signs with HMAC, as `hmac` says.
    Hmac,
}

impl Sender {
    /// Its word, as the manifest has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Github => "github",
            Self::Stripe => "stripe",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Telegram => "telegram",
            Self::Hmac => "hmac",
        }
    }
}

/// One webhook. It asks to call the function as `trigger:NAME`, and a grant makes that true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSpec {
    /// Its name, unique in the environment. It is answered at `/.casemate/webhooks/NAME`.
    pub name: TriggerName,
    /// Who sends.
    pub kind: Sender,
    /// The secret that the sender signs with, by its name. All kinds but `discord` need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretName>,
    /// The application's public key, in hexadecimal digits: for `discord`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// What is signed and where it stands: for `hmac`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac: Option<Hmac>,
    /// How much the time that was signed may differ from now. At most `1d`. Default `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<Duration>,
}

impl WebhookSpec {
    /// How much the time that was signed may differ from now.
    #[must_use]
    pub fn tolerance(&self) -> Duration {
        self.tolerance.unwrap_or(TOLERANCE)
    }

    /// What is signed, for `hmac`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn mac(&self) -> Result<Option<Mac>, String> {
        let Some(mac) = self.hmac.as_ref().map(Hmac::read).transpose()? else { return Ok(None) };
        if !mac.needs_body() {
            return Err("`hmac.sign` has `{body}` in it: nothing else may be believed".to_owned());
        }
        if mac.value.contains(&Part::Time) || mac.sign.contains(&Part::Host) {
            return Err("`hmac` has the time in `timestamp_header`, and no `{host}`".to_owned());
        }
        Ok(Some(mac))
    }

    /// The public key, for `discord`.
    #[must_use]
    pub fn key(&self) -> Option<[u8; 32]> {
        let mut key = [0; 32];
        hex::decode_to_slice(self.public_key.as_deref()?, &mut key).ok()?;
        Some(key)
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        let is = |kind| self.kind == kind;
        if is(Sender::Discord) == self.secret.is_some() {
            let why = "all kinds but `discord` name the secret that their sender signs with";
            return Err(("secret", why.to_owned()));
        }
        if is(Sender::Discord) != self.public_key.is_some()
            || self.public_key.is_some() && self.key().is_none()
        {
            let why = "`discord` names the application's public key, in 64 hexadecimal digits";
            return Err(("public_key", why.to_owned()));
        }
        if is(Sender::Hmac) != self.hmac.is_some() {
            return Err(("hmac", "is for `kind = \"hmac\"`, which needs it".to_owned()));
        }
        self.mac().map_err(|why| ("hmac", why))?;
        let tolerance = self.tolerance();
        if tolerance.ms < 1000 || tolerance > TOLERANCE_MAX {
            return Err(("tolerance", format!("must be 1s to {TOLERANCE_MAX}")));
        }
        Ok(())
    }
}

impl FunctionSpec {
    /// Refuses webhooks that could believe nobody, or anybody.
    ///
    /// # Errors
    /// E0104, naming the function, the webhook and the key.
    pub(super) fn check_webhooks(&self) -> Result<(), Problem> {
        let wrong = |why: String, place: String| {
            Err(Problem::new(Code::ManifestValue).detail(why).below(place))
        };
        if self.webhooks.len() > WEBHOOKS_MAX {
            let why = format!("function `{}` has more than {WEBHOOKS_MAX} webhooks", self.name);
            return wrong(why, "/webhook".to_owned());
        }
        for (at, webhook) in self.webhooks.iter().enumerate() {
            if let Err((key, why)) = webhook.check() {
                let name = &webhook.name;
                let why = format!("function `{}`, webhook `{name}`, `{key}`: {why}", self.name);
                return wrong(why, format!("/webhook/{at}/{key}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::limit::Ceiling;
    use crate::manifest::Manifest;

    fn check(webhook: &str) -> Result<(), String> {
        let text = format!(
            r#"{{"manifest":1,"application":"a","function":[{{"name":"f","webhook":[{{"name":"w",{webhook}}}]}}]}}"#
        );
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        manifest.check(&Ceiling::DEFAULT).map_err(|problem| problem.detail.unwrap_or_default())
    }

    #[test]
    fn a_webhook_knows_by_what_its_sender_is_known() {
        let key = "a1".repeat(32);
        let discord = format!(r#""kind":"discord","public_key":"{key}""#);
        for webhook in [
            r#""kind":"github","secret":"s""#,
            r#""kind":"stripe","secret":"s","tolerance":"1m""#,
            discord.as_str(),
            r#""kind":"hmac","secret":"s","hmac":{"sign":"{timestamp}.{body}","header":"x-sig","timestamp_header":"x-time"}"#,
        ] {
            assert_eq!(check(webhook), Ok(()), "{webhook}");
        }
        for (webhook, why) in [
            (r#""kind":"github""#, "name the secret"),
            (r#""kind":"discord","secret":"s""#, "name the secret"),
            (r#""kind":"discord""#, "public key"),
            (r#""kind":"discord","public_key":"a1""#, "public key"),
            (r#""kind":"github","secret":"s","public_key":"a1""#, "public key"),
            (r#""kind":"hmac","secret":"s""#, "needs it"),
            (
                r#""kind":"github","secret":"s","hmac":{"sign":"{body}","header":"x"}"#,
                "is for `kind",
            ),
            (r#""kind":"hmac","secret":"s","hmac":{"sign":"{path}","header":"x"}"#, "`{body}`"),
            (
                r#""kind":"hmac","secret":"s","hmac":{"sign":"{body}{timestamp}","value":"{timestamp}{signature}","header":"x"}"#,
                "`timestamp_header`",
            ),
            (r#""kind":"slack","secret":"s","tolerance":"0s""#, "must be"),
            (r#""kind":"slack","secret":"s","tolerance":"2d""#, "must be"),
            (r#""kind":"gitlab","secret":"s""#, "unknown variant"),
        ] {
            let said = check(webhook).expect_err(webhook);
            assert!(said.contains(why), "{webhook}: {said}");
        }
    }
}
