//! OpenWhisk's way: the server is told its code once, and a call and its answer are JSON.

mod archive;

use super::Inner;
use super::azure::whole;
use super::body::Upload;
use super::facts::Fact;
use super::fault::{bad, fault, request_body};
use super::hand::Hand;
use super::request::strip;
use crate::contract::{Answer, Call, actionloop};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use model::manifest::NativeSpec;
use ports::executor::{Fault, FaultKind, Manner, RequestBody};
use render::whisk::{self, Code};
use std::sync::Arc;

/// What is called, if the manifest does not say it.
const MAIN: &str = "main";
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Tells the server its code, once.
pub(super) async fn init(inner: &Inner) -> Result<(), Fault> {
    let code = match inner.with.package.clone() {
        Some(package) => {
            let packed = inner.with.runtime.spawn_blocking(move || archive::code(&package)).await;
            let packed = packed.map_err(|_| crate::contract::task::lost())?;
            packed.map_err(|error| fault(FaultKind::GuestError, error.to_string()))?
        }
        None => Code::There,
    };
    let main = inner.facts.say(Fact::Handler).unwrap_or_else(|| MAIN.to_owned());
    let json = whisk::init(&inner.facts.function, &main, &code);
    let json = json.map_err(|error| fault(FaultKind::Platform, error.to_string()))?;
    let mut request = inner.own_request(Method::POST, "/init", false)?;
    request.headers_mut().insert(CONTENT_TYPE, JSON);
    request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(json.len()));
    let request = request.map(|_| Upload::whole(json).0);
    let (status, text) = inner.ask_this(request).await?;
    if status == StatusCode::OK {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&text);
    let what = format!("the server answered `/init` with {status}: {text}");
    Err(fault(FaultKind::GuestError, what))
}

pub(super) async fn call(inner: &Arc<Inner>, call: Call, hand: Hand) -> Result<Answer, Fault> {
    let manner = call.manner;
    let request = match activation(inner, call).await? {
        Ok(request) => request,
        Err(refused) => return Ok(refused),
    };
    let got = inner.send(request, hand).await?;
    let (status, bytes) = whole(inner, got).await?;
    answer(whisk::Answer::read(status.as_u16(), &bytes), manner, inner)
}

/// What a caller gets of an action's answer.
fn answer(said: whisk::Answer, manner: Manner, inner: &Inner) -> Result<Answer, Fault> {
    let failed = said.failed().map(|why| fault(FaultKind::GuestError, why));
    let response = match manner {
        Manner::Request => said.render().map_err(|why| bad(why.to_string()))?,
        Manner::Event => said.render_event(),
    };
    let response = super::check(response, &inner.limits)?;
    Ok(actionloop::answer(response, failed))
}

/// A call as an invoker makes it, or what its caller is told instead.
async fn activation(
    inner: &Inner,
    call: Call,
) -> Result<Result<Request<RequestBody>, Answer>, Fault> {
    let Call { request, manner, id, deadline_ms } = call;
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await.map_err(request_body)?.to_bytes();
    strip(&mut parts.headers, inner.row, manner);
    let said = inner.facts.whisk(&id, deadline_ms);
    let json = match actionloop::activation(manner, &parts, &body, inner.server.raw, &said)? {
        Ok(json) => json,
        Err(refused) => return Ok(Err(actionloop::answer(refused, None))),
    };
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("localhost"));
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(json.len()));
    let body = Full::new(Bytes::from(json)).map_err(|never| match never {}).boxed_unsync();
    let mut request = Request::new(body);
    *request.uri_mut() = http::Uri::from_static("/run");
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers;
    Ok(Ok(request))
}

/// Whether a function's server is told its code: one of its package's own is.
pub(crate) fn is_told_its_code(native: &NativeSpec) -> bool {
    native.contract == model::manifest::Contract::Openwhisk && !native.command.is_empty()
}
