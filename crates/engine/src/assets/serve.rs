//! From a request that is permitted to a file's answer.

use super::body::{self, Content};
use super::coding::Coding;
use super::conditions::{Verdict, range_holds, weigh};
use super::range::{Part, parse};
use super::shelf::Shelf;
use super::site::{File, Hit};
use crate::invoke::Refusal;
use crate::reply::ReplyBody;
use crate::stage::{Permitted, Seat};
use crate::wiring::Engine;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use model::wire::v1::Caller;
use model::{Code, Problem};
use std::ops::Range;
use std::sync::Arc;

type Answer = Result<Response<ReplyBody>, Refusal>;

/// A file that is to be answered, and to what.
struct Order<'a> {
    request: &'a Parts,
    file: &'a Arc<File>,
    status: StatusCode,
    /// Whether nobody but the caller may see it.
    private: bool,
    /// Whether the path would lead elsewhere for a client that accepts something else.
    by_accept: bool,
}

impl Engine {
    /// Answers with the file that the request is for.
    pub(crate) async fn serve(&self, permitted: Permitted, shelf: &Shelf) -> Answer {
        let throttled = permitted.identified.throttled;
        let (request, _body) = throttled.received.request.into_parts();
        let seat = throttled.seat;
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let allow = vec![Method::GET, Method::HEAD];
            return Err(Refusal { allow, ..Code::MethodNotAllowed.into() });
        }
        let site = shelf.site(self).await.map_err(unreadable)?;
        let hit = site.look(request.uri.path(), wants_html(&request.headers));
        let (file, status, by_accept) = match hit {
            Hit::File(file) => (file, StatusCode::OK, false),
            Hit::Fallback(file) => (file, StatusCode::OK, true),
            Hit::NotFound(file) => (file, StatusCode::NOT_FOUND, site.varies_by_accept()),
            Hit::Slash(path) => return Ok(redirect(path, request.uri.query())),
            Hit::Nothing => return Err(Code::NotFound.into()),
        };
        let private = permitted.identified.caller != Caller::Anonymous;
        let order = Order { request: &request, file, status, private, by_accept };
        order.answer(self, seat).await
    }

    /// Reads the list of every directory, so that the first request does not wait for it.
    pub(crate) async fn open_shelves(&self) {
        let catalog = self.catalog.load_full();
        let functions = catalog.views().flat_map(|(_, view)| view.functions.values());
        for function in functions {
            let Some(shelf) = &function.shelf else { continue };
            if let Err(problem) = shelf.site(self).await {
                let name = function.reference();
                tracing::warn!(%problem, internal = problem.internal, function = %name.name, "files cannot be answered");
            }
        }
    }
}

impl Order<'_> {
    async fn answer(&self, engine: &Engine, seat: Seat) -> Answer {
        let headers = &self.request.headers;
        let accept = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
        let (form, coding) = self.file.best(accept);
        let tag = form.tag.to_str().unwrap_or_default();
        let found = self.status == StatusCode::OK;
        let verdict = if found { weigh(headers, tag) } else { Verdict::Go };
        match verdict {
            Verdict::Failed => return Err(Code::PreconditionFailed.into()),
            Verdict::NotModified => {
                let mut response = Response::new(ReplyBody::whole(bytes::Bytes::new()));
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                self.describe(response.headers_mut(), form, coding);
                response.headers_mut().remove(header::CONTENT_TYPE);
                response.headers_mut().remove(header::CONTENT_ENCODING);
                return Ok(response);
            }
            Verdict::Go => {}
        }
        let (part, partial) = self.part(form, tag, found)?;
        let length = part.end - part.start;
        let head_only = self.request.method == Method::HEAD;
        let wanted = if head_only { 0..0 } else { part.clone() };
        let content = body::open(engine.chunks(), form, wanted, seat).await.map_err(unreadable)?;
        let mut response = Response::new(match content {
            Content::Whole(bytes) => ReplyBody::whole(bytes),
            Content::Stream(body) => ReplyBody::file(body),
        });
        *response.status_mut() = if partial { StatusCode::PARTIAL_CONTENT } else { self.status };
        let fields = response.headers_mut();
        self.describe(fields, form, coding);
        fields.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if partial {
            let last = part.end.saturating_sub(1);
            insert(
                fields,
                header::CONTENT_RANGE,
                format!("bytes {}-{last}/{}", part.start, form.size),
            );
        }
        Ok(response)
    }

    /// Which bytes are answered, and whether they are only a part.
    fn part(&self, form: &File, tag: &str, found: bool) -> Result<(Range<u64>, bool), Refusal> {
        let headers = &self.request.headers;
        // A range is for GET only (RFC 9110, section 14.2).
        let counts = found && self.request.method == Method::GET && range_holds(headers, tag);
        let mut fields = headers.get_all(header::RANGE).into_iter();
        let field = match (fields.next(), fields.next()) {
            (Some(one), None) if counts => one.to_str().ok(),
            _ => None,
        };
        match parse(field, form.size) {
            Part::Whole => Ok((0..form.size, false)),
            Part::Bytes(range) => Ok((range, true)),
            Part::Unsatisfiable => {
                let mut headers = HeaderMap::new();
                insert(&mut headers, header::CONTENT_RANGE, format!("bytes */{}", form.size));
                let headers = Some(Box::new(headers));
                Err(Refusal { headers, ..Code::RangeNotSatisfiable.into() })
            }
        }
    }

    fn describe(&self, fields: &mut HeaderMap, form: &File, coding: Option<Coding>) {
        fields.insert(header::CONTENT_TYPE, self.file.media.clone());
        fields.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        for (name, value) in &self.file.headers {
            fields.insert(name.clone(), value.clone());
        }
        let usual = if self.private { "private, no-cache" } else { "no-cache" };
        let found = self.status == StatusCode::OK;
        let control = self.file.control.clone().filter(|_| found);
        let control = control.unwrap_or(HeaderValue::from_static(usual));
        fields.insert(header::CACHE_CONTROL, control);
        if found {
            fields.insert(header::ETAG, form.tag.clone());
            fields.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        }
        if let Some(coding) = coding {
            fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        if !self.file.forms.is_empty() {
            fields.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if self.by_accept {
            fields.append(header::VARY, HeaderValue::from_static("accept"));
        }
    }
}

/// Whether a client asks for a page, in so many words. Scripts, styles and `fetch` send `*/*`, and
/// a page in their place is an error that is hard to find.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).into_iter().filter_map(|v| v.to_str().ok());
    accepts.flat_map(|accept| accept.split(',')).any(|part| {
        let kind = part.split(';').next().unwrap_or_default().trim();
        ["text/html", "application/xhtml+xml"].iter().any(|html| kind.eq_ignore_ascii_case(html))
    })
}

/// To the same path with a slash. For this time only: where a path leads changes with every
/// deployment and rollback.
fn redirect(mut path: String, query: Option<&str>) -> Response<ReplyBody> {
    if let Some(query) = query {
        path.push('?');
        path.push_str(query);
    }
    let mut response = Response::new(ReplyBody::whole(bytes::Bytes::new()));
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    insert(response.headers_mut(), header::LOCATION, path);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn insert(fields: &mut HeaderMap, name: header::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        fields.insert(name, value);
    }
}

/// Why a deployed file cannot be read is the operator's affair: the caller sent nothing wrong.
fn unreadable(problem: Problem) -> Refusal {
    let code = if problem.code.status() >= 500 { problem.code } else { Code::StoreCorrupt };
    tracing::error!(%problem, internal = problem.internal, "a deployed file cannot be answered");
    Problem::new(code).internal(problem).into()
}
