//! `/blobs/CONTAINER/NAME`: read, write and remove an object, streamed; `/blobs/CONTAINER` lists.

use super::super::ask::ask;
use super::super::{carry, told};
use super::keyvalue::{empty, json};
use super::{Path, nowhere};
use crate::seat::Seat;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, RANGE,
};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use model::{Code, Labelled, Labels, Problem};
use ports::blobs::{Ask, Info, PAGE_MAX, Range, Reply};
use ports::host::{self, Body, HostCall, HostReply};

pub(super) async fn answer(
    seat: &Seat,
    path: &Path,
    request: Request<Incoming>,
) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    let Some(name) = path.name.clone() else {
        return match head.method {
            Method::GET => list(seat, path).await,
            _ => Err(nowhere(&Request::from_parts(head, ()))),
        };
    };
    match head.method {
        Method::GET => read(seat, path, name, &head.headers).await,
        Method::HEAD => match said(seat, path, Ask::Info { name }, None).await? {
            (Reply::Info(Some(info)), _) => {
                described(Response::new(told::nothing()), info, info.bytes)
            }
            (Reply::Info(None), _) => Err(absent()),
            _ => Err(Code::Internal.into()),
        },
        Method::PUT => {
            let body = carry::leaving(body).unwrap_or_else(told::nothing);
            done(&said(seat, path, Ask::Put { name }, Some(body)).await?.0)
        }
        Method::DELETE => done(&said(seat, path, Ask::Delete { names: vec![name] }, None).await?.0),
        _ => Err(nowhere(&Request::from_parts(head, ()))),
    }
}

async fn said(
    seat: &Seat,
    path: &Path,
    wanted: Ask,
    body: Option<Body>,
) -> Result<(Reply, Body), Problem> {
    let what = format!("blobs {}", path.place);
    let call = HostCall::Blob { container: path.place.clone(), ask: wanted };
    let call = Labelled { value: call, labels: Labels::NONE };
    match ask(seat, host::Ask { call, body }, Code::BlobDenied, &what).await? {
        (HostReply::Blob(reply), body) => Ok((reply, body)),
        _ => Err(Code::Internal.into()),
    }
}

async fn list(seat: &Seat, path: &Path) -> Result<Response<Body>, Problem> {
    let limit =
        path.limit(PAGE_MAX).ok_or_else(|| invalid("`limit` is a number from 1 to 1000"))?;
    let after = path.query("after").map(str::to_owned);
    match said(seat, path, Ask::List { after, limit }, None).await? {
        (Reply::Names(page), _) => {
            Ok(json(&serde_json::json!({ "names": page.names, "more": page.more })))
        }
        _ => Err(Code::Internal.into()),
    }
}

async fn read(
    seat: &Seat,
    path: &Path,
    name: String,
    headers: &HeaderMap,
) -> Result<Response<Body>, Problem> {
    let wanted = match headers.get(RANGE) {
        Some(value) => range(value.to_str().unwrap_or_default()),
        None => None,
    };
    let ask = Ask::Get { name, range: wanted.unwrap_or(Range::ALL) };
    let (Reply::Object(found), body) = said(seat, path, ask, None).await? else {
        return Err(Code::Internal.into());
    };
    let (info, (from, until)) = found.ok_or_else(absent)?;
    let mut response = described(Response::new(body), info, until - from)?;
    if wanted.is_none() {
        return Ok(response);
    }
    let range = match from < until {
        true => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            format!("bytes {from}-{}/{}", until - 1, info.bytes)
        }
        false => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            format!("bytes */{}", info.bytes)
        }
    };
    insert(&mut response, CONTENT_RANGE, &range)?;
    Ok(response)
}

/// One range that has a beginning: `bytes=5-9`, `bytes=5-`. Others are passed over, as RFC 9110 allows.
fn range(text: &str) -> Option<Range> {
    let (from, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let from = from.parse().ok()?;
    let until = match last {
        "" => None,
        last => Some(last.parse::<u64>().ok().filter(|last| *last >= from)?.checked_add(1)?),
    };
    Some(Range { from, until })
}

fn described(
    mut response: Response<Body>,
    info: Info,
    length: u64,
) -> Result<Response<Body>, Problem> {
    insert(&mut response, CONTENT_LENGTH, &length.to_string())?;
    insert(&mut response, ETAG, &format!("\"{}\"", info.version))?;
    insert(&mut response, CONTENT_TYPE, "application/octet-stream")?;
    insert(&mut response, ACCEPT_RANGES, "bytes")?;
    Ok(response)
}

fn insert(response: &mut Response<Body>, name: HeaderName, value: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(value).map_err(|_| Problem::new(Code::Internal))?;
    response.headers_mut().insert(name, value);
    Ok(())
}

fn absent() -> Problem {
    Problem::new(Code::NoSuchPlace).detail("there is no such object")
}

fn invalid(why: &str) -> Problem {
    Problem::new(Code::BlobInvalid).detail(why)
}

fn done(reply: &Reply) -> Result<Response<Body>, Problem> {
    match reply {
        Reply::Done => Ok(empty()),
        _ => Err(Code::Internal.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_with_a_beginning_is_read() {
        let found = |text| range(text).map(|range| (range.from, range.until));
        assert_eq!(found("bytes=5-9"), Some((5, Some(10))));
        assert_eq!(found("bytes=5-"), Some((5, None)));
        for text in ["bytes=-5", "bytes=9-5", "bytes=1-2,4-5", "items=1-2", "bytes=x-", ""] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
