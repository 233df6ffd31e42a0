//! Values in OpenBao or HashiCorp Vault: the secrets engine KV, version 2.
//!
//! The address is the operator's own, so no network is closed; TLS is verified as for functions.

use crate::settings::{Login, Vault};
use bytes::Bytes;
use egress::Egress;
use http::header::{HOST, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use model::{FunctionName, FunctionRef, Problem, Scope, Secret};
use ports::Clock;
use ports::elsewhere::Error;
use ports::host::Body;
use ports::outbound::{Limits, Outbound as _, Outgoing};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Most bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// Patience with the vault: its value stands in the way of a function's request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nobody asks again after it failed.
const FAILED_FOR: Duration = Duration::from_secs(1);
/// A login that lasts no longer is used to its end; of others, so much is left.
const MARGIN: Duration = Duration::from_secs(30);

/// What is known of one field.
#[derive(Default)]
struct Cell {
    value: Option<(Secret<Vec<u8>>, Duration)>,
    failed: Option<(Error, Duration)>,
}

/// What is known, by path and field. There are as many as the configuration names.
type Cells = HashMap<(String, String), Arc<Mutex<Cell>>>;

/// A vault.
pub(super) struct Client {
    settings: Vault,
    door: Egress,
    asker: Arc<FunctionRef>,
    clock: Arc<dyn Clock>,
    /// The token that the vault gave, and until when it is used.
    session: Mutex<Option<(Secret<Vec<u8>>, Duration)>>,
    cells: parking_lot::Mutex<Cells>,
}

/// Why an answer holds nothing.
enum Refused {
    /// The token is not taken, or may not read this.
    Token,
    Other(Error),
}

impl Client {
    pub(super) fn open(settings: &Vault, clock: Arc<dyn Clock>) -> Result<Self, Problem> {
        let all = ["0.0.0.0/0", "::/0"].iter().filter_map(|text| text.parse().ok()).collect();
        let config = egress::Config {
            networks: all,
            authorities: settings.authorities.clone(),
            ..egress::Config::default()
        };
        let failed =
            |error: model::name::Error| Problem::new(model::Code::Internal).internal(error);
        let name = FunctionName::parse("vault").map_err(failed)?;
        Ok(Self {
            settings: settings.clone(),
            door: Egress::open(&config, tokio::runtime::Handle::current())?,
            asker: Arc::new(FunctionRef { scope: Scope::default(), name }),
            clock,
            session: Mutex::default(),
            cells: parking_lot::Mutex::default(),
        })
    }

    /// A field of a document. One asks at a time, and the others have what it got.
    pub(super) async fn read(&self, path: &str, field: &str) -> Result<Secret<Vec<u8>>, Error> {
        let key = (path.to_owned(), field.to_owned());
        let cell = Arc::clone(self.cells.lock().entry(key).or_default());
        let mut cell = cell.lock().await;
        let now = self.clock.monotonic();
        if let Some((value, until)) = &cell.value
            && now < *until
        {
            return Ok(value.clone());
        }
        if let Some((error, until)) = &cell.failed
            && now < *until
        {
            return Err(error.clone());
        }
        *cell = Cell::default();
        let fetched = self.fetch(path, field).await;
        let until = |by| self.clock.monotonic().saturating_add(by);
        match &fetched {
            Ok(value) => cell.value = Some((value.clone(), until(self.settings.cache.std()))),
            Err(error) => cell.failed = Some((error.clone(), until(FAILED_FOR))),
        }
        fetched
    }

    async fn fetch(&self, path: &str, field: &str) -> Result<Secret<Vec<u8>>, Error> {
        let url = format!("/v1/{}/data/{path}", self.settings.mount);
        let mut answer = match self.get(&url, false).await {
            // The token may have ended, or been replaced in its file.
            Err(Refused::Token) => self.get(&url, true).await,
            answer => answer,
        }
        .map_err(|refused| match refused {
            Refused::Token => said(&format!("may not read `{path}`, or its token is not valid")),
            Refused::Other(error) => error,
        })?;
        match answer.pointer_mut("/data/data").and_then(|data| data.get_mut(field)).map(Value::take)
        {
            Some(Value::String(text)) => Ok(Secret::new(text.into_bytes())),
            _ => Err(said(&format!("has no text in the field `{field}` of `{path}`"))),
        }
    }

    async fn get(&self, url: &str, anew: bool) -> Result<Value, Refused> {
        let token = self.token(anew).await.map_err(Refused::Other)?;
        self.ask(Method::GET, url, Some(&token), Bytes::new()).await
    }

    /// The token to ask with.
    async fn token(&self, anew: bool) -> Result<Secret<Vec<u8>>, Error> {
        let (id, secret, mount) = match &self.settings.login {
            Login::Token(file) => return super::file(file).await,
            Login::Role { id, secret, mount } => (id, secret, mount),
        };
        let mut session = self.session.lock().await;
        let now = self.clock.monotonic();
        match &*session {
            Some((token, until)) if !anew && now < *until => return Ok(token.clone()),
            _ => {}
        }
        let (token, lasts) = self.login(id, secret, mount).await?;
        let until = self.clock.monotonic().saturating_add(lasts.saturating_sub(MARGIN));
        *session = Some((token.clone(), until));
        Ok(token)
    }

    async fn login(
        &self,
        id: &str,
        secret: &Path,
        mount: &str,
    ) -> Result<(Secret<Vec<u8>>, Duration), Error> {
        let secret = super::file(secret).await?;
        let secret = String::from_utf8_lossy(secret.expose()).into_owned();
        let body = serde_json::json!({ "role_id": id, "secret_id": secret }).to_string();
        let url = format!("/v1/auth/{mount}/login");
        let answer = self.ask(Method::POST, &url, None, Bytes::from(body)).await;
        let mut answer = answer.map_err(|refused| match refused {
            Refused::Token => said("does not take the role's id and secret id"),
            Refused::Other(error) => error,
        })?;
        let auth = answer.get_mut("auth").map(Value::take).unwrap_or_default();
        let lasts = auth.get("lease_duration").and_then(Value::as_u64).unwrap_or(0);
        match auth.get("client_token").and_then(Value::as_str) {
            Some(token) if !token.is_empty() => {
                Ok((Secret::new(token.as_bytes().to_vec()), Duration::from_secs(lasts)))
            }
            _ => Err(said("gave no token for the role")),
        }
    }

    async fn ask(
        &self,
        method: Method,
        url: &str,
        token: Option<&Secret<Vec<u8>>>,
        body: Bytes,
    ) -> Result<Value, Refused> {
        let other = |error: Error| Refused::Other(error);
        let request = self.request(method, url, token, body).ok_or_else(|| {
            other(Error("the vault's token or address does not fit into a request".to_owned()))
        })?;
        let limits = Limits {
            connect: PATIENCE,
            first_byte: PATIENCE,
            between_bytes: PATIENCE,
            response_bytes: ANSWER_BYTES_MAX,
        };
        let function = Arc::clone(&self.asker);
        let answer = self.door.send(Outgoing { function, request, limits }).await;
        let answer = answer.map_err(|error| {
            other(Error(format!("the vault at {} does not answer: {error}", self.settings.address)))
        })?;
        let (head, body) = answer.into_parts();
        let most = usize::try_from(ANSWER_BYTES_MAX).unwrap_or(usize::MAX);
        let body = Limited::new(body, most).collect().await;
        let body = body.map_err(|_| other(said("broke its answer off")))?.to_bytes();
        match head.status {
            StatusCode::OK => {
                serde_json::from_slice(&body).map_err(|_| other(said("answered with no JSON")))
            }
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Err(Refused::Token),
            StatusCode::BAD_REQUEST if url.ends_with("/login") => Err(Refused::Token),
            StatusCode::NOT_FOUND => Err(other(said(&format!("has nothing at `{url}`")))),
            StatusCode::SERVICE_UNAVAILABLE => Err(other(said("is sealed, or not ready"))),
            status => Err(other(said(&format!("answered with status {}", status.as_u16())))),
        }
    }

    fn request(
        &self,
        method: Method,
        url: &str,
        token: Option<&Secret<Vec<u8>>>,
        body: Bytes,
    ) -> Option<Request<Body>> {
        let uri: http::Uri = format!("{}{url}", self.settings.address).parse().ok()?;
        let host = HeaderValue::from_str(uri.authority()?.as_str()).ok()?;
        let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        let mut request = Request::new(body);
        (*request.method_mut(), *request.uri_mut()) = (method, uri);
        let headers = request.headers_mut();
        headers.insert(HOST, host);
        headers
            .insert(HeaderName::from_static("x-vault-request"), HeaderValue::from_static("true"));
        if let Some(token) = token {
            let mut value = HeaderValue::from_bytes(token.expose()).ok()?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static("x-vault-token"), value);
        }
        if let Some(namespace) = &self.settings.namespace {
            let value = HeaderValue::from_str(namespace).ok()?;
            headers.insert(HeaderName::from_static("x-vault-namespace"), value);
        }
        Some(request)
    }
}

fn said(what: &str) -> Error {
    Error(format!("the vault {what}"))
}
