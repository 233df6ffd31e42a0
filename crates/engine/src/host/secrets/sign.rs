//! Secrets that sign requests, and secrets in bodies.

use super::super::Broker;
use super::super::record::Step;
use super::dressed::{Content, Dressed};
use super::gather::BODY_BYTES_MAX;
use super::put;
use crate::secrets::aws::{self, Payload};
use crate::secrets::{Use, fill, mac};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use model::manifest::{BodyField, Mac, SigV4};
use model::{Code, Secret, vault};
use ports::host::HostError;

/// A body with a secret in it. Wiped when it was sent.
struct Filled(Secret<Vec<u8>>);

impl AsRef<[u8]> for Filled {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

impl Broker {
    /// Has all of the body in memory.
    pub(super) async fn gathered(
        &self,
        request: &Step,
        dressed: &mut Dressed,
    ) -> Result<(), HostError> {
        let Content::Coming(body) = &mut dressed.content else { return Ok(()) };
        let whole = match body.take() {
            Some(body) => self.gather(request, body, BODY_BYTES_MAX).await?,
            None => Bytes::new(),
        };
        dressed.content = Content::Whole(whole);
        Ok(())
    }

    /// Puts a secret into the body, if its placeholder is there.
    pub(super) async fn fill(
        &self,
        request: &Step,
        using: &Use,
        field: &BodyField,
        dressed: &mut Dressed,
        url: &str,
    ) -> Result<(), HostError> {
        let kind = dressed.call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !dressed.has_body() || !kind.is_some_and(|kind| fill::fits(field, kind)) {
            return Ok(());
        }
        self.gathered(request, dressed).await?;
        if !dressed.holds(&using.placeholder) {
            return Ok(());
        }
        let opened = self.open(using, url).await?;
        let value = opened.value.expose();
        let filled = fill::fill(field, dressed.whole(), &using.placeholder, value)
            .ok_or_else(|| self.unusable(&opened.step, Code::SecretBodyForm))?;
        let filled = Filled(Secret::new(filled));
        dressed.call.headers.insert(CONTENT_LENGTH, HeaderValue::from(filled.as_ref().len()));
        dressed.content = Content::Whole(Bytes::from_owner(filled));
        put::plain_reply(&mut dressed.call);
        self.used(&opened);
        Ok(())
    }

    /// Signs as AWS wants it.
    pub(super) async fn sign_aws(
        &self,
        request: &Step,
        using: &Use,
        form: &SigV4,
        dressed: &mut Dressed,
        url: &str,
    ) -> Result<(), HostError> {
        let opened = self.open(using, url).await?;
        let payload = aws::payload(form, &dressed.call, dressed.has_body());
        match payload {
            Payload::Signed => return Err(self.unusable(&opened.step, Code::SecretSignedTwice)),
            Payload::Digest => self.gathered(request, dressed).await?,
            Payload::Said(_) => {}
        }
        let own = aws::credentials(form, &opened.value)
            .ok_or_else(|| self.unusable(&opened.step, Code::SecretContent))?;
        for part in [Some(&own.secret), own.token.as_ref()].into_iter().flatten() {
            if !vault::is_weak(part.expose()) {
                self.cover(&using.name, part);
            }
        }
        let now = self.parts().clock.wall();
        put::plain_reply(&mut dressed.call);
        let Dressed { call, content, .. } = dressed;
        let signature = aws::sign(form, &own, call, payload, content.whole(), now);
        let signature =
            signature.ok_or_else(|| self.unusable(&opened.step, Code::SecretUnusable))?;
        dressed.made.push((using.name.clone(), Secret::new(signature.into_bytes())));
        self.used(&opened);
        Ok(())
    }

    /// Signs as the manifest says.
    pub(super) async fn sign_own(
        &self,
        request: &Step,
        using: &Use,
        mac: &Mac,
        dressed: &mut Dressed,
        url: &str,
    ) -> Result<(), HostError> {
        let opened = self.open(using, url).await?;
        if mac.needs_body() {
            self.gathered(request, dressed).await?;
        }
        let key = mac::key(mac.key, &opened.value)
            .ok_or_else(|| self.unusable(&opened.step, Code::SecretContent))?;
        let now = self.parts().clock.wall();
        let made = mac::sign(mac, key.expose(), &dressed.call, dressed.whole(), now);
        let unusable = || self.unusable(&opened.step, Code::SecretUnusable);
        let mut value = HeaderValue::try_from(made.value).map_err(|_| unusable())?;
        value.set_sensitive(true);
        let headers = &mut dressed.call.headers;
        headers.insert(&mac.header, value);
        if let Some(name) = &mac.timestamp_header {
            headers.insert(name, HeaderValue::try_from(made.time).map_err(|_| unusable())?);
        }
        put::plain_reply(&mut dressed.call);
        dressed.made.push((using.name.clone(), Secret::new(made.signature.into_bytes())));
        self.used(&opened);
        Ok(())
    }
}
