//! Requests and answers, below the typed operations.

use super::{Client, VERSION, refusal};
use crate::voice::Failure;
use model::{Code, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Read;
use std::time::Duration;
use ureq::http::{Request, Response, request};
use ureq::{AsSendBody, Body, SendBody};

/// Longest answer that is read whole: far above the largest list.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// Bodies up to this size are sent without asking: the buffers on the way hold them.
const ASK_ABOVE_BYTES: u64 = 64 << 10;

/// How long an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as a look into the registry and the journal may take.
    Short,
    /// As long as it takes: compiling, streaming, functions.
    Endless,
}

/// The agent: straight to the node, with every status an answer and not an error.
pub(super) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .proxy(None)
        .timeout_connect(Some(Duration::from_secs(10)))
        .user_agent(format!("casemate/{VERSION}"))
        .build()
        .new_agent()
}

/// An answer of the node, and to what.
pub(super) struct Answer {
    pub(super) response: Response<Body>,
    pub(super) asked: String,
}

impl Client {
    /// Begins a request: method, path and what every request carries.
    pub(super) fn request(&self, method: &str, path: &str) -> request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.token.expose()))
            .header("casemate-client", VERSION)
            .header("accept", "application/json, */*;q=0.5")
    }

    /// Sends a request and takes whatever a Casemate answers.
    ///
    /// # Errors
    /// E0606 if nobody answers, E0610 if it is no Casemate.
    pub(super) fn send(
        &self,
        builder: request::Builder,
        body: impl AsSendBody,
        patience: Patience,
    ) -> Result<Answer, Failure> {
        let asked = asked(&builder);
        let request = builder.body(body).map_err(|error| refusal::unusable(&asked, &error))?;
        let limit = match patience {
            Patience::Short => Some(Duration::from_secs(60)),
            Patience::Endless => None,
        };
        let request = self.agent.configure_request(request).timeout_global(limit).build();
        let response =
            self.agent.run(request).map_err(|error| refusal::unreachable(&self.base, &error))?;
        refusal::check_casemate(&self.base, &asked, response.headers())?;
        Ok(Answer { response, asked })
    }

    /// Sends a request and wants success.
    ///
    /// # Errors
    /// The node's refusal, or as [`Client::send`].
    pub(super) fn ask(
        &self,
        builder: request::Builder,
        body: impl AsSendBody,
        patience: Patience,
    ) -> Result<Answer, Failure> {
        let answer = self.send(builder, body, patience)?;
        if answer.response.status().is_success() { Ok(answer) } else { Err(answer.refused()) }
    }

    /// Reads something.
    pub(super) fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.ask(self.request("GET", path), (), Patience::Short)?;
        answer.json()
    }

    /// Changes something; the node repeats its answer if the same key comes twice.
    pub(super) fn write<T: DeserializeOwned>(
        &self,
        builder: request::Builder,
        body: Option<&impl Serialize>,
        patience: Patience,
    ) -> Result<T, Failure> {
        let builder = builder.header("idempotency-key", idempotency_key()?);
        let answer = match body {
            Some(value) => {
                let bytes = serde_json::to_vec(value).map_err(|error| {
                    Problem::new(Code::Internal).detail("a request").internal(error)
                })?;
                let length = bytes.len().to_string();
                let builder = builder
                    .header("content-type", "application/json")
                    .header("content-length", length);
                self.ask(builder, SendBody::from_reader(&mut bytes.as_slice()), patience)?
            }
            None => self.ask(builder, (), patience)?,
        };
        answer.json()
    }
}

impl Answer {
    /// The body as a value.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<T, Failure> {
        let Self { response, asked } = self;
        let version = refusal::version(response.headers());
        let bytes = whole(response, &asked)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| refusal::unreadable(&asked, version.as_deref(), &error).into())
    }

    /// The body as a stream.
    pub(super) fn reader(self) -> impl Read + Send + use<> {
        self.response.into_body().into_with_config().limit(u64::MAX).reader()
    }

    /// The refusal that the answer is.
    pub(super) fn refused(self) -> Failure {
        let Self { response, asked } = self;
        let status = response.status().as_u16();
        let version = refusal::version(response.headers());
        match whole(response, &asked) {
            Ok(bytes) => refusal::refused(&asked, status, version.as_deref(), &bytes),
            Err(failure) => failure,
        }
    }
}

fn whole(response: Response<Body>, asked: &str) -> Result<Vec<u8>, Failure> {
    let body = response.into_body().into_with_config().limit(ANSWER_BYTES_MAX);
    body.read_to_vec().map_err(|error| refusal::cut(asked, &error).into())
}

/// Asks the node whether it will take a large body before it is sent. A refusal that comes while
/// the body is being sent would break the connection, and its reason would be lost. Only for what
/// the node reads whole before it answers: an answer that comes first ends the sending.
pub(super) fn asking_first(builder: request::Builder, bytes: u64) -> request::Builder {
    if bytes <= ASK_ABOVE_BYTES { builder } else { builder.header("expect", "100-continue") }
}

/// The operation as people name it: `GET /v1/node`, without the query.
fn asked(builder: &request::Builder) -> String {
    let method = builder.method_ref().map_or("", |method| method.as_str());
    let path = builder.uri_ref().map_or("", |uri| uri.path());
    format!("{method} {path}")
}

fn idempotency_key() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Problem::new(Code::Internal).detail("this machine gives no random numbers"))?;
    Ok(hex::encode(bytes))
}

/// A value in a query, percent-encoded (RFC 3986, section 2.3: all but the unreserved).
pub(super) fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A query from its parts; absent values are left out.
pub(super) fn query(parts: &[(&str, Option<String>)]) -> String {
    let pairs: Vec<String> = parts
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", encoded(value.as_deref()?))))
        .collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_leave_out_what_is_absent_and_encode_the_rest() {
        let parts = [("a", Some("x y&z=ä".to_owned())), ("b", None), ("c", Some("1".to_owned()))];
        assert_eq!(query(&parts), "?a=x%20y%26z%3D%C3%A4&c=1");
        assert_eq!(query(&[("a", None)]), "");
    }
}
