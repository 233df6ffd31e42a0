//! `/keyvalue/STORE/KEY`: read, write, remove, count, compare and swap; `/keyvalue/STORE` lists.
//!
//! A key's version is its entity tag, so that `If-Match` writes only what nobody changed meanwhile.

use super::super::ask::ask;
use super::super::{carry, told};
use super::{Path, nowhere};
use crate::seat::Seat;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use model::{Code, Problem};
use ports::host::{self, Body, HostCall, HostReply};
use ports::keyvalue::{Ask, Change, PAGE_MAX, Reply, VALUE_BYTES_MAX};

pub(super) async fn answer(
    seat: &Seat,
    path: &Path,
    request: Request<Incoming>,
) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    let Some(key) = path.name.clone() else {
        return match head.method {
            Method::GET => list(seat, path).await,
            _ => Err(nowhere(&Request::from_parts(head, ()))),
        };
    };
    match head.method {
        Method::GET | Method::HEAD => read(seat, path, key).await,
        Method::PUT => {
            let condition = Condition::read(&head.headers)?;
            write(seat, path, key, condition, whole(body).await?).await
        }
        Method::DELETE => {
            let changes = vec![Change::Delete { key }];
            done(&said(seat, &path.place, Ask::Write { changes }).await?)
        }
        Method::POST => {
            let delta = path.query("add").and_then(|text| text.parse().ok());
            let delta = delta.ok_or_else(|| invalid("`add` of the query is a whole number"))?;
            match said(seat, &path.place, Ask::Add { key, delta }).await? {
                Reply::Number(value) => Ok(json(&serde_json::json!({ "value": value }))),
                _ => Err(Code::Internal.into()),
            }
        }
        _ => Err(nowhere(&Request::from_parts(head, ()))),
    }
}

/// Asks a store.
pub(super) async fn said(seat: &Seat, store: &str, wanted: Ask) -> Result<Reply, Problem> {
    let what = format!("keyvalue {store}");
    let call = HostCall::KeyValue { store: store.to_owned(), ask: wanted };
    match ask(seat, host::Ask::plain(call), Code::StoreDenied, &what).await? {
        (HostReply::KeyValue(reply), _) => Ok(reply),
        _ => Err(Code::Internal.into()),
    }
}

async fn list(seat: &Seat, path: &Path) -> Result<Response<Body>, Problem> {
    let limit =
        path.limit(PAGE_MAX).ok_or_else(|| invalid("`limit` is a number from 1 to 1000"))?;
    let prefix = path.query("prefix").unwrap_or_default().to_owned();
    let after = path.query("after").map(str::to_owned);
    match said(seat, &path.place, Ask::List { prefix, after, limit }).await? {
        Reply::Keys { keys, more } => Ok(json(&serde_json::json!({ "keys": keys, "more": more }))),
        _ => Err(Code::Internal.into()),
    }
}

async fn read(seat: &Seat, path: &Path, key: String) -> Result<Response<Body>, Problem> {
    let Reply::Cells(cells) = said(seat, &path.place, Ask::Get { keys: vec![key] }).await? else {
        return Err(Code::Internal.into());
    };
    let Some(cell) = cells.into_iter().next().flatten() else {
        return Err(Problem::new(Code::NoSuchPlace).detail("there is no such key"));
    };
    let mut response = Response::new(told::whole(cell.value));
    let kind = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response.headers_mut().insert(ETAG, tag(cell.version)?);
    Ok(response)
}

async fn write(
    seat: &Seat,
    path: &Path,
    key: String,
    condition: Condition,
    value: Bytes,
) -> Result<Response<Body>, Problem> {
    let version = match condition {
        Condition::None => {
            let changes = vec![Change::Set { key, value }];
            return done(&said(seat, &path.place, Ask::Write { changes }).await?);
        }
        Condition::Version(version) => Some(version),
        Condition::Absent => None,
    };
    let Reply::Swapped(swapped) =
        said(seat, &path.place, Ask::Swap { key, version, value }).await?
    else {
        return Err(Code::Internal.into());
    };
    let (mut response, found) = match swapped {
        Ok(version) => (empty(), Some(version)),
        Err(cell) => (told::problem(&Code::Changed.into()), cell.map(|cell| cell.version)),
    };
    if let Some(version) = found {
        response.headers_mut().insert(ETAG, tag(version)?);
    }
    Ok(response)
}

/// What has to be true for a key to be written.
enum Condition {
    None,
    Version(u64),
    Absent,
}

impl Condition {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        match (text(IF_MATCH), text(IF_NONE_MATCH)) {
            (None, None) => Ok(Self::None),
            (None, Some("*")) => Ok(Self::Absent),
            (Some(tag), None) => {
                let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                let version = version.and_then(|version| version.parse().ok());
                version.map(Self::Version).ok_or_else(|| {
                    invalid("`If-Match` is one entity tag as an answer had it, such as \"7\"")
                })
            }
            _ => Err(invalid("a write takes `If-Match: \"VERSION\"` or `If-None-Match: *`")),
        }
    }
}

/// A value as a process sends it.
async fn whole(body: Incoming) -> Result<Bytes, Problem> {
    let Some(body) = carry::leaving(body) else { return Ok(Bytes::new()) };
    let read = Limited::new(body, VALUE_BYTES_MAX).collect().await;
    let read = read.map_err(|_| invalid("a value has at most 1 MiB, and comes whole"))?;
    Ok(read.to_bytes())
}

fn tag(version: u64) -> Result<HeaderValue, Problem> {
    HeaderValue::try_from(format!("\"{version}\"")).map_err(|_| Code::Internal.into())
}

fn invalid(why: &str) -> Problem {
    Problem::new(Code::KeyValueInvalid).detail(why)
}

fn done(reply: &Reply) -> Result<Response<Body>, Problem> {
    match reply {
        Reply::Done => Ok(empty()),
        _ => Err(Code::Internal.into()),
    }
}

/// It is done, and there is nothing to say.
pub(super) fn empty() -> Response<Body> {
    let mut response = Response::new(told::nothing());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// An answer in JSON.
pub(super) fn json(value: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(told::whole(value.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
