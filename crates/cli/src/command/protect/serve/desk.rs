//! One request to the service: who asks, what for, how much of it, and the answer.

use super::callers::{Caller, Callers};
use crate::clock::Stopwatch;
use ::protect::contract::Format;
use ::protect::outside::{Made, Outside, Warehouse, Way};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Body;
use model::{Code, Problem};
use serde_json::json;

/// Largest body.
const BODY_BYTES_MAX: usize = 16 << 20;

/// Where what was done is written down. Says whether it was.
pub(super) type Book = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// What answers requests.
pub(super) struct Desk {
    outside: Outside,
    callers: Callers,
    book: Book,
    began: Stopwatch,
}

/// What a path asks for.
enum Asked<'p> {
    /// A document.
    Document(Way),
    /// A warehouse's batch, for the field of this column.
    Remote(Way, Warehouse, &'p str),
    /// Whether it serves.
    Health,
}

impl<'p> Asked<'p> {
    fn of(path: &'p str) -> Option<Self> {
        let way = |word: &str| match word {
            "protect" => Some(Way::Protect),
            "undo" => Some(Way::Undo),
            _ => None,
        };
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        match parts.as_slice() {
            ["healthz"] => Some(Self::Health),
            [word] => way(word).map(Self::Document),
            ["bigquery", word, column] => {
                way(word).map(|way| Self::Remote(way, Warehouse::BigQuery, column))
            }
            ["snowflake", word, column] => {
                way(word).map(|way| Self::Remote(way, Warehouse::Snowflake, column))
            }
            _ => None,
        }
    }
}

impl Desk {
    pub(super) fn new(outside: Outside, callers: Callers, book: Book) -> Self {
        Self { outside, callers, book, began: Stopwatch::start() }
    }

    /// Answers a request.
    pub(super) async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let (kind, status, bytes) = match self.done(&head, body).await {
            Ok((kind, bytes)) => (kind, 200, bytes),
            Err(problem) => {
                let body = problem.public_body(None);
                // BigQuery shows this member to who asked.
                let mut document = serde_json::to_value(&body).unwrap_or_default();
                if let Some(members) = document.as_object_mut() {
                    members.insert("errorMessage".to_owned(), problem.to_string().into());
                }
                ("application/problem+json", problem.code.status(), document.to_string().into())
            }
        };
        let mut response = Response::new(Full::new(bytes));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    async fn done<B>(&self, head: &Parts, body: B) -> Result<(&'static str, Bytes), Problem>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let nothing = || Problem::new(Code::NotFound).detail("there is no such path");
        let asked = Asked::of(head.uri.path()).ok_or_else(nothing)?;
        if let Asked::Health = asked {
            return Ok(("text/plain", Bytes::from_static(b"ok\n")));
        }
        // Who may not ask learns no more than that, and costs no more than a digest.
        let caller = self.caller(head)?;
        let (Asked::Document(way) | Asked::Remote(way, ..)) = asked else {
            return Err(nothing());
        };
        if head.method != Method::POST {
            return Err(Problem::new(Code::MethodNotAllowed));
        }
        if !caller.may(way) {
            return Err(denied("this caller may not ask for it"));
        }
        if !caller.has_room(way, self.began.elapsed()) {
            return Err(self.too_many(caller, way));
        }
        let whole = Limited::new(body, BODY_BYTES_MAX).collect().await;
        let whole = whole.map_err(|_| {
            let detail = format!("at most {} MiB are taken", BODY_BYTES_MAX >> 20);
            Problem::new(Code::DataBodyTooLarge).detail(detail)
        })?;
        let whole = whole.to_bytes();
        let (kind, made) = self.made(&asked, head, &whole)?;
        if !caller.spend(way, made.values(), self.began.elapsed()) {
            return Err(self.too_many(caller, way));
        }
        self.write_down(caller, way, &made)?;
        Ok((kind, made.bytes.into()))
    }

    fn caller(&self, head: &Parts) -> Result<&Caller, Problem> {
        let mut fields = head.headers.get_all(AUTHORIZATION).iter();
        let (first, second) = (fields.next(), fields.next());
        let text = first.filter(|_| second.is_none()).and_then(|value| value.to_str().ok());
        let token = text.and_then(|text| text.strip_prefix("Bearer "));
        let caller = token.and_then(|token| self.callers.whose(token));
        caller.ok_or_else(|| denied("its token is not known"))
    }

    fn made(
        &self,
        asked: &Asked<'_>,
        head: &Parts,
        body: &[u8],
    ) -> Result<(&'static str, Made), Problem> {
        match asked {
            Asked::Remote(way, warehouse, column) => {
                let made = self.outside.remote(*way, column, *warehouse, body);
                Ok(("application/json", made.map_err(|fault| fault.problem())?))
            }
            Asked::Document(way) => {
                let said = head.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
                let (format, kind) = said.and_then(format).ok_or_else(|| {
                    let what = "send `application/json`, `application/x-ndjson` or `text/csv`";
                    Problem::new(Code::DataBodyKind).detail(what)
                })?;
                let made = self.outside.document(*way, format, body);
                Ok((kind, made.map_err(|fault| fault.problem())?))
            }
            Asked::Health => Err(Problem::new(Code::Internal)),
        }
    }

    fn too_many(&self, caller: &Caller, way: Way) -> Problem {
        let line = json!({ "caller": caller.name, "asked": word(way), "refused": Code::DataServeRate.text() });
        // It is refused, whether that can be written down or not.
        let _written = (self.book)(&line.to_string());
        Problem::new(Code::DataServeRate)
    }

    /// Writes down what was done. What is not on record does not leave.
    fn write_down(&self, caller: &Caller, way: Way, made: &Made) -> Result<(), Problem> {
        let fields = made.done.iter().filter(|done| done.values > 0).map(|done| {
            json!({ "at": done.at, "class": done.class, "transform": done.transform, "values": done.values })
        });
        let line = json!({
            "time": crate::clock::now(), "caller": caller.name, "asked": word(way),
            "purpose": caller.purpose.as_ref().filter(|_| way == Way::Undo),
            "fields": fields.collect::<Vec<_>>(),
        });
        match (self.book)(&line.to_string()) {
            true => Ok(()),
            false => Err(Problem::new(Code::Internal).internal("nothing can be written down")),
        }
    }
}

fn denied(what: &str) -> Problem {
    Problem::new(Code::DataServeDenied).detail(what)
}

const fn word(way: Way) -> &'static str {
    match way {
        Way::Protect => "protect",
        Way::Undo => "undo",
    }
}

/// The form of a document, and what its answer calls itself.
fn format(content_type: &str) -> Option<(Format, &'static str)> {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Some(match kind.as_str() {
        "application/json" => (Format::Json, "application/json"),
        "application/x-ndjson" | "application/jsonl" => (Format::JsonLines, "application/x-ndjson"),
        "text/csv" => (Format::Csv, "text/csv"),
        _ => return None,
    })
}
