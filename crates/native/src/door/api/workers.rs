//! `http://STORE.kv.casemate.internal/`: a store in the words in which `workerd` asks for a namespace of
//! Workers KV.
//!
//! Source: `src/workerd/api/kv.c++` of cloudflare/workerd. A key is the whole path, percent-encoded; the
//! path `/` is the namespace. What is refused is said in the answer's reason, since that is all that a
//! Worker is told of it. Metadata and times at which keys expire are not kept here, and so are refused.

use super::super::{carry, told};
use super::keyvalue::{json, said};
use super::path::{decoded, pairs};
use crate::seat::Seat;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use model::{Code, Problem};
use ports::host::Body;
use ports::keyvalue::{Ask, Cell, Change, PAGE_MAX, Reply, VALUE_BYTES_MAX};
use serde::Deserialize;
use serde_json::{Map, Value, json as value};

/// The field that carries a key's metadata.
const METADATA: &str = "cf-kv-metadata";
/// Most keys of one ask, as Cloudflare has it.
const KEYS_MAX: usize = 100;
/// Most bytes that are read of what is too large: the largest value that Cloudflare takes.
const READ_BYTES_MAX: usize = 25 << 20;
/// Longest reason, in bytes.
const REASON_BYTES_MAX: usize = 300;

/// Answers one request to a store.
pub(super) async fn answer(seat: &Seat, store: &str, request: Request<Incoming>) -> Response<Body> {
    match done(seat, store, request).await {
        Ok(response) => response,
        Err(problem) => refusal(&problem),
    }
}

async fn done(
    seat: &Seat,
    store: &str,
    request: Request<Incoming>,
) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    match Wanted::read(&head.method, &head.uri, &head.headers)? {
        Wanted::Get(key) => match cells(seat, store, vec![key]).await?.pop().flatten() {
            Some(cell) => Ok(Response::new(told::whole(cell.value))),
            None => Err(Problem::new(Code::NoSuchPlace).detail("there is no such key")),
        },
        Wanted::Put(key) => {
            let value = whole(body).await?;
            written(seat, store, Change::Set { key, value }).await
        }
        Wanted::Delete(key) => written(seat, store, Change::Delete { key }).await,
        Wanted::List { prefix, after, limit } => {
            match said(seat, store, Ask::List { prefix, after, limit }).await? {
                Reply::Keys { keys, more } => Ok(json(&page(&keys, more))),
                _ => Err(Code::Internal.into()),
            }
        }
        Wanted::Bulk => {
            let bulk = Bulk::read(&whole(body).await?)?;
            let cells = cells(seat, store, bulk.keys.clone()).await?;
            Ok(json(&bulk.answer(&cells)?))
        }
    }
}

/// What a Worker sends with an ask. The runtime sends all of it before it looks for an answer, and some
/// of its calls never end if it cannot; so what is too large is read to its end, and not held.
async fn whole(body: Incoming) -> Result<Bytes, Problem> {
    let Some(mut body) = carry::leaving(body) else { return Ok(Bytes::new()) };
    let (mut held, mut seen) = (BytesMut::new(), 0usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| invalid("a value did not come whole"))?;
        let Ok(bytes) = frame.into_data() else { continue };
        seen = seen.saturating_add(bytes.len());
        if seen > READ_BYTES_MAX {
            break;
        }
        if seen > VALUE_BYTES_MAX {
            held = BytesMut::new();
        } else {
            held.extend_from_slice(&bytes);
        }
    }
    if seen > VALUE_BYTES_MAX {
        return Err(invalid("a value has at most 1 MiB"));
    }
    Ok(held.freeze())
}

async fn cells(seat: &Seat, store: &str, keys: Vec<String>) -> Result<Vec<Option<Cell>>, Problem> {
    match said(seat, store, Ask::Get { keys }).await? {
        Reply::Cells(cells) => Ok(cells),
        _ => Err(Code::Internal.into()),
    }
}

async fn written(seat: &Seat, store: &str, change: Change) -> Result<Response<Body>, Problem> {
    match said(seat, store, Ask::Write { changes: vec![change] }).await? {
        Reply::Done => Ok(Response::new(told::nothing())),
        _ => Err(Code::Internal.into()),
    }
}

/// What a Worker asks of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Get(String),
    Put(String),
    Delete(String),
    List { prefix: String, after: Option<String>, limit: usize },
    Bulk,
}

impl Wanted {
    fn read(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Self, Problem> {
        let path = uri.path().strip_prefix('/').and_then(decoded);
        let query = pairs(uri).ok_or_else(|| invalid("the query is not percent-encoded text"))?;
        let asked = |name: &str| query.iter().find(|(found, _)| found == name).map(|(_, it)| it);
        let key = path.ok_or_else(|| invalid("the key is not percent-encoded text"))?;
        match (method, key.is_empty()) {
            (&Method::GET, true) => {
                let limit = match asked("key_count_limit") {
                    Some(text) => text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)),
                    None => Some(PAGE_MAX),
                };
                let limit =
                    limit.ok_or_else(|| invalid("`limit` of a list is a number from 1 to 1000"))?;
                let prefix = asked("prefix").cloned().unwrap_or_default();
                let after = match asked("cursor").filter(|cursor| !cursor.is_empty()) {
                    Some(cursor) => {
                        Some(place(cursor).ok_or_else(|| invalid("the cursor is none of ours"))?)
                    }
                    None => None,
                };
                Ok(Self::List { prefix, after, limit })
            }
            (&Method::GET, false) => Ok(Self::Get(key)),
            (&Method::DELETE, false) => Ok(Self::Delete(key)),
            (&Method::PUT, false) => {
                if headers.contains_key(METADATA) {
                    return Err(invalid("`metadata` of a key is not kept here"));
                }
                if asked("expiration").or(asked("expiration_ttl")).is_some() {
                    return Err(invalid("`expiration` of a key is not kept here"));
                }
                Ok(Self::Put(key))
            }
            (&Method::POST, _) if uri.path() == "/bulk/get" => Ok(Self::Bulk),
            _ => Err(invalid("a namespace is read, written, deleted from and listed")),
        }
    }
}

/// Several keys at once.
#[derive(Debug, Deserialize)]
struct Bulk {
    keys: Vec<String>,
    #[serde(default, rename = "type")]
    form: Option<String>,
    #[serde(default, rename = "withMetadata")]
    with_metadata: bool,
}

impl Bulk {
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let bulk: Self =
            serde_json::from_slice(bytes).map_err(|_| invalid("`get` takes a list of keys"))?;
        if bulk.keys.is_empty() || bulk.keys.len() > KEYS_MAX {
            return Err(invalid("`get` takes 1 to 100 keys"));
        }
        if bulk.form.as_deref().is_some_and(|form| !matches!(form, "text" | "json")) {
            return Err(invalid("`get` of several keys gives text or JSON"));
        }
        Ok(bulk)
    }

    fn answer(&self, cells: &[Option<Cell>]) -> Result<Value, Problem> {
        let mut answer = Map::new();
        for (key, cell) in self.keys.iter().zip(cells) {
            let found = match cell {
                None => Value::Null,
                Some(cell) => self.value(cell)?,
            };
            let found = match cell {
                Some(_) if self.with_metadata => value!({ "value": found, "metadata": null }),
                _ => found,
            };
            answer.insert(key.clone(), found);
        }
        Ok(Value::Object(answer))
    }

    fn value(&self, cell: &Cell) -> Result<Value, Problem> {
        if self.form.as_deref() == Some("json") {
            return serde_json::from_slice(&cell.value)
                .map_err(|_| invalid("the value of one of the keys is no JSON"));
        }
        Ok(Value::String(String::from_utf8_lossy(&cell.value).into_owned()))
    }
}

/// A page of keys. Where the next one begins, a Worker is told in a word of ours.
fn page(keys: &[String], more: bool) -> Value {
    let names: Vec<Value> = keys.iter().map(|name| value!({ "name": name })).collect();
    match keys.last().filter(|_| more) {
        Some(last) => {
            value!({ "keys": names, "list_complete": false, "cursor": URL_SAFE_NO_PAD.encode(last) })
        }
        None => value!({ "keys": names, "list_complete": true }),
    }
}

/// The key that a cursor stands for.
fn place(cursor: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

fn invalid(why: &str) -> Problem {
    Problem::new(Code::KeyValueInvalid).detail(why)
}

/// A problem as an answer whose reason says it.
fn refusal(problem: &Problem) -> Response<Body> {
    let mut response = told::problem(problem);
    if response.status() == StatusCode::NOT_FOUND {
        return response;
    }
    let mut reason = format!("{}: {}", problem.code, problem.detail.as_deref().unwrap_or_default());
    reason.retain(|c| c == ' ' || c.is_ascii_graphic());
    reason.truncate(REASON_BYTES_MAX);
    if let Ok(reason) = ReasonPhrase::try_from(reason.into_bytes()) {
        response.extensions_mut().insert(reason);
    }
    response
}

/// The store that a host of this interface names.
pub(super) fn store(host: &str) -> Option<&str> {
    host.strip_suffix(super::super::layout::STORES)
}

/// What the fuzz target `namespace` promises; see [`crate::fuzz`].
#[cfg(any(test, fuzzing))]
pub(crate) fn asked(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let (method, uri) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or_default();
    let (Ok(method), Ok(uri)) = (method.parse::<Method>(), uri.parse::<Uri>()) else {
        return Ok(());
    };
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if let (Ok(name), Ok(value)) =
            (name.parse::<http::HeaderName>(), value.parse::<http::HeaderValue>())
        {
            headers.append(name, value);
        }
    }
    let Ok(wanted) = Wanted::read(&method, &uri, &headers) else { return Ok(()) };
    let key = match &wanted {
        Wanted::Put(_) if uri.query().is_some_and(|query| query.starts_with("expiration=")) => {
            return Err("what expires is written".to_owned());
        }
        Wanted::Put(_) if headers.contains_key(METADATA) => {
            return Err("what has metadata is written".to_owned());
        }
        Wanted::Get(key) | Wanted::Put(key) | Wanted::Delete(key) => key,
        Wanted::List { limit, .. } if !(1..=PAGE_MAX).contains(limit) => {
            return Err(format!("a page of {limit} keys is listed"));
        }
        Wanted::List { .. } => return Ok(()),
        Wanted::Bulk => {
            let Ok(bulk) = Bulk::read(body.as_bytes()) else { return Ok(()) };
            let nothing: Vec<_> = bulk.keys.iter().map(|_| None).collect();
            let answer = bulk.answer(&nothing).map_err(|problem| problem.to_string())?;
            let each = bulk.keys.iter().all(|key| answer.get(key) == Some(&Value::Null));
            return if each { Ok(()) } else { Err("a key has no answer".to_owned()) };
        }
    };
    let whole: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let again = format!("/{whole}").parse().map_err(|error| format!("{error}"))?;
    match Wanted::read(&method, &again, &HeaderMap::new()) {
        Ok(again) if again == wanted => Ok(()),
        other => Err(format!("it is {other:?} with every byte encoded, and not {wanted:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn read(method: &Method, uri: &str) -> Result<Wanted, Problem> {
        Wanted::read(method, &uri.parse().expect("a URI"), &HeaderMap::new())
    }

    #[test]
    fn what_the_runtime_asks_is_read() {
        let list = |prefix: &str, after: Option<&str>, limit| {
            let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
            Wanted::List { prefix, after, limit }
        };
        for (method, uri, wanted) in [
            (
                Method::GET,
                "/a%2Fb%20c%3F&%C3%A9%0A?urlencoded=true",
                Wanted::Get("a/b c?&é\n".into()),
            ),
            (Method::GET, "/k?urlencoded=true&cache_ttl=60", Wanted::Get("k".into())),
            (Method::PUT, "/k%2F1?urlencoded=true", Wanted::Put("k/1".into())),
            (Method::DELETE, "/k?urlencoded=true", Wanted::Delete("k".into())),
            (Method::GET, "/", list("", None, 1000)),
            (Method::GET, "/?key_count_limit=3&prefix=a%26b&cursor=", list("a&b", None, 3)),
            (Method::GET, "/?cursor=YWI", list("", Some("ab"), 1000)),
            (Method::POST, "/bulk/get", Wanted::Bulk),
        ] {
            assert_eq!(read(&method, uri).expect(uri), wanted);
        }
        for (method, uri) in [
            (Method::PUT, "/k?urlencoded=true&expiration_ttl=60"),
            (Method::PUT, "/k?expiration=1790000000"),
            (Method::PUT, "/"),
            (Method::DELETE, "/"),
            (Method::POST, "/bulk%2Fget"),
            (Method::POST, "/bulk/put"),
            (Method::PATCH, "/k"),
            (Method::GET, "/%zz"),
            (Method::GET, "/%ff"),
            (Method::GET, "/?key_count_limit=0"),
            (Method::GET, "/?key_count_limit=1001"),
            (Method::GET, "/?cursor=%25"),
            (Method::GET, "/?prefix=%ff"),
        ] {
            let problem = read(&method, uri).expect_err(uri);
            assert_eq!(problem.code, Code::KeyValueInvalid, "{uri}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(METADATA, HeaderValue::from_static("{}"));
        let refused = Wanted::read(&Method::PUT, &Uri::from_static("/k"), &headers);
        let refused = refusal(&refused.expect_err("metadata"));
        let reason = refused.extensions().get::<ReasonPhrase>().expect("a reason");
        assert!(reason.as_bytes().ends_with(b"`metadata` of a key is not kept here"), "{reason:?}");
    }

    #[test]
    fn several_keys_are_answered_as_text_or_json() {
        let cell = |text: &'static str| Some(Cell { value: text.into(), version: 1 });
        let cells = [cell("1"), None];
        let of = |more: &str| Bulk::read(format!("{{\"keys\":[\"a\",\"b\"]{more}}}").as_bytes());
        let answer = |more: &str| of(more).expect(more).answer(&cells).expect(more);
        assert_eq!(answer(""), value!({ "a": "1", "b": null }));
        assert_eq!(answer(r#","type":"json""#), value!({ "a": 1, "b": null }));
        let with = answer(r#","type":"text","withMetadata":true"#);
        assert_eq!(with, value!({ "a": { "value": "1", "metadata": null }, "b": null }));
        assert!(of(r#","type":"stream""#).is_err());
        assert!(of(r#","type":"json""#).expect("read").answer(&[cell("{"), None]).is_err());
        for bad in ["", "[]", "{}", r#"{"keys":[]}"#, r#"{"keys":[1]}"#] {
            assert!(Bulk::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_page_is_followed_by_the_one_after_its_last_key(last in "\\PC{1,40}") {
            let page = page(&["a".to_owned(), last.clone()], true);
            let cursor = page["cursor"].as_str().expect("a cursor");
            let wanted = read(&Method::GET, &format!("/?cursor={cursor}")).expect("a list");
            let Wanted::List { after, .. } = wanted else { panic!("{wanted:?}") };
            prop_assert_eq!(after, Some(last));
        }

        #[test]
        fn a_refusal_has_a_reason_whatever_it_says(why in "\\PC{0,400}|[\r\n\t a-z]{0,20}") {
            let refused = refusal(&invalid(&why));
            prop_assert!(refused.extensions().get::<ReasonPhrase>().is_some());
        }
    }
}
