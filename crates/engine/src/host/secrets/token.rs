//! Tokens that are fetched with a secret (OAuth 2.0, client credentials), and put into requests.
//!
//! Invariant: a token is fetched through the same door as any request, with a permit for the secret
//! at the address where tokens come from; and by one invocation at a time, whoever waits for it.

use super::super::Broker;
use super::super::record::Step;
use super::dressed::{Content, Dressed};
use super::gather::BODY_BYTES_MAX;
use super::{Opened, put};
use crate::secrets::Use;
use crate::secrets::grant::{self, Given};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use model::manifest::OAuth2;
use model::{Code, FunctionRef, Labels, Problem, Secret, SecretName, vault};
use parking_lot::Mutex;
use policy::{HttpAsk, SecretAsk};
use ports::host::{HostError, HttpCall};
use ports::outbound::{Failure, Outgoing};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Most bytes of a body that is kept to be sent again with another token.
const AGAIN_BYTES_MAX: u64 = 64 << 10;
/// Tokens that are kept, before those that nobody waits for are forgotten.
const KEPT_MAX: usize = 4096;
/// How long nobody asks again after it failed.
const FAILED_FOR: Duration = Duration::from_secs(1);

/// A token, until it is about to expire.
pub(in crate::host) struct Token {
    value: Secret<Vec<u8>>,
    /// On the monotonic clock.
    until: Duration,
}

/// What a token was fetched with. The digest is keyed, so it says nothing about the secret.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    function: Arc<FunctionRef>,
    revision: u64,
    secret: SecretName,
    value: [u8; 16],
}

/// What is known of one token.
#[derive(Default)]
struct Cell {
    token: Option<Arc<Token>>,
    /// Why there is none, and until when nobody asks again.
    failed: Option<(Duration, HostError, String)>,
}

/// The tokens of a node.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<Key, Arc<tokio::sync::Mutex<Cell>>>>);

impl Tokens {
    fn cell(&self, key: Key, now: Duration) -> Arc<tokio::sync::Mutex<Cell>> {
        let mut all = self.0.lock();
        if all.len() >= KEPT_MAX && !all.contains_key(&key) {
            let alive = |cell: &Cell| cell.token.as_ref().is_some_and(|token| now < token.until);
            all.retain(|_, cell| cell.try_lock().map_or(true, |cell| alive(&cell)));
            if all.len() >= KEPT_MAX {
                all.retain(|_, cell| cell.try_lock().is_err());
            }
        }
        Arc::clone(all.entry(key).or_default())
    }
}

/// A request that can be sent once more.
pub(in crate::host) struct Again {
    call: HttpCall,
    body: Bytes,
    name: SecretName,
    token: Arc<Token>,
}

impl Dressed {
    /// What is needed to send it once more with another token, if it has one that was kept.
    pub(in crate::host) fn again(&self) -> Option<Again> {
        let (name, token) = self.token.clone()?;
        let body = match &self.content {
            Content::Coming(_) if self.has_body() => return None,
            Content::Coming(_) => Bytes::new(),
            Content::Whole(bytes) => bytes.clone(),
        };
        // A signature is of one moment, and a new one is not made here.
        self.made.is_empty().then(|| Again { call: self.call.clone(), body, name, token })
    }
}

impl Broker {
    /// Puts a token into `authorization`.
    pub(super) async fn put_token(
        &self,
        request: &Step,
        using: &Use,
        form: &OAuth2,
        dressed: &mut Dressed,
        url: &str,
    ) -> Result<(), HostError> {
        let opened = self.open(using, url).await?;
        let (token, kept) = self.token(using, form, &opened, None).await?;
        put::bearer(&mut dressed.call, token.value.expose())
            .ok_or_else(|| self.unusable(&opened.step, Code::SecretUnusable))?;
        if kept {
            if is_small(&dressed.call) {
                self.gathered(request, dressed).await?;
            }
            dressed.token = Some((using.name.clone(), token));
        }
        self.used(&opened);
        Ok(())
    }

    /// The request with another token, after the server did not take the one that was kept. `None`
    /// if there is no other.
    pub(in crate::host) async fn with_new_token(&self, again: Again, url: &str) -> Option<Dressed> {
        let Again { mut call, body, name, token } = again;
        let using = self.function.secrets.iter().find(|using| using.name == name)?;
        let model::manifest::Form::OAuth2(form) = &using.form else { return None };
        let opened = self.open(using, url).await.ok()?;
        let (token, _) = self.token(using, form, &opened, Some(&token)).await.ok()?;
        put::bearer(&mut call, token.value.expose())?;
        self.used(&opened);
        let mut dressed = Dressed::plain(call, None);
        if !body.is_empty() {
            dressed.content = Content::Whole(body);
        }
        Some(dressed)
    }

    /// A token, and whether it was there already. `stale` is one that is not wanted any more.
    async fn token(
        &self,
        using: &Use,
        form: &OAuth2,
        opened: &Opened,
        stale: Option<&Arc<Token>>,
    ) -> Result<(Arc<Token>, bool), HostError> {
        let clock = &self.parts().clock;
        let key = Key {
            function: Arc::clone(self.function.reference()),
            revision: u64::from(self.function.row.revision),
            secret: using.name.clone(),
            value: (self.parts().digest)(opened.value.expose()),
        };
        let cell = self.engine.tokens.cell(key, clock.monotonic());
        let mut cell = cell.lock().await;
        let now = clock.monotonic();
        let wanted = |token: &&Arc<Token>| {
            now < token.until && !stale.is_some_and(|stale| Arc::ptr_eq(stale, token))
        };
        if let Some(token) = cell.token.as_ref().filter(wanted) {
            self.cover_token(&using.name, token);
            return Ok((Arc::clone(token), true));
        }
        if let Some((until, error, why)) = &cell.failed
            && now < *until
        {
            return Err(self.failed(&opened.step, error.clone(), why));
        }
        *cell = Cell::default();
        match self.fetch(using, form, opened).await {
            Ok(token) => {
                let token = Arc::new(token);
                cell.token = Some(Arc::clone(&token));
                self.cover_token(&using.name, &token);
                Ok((token, false))
            }
            Err((error, why)) => {
                // What a policy or a budget says is not the server's word.
                if let (HostError::Upstream(_), Some(why)) = (&error, why) {
                    let until = clock.monotonic().saturating_add(FAILED_FOR);
                    cell.failed = Some((until, error.clone(), why));
                }
                Err(error)
            }
        }
    }

    fn cover_token(&self, name: &SecretName, token: &Token) {
        if !vault::is_weak(token.value.expose()) {
            self.cover(name, &token.value);
        }
    }

    /// Fetches a token. An error comes with what was said about it, if it was the server's.
    async fn fetch(
        &self,
        using: &Use,
        form: &OAuth2,
        opened: &Opened,
    ) -> Result<Token, (HostError, Option<String>)> {
        let url = form.token_url.as_str();
        let step = self.begin("secret.token", format!("POST {url}"), url.as_bytes(), Labels::NONE);
        let policies = &self.function.policies;
        let ours = |error| (error, None);
        let denied = |denial| ours(self.denied(&step, &denial));
        let permit =
            policies.decide_secret(SecretAsk { name: &using.name, url }).map_err(denied)?;
        let errand = HttpAsk { method: "POST", url };
        let _permit = policies.decide_errand(&permit, errand).map_err(denied)?;
        self.charge(&step).map_err(ours)?;
        let failed = |failure: Failure, why: &str| {
            let why = Problem::new(Code::TokenRefused).detail(why).to_string();
            let error = HostError::Upstream(failure);
            (self.failed(&step, error, &why), Some(why))
        };
        let asked = grant::request(form, opened.value.expose());
        let asked =
            asked.ok_or_else(|| failed(Failure::Request, "it does not fit into a request"))?;
        let bytes = asked.body().len() as u64;
        let limit = self.purse.take_egress(bytes);
        limit.map_err(|limit| ours(self.limited(&step, limit)))?;
        let request =
            asked.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
        let function = Arc::clone(self.function.reference());
        let mut limits = self.limits.outbound;
        limits.response_bytes = limits.response_bytes.min(grant::ANSWER_BYTES_MAX);
        let answered = self.parts().outbound.send(Outgoing { function, request, limits }).await;
        let answer = answered.map_err(|error| failed(error.failure, &error.to_string()))?;
        let (head, body) = answer.into_parts();
        let most = usize::try_from(grant::ANSWER_BYTES_MAX).unwrap_or(usize::MAX);
        let body = Limited::new(body, most).collect().await;
        let body =
            body.map_err(|_| failed(Failure::Cut, "its answer broke off or is too large"))?;
        let given = grant::read(head.status, &body.to_bytes());
        let Given { value, lasts } = given.map_err(|why| failed(Failure::Protocol, &why))?;
        self.done(&step, bytes);
        Ok(Token { value, until: self.parts().clock.monotonic().saturating_add(lasts) })
    }
}

/// Whether the body of a request is said to be so small that it is kept.
fn is_small(call: &HttpCall) -> bool {
    let length = call.headers.get(http::header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|length| length <= AGAIN_BYTES_MAX.min(BODY_BYTES_MAX as u64))
}
