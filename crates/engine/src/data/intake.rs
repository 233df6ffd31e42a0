//! A request's way through its function's contract, before the function runs.
//!
//! Invariant: what a contract cannot read is refused and never passed on, since the function could
//! read it.

use super::{Data, Has, Intake, Taken, marked};
use crate::function::Function;
use crate::host::{BODY_BYTES_MAX, Hold};
use crate::invoke::Outcomes;
use crate::stage::Permitted;
use crate::wiring::Engine;
use bytes::Bytes;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use model::wire::v1::{Outcome, Trigger};
use model::{Code, Label, Labels, Problem};
use ports::executor::{BodyError, RequestBody};
use protect::contract::{Fault, Swap, Tally};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

const FORM: &str = "application/x-www-form-urlencoded";
/// Fields about a body's bytes that hold no more once it was changed.
const OF_THE_OLD_BODY: [HeaderName; 5] = [
    TRANSFER_ENCODING,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

impl Engine {
    /// Applies the contract of the function, if it has one for requests. What waited in the queue
    /// has been through it, unless the function had none then.
    pub(crate) async fn take_in(&self, mut permitted: Permitted) -> Outcomes<Permitted> {
        let identified = &mut permitted.identified;
        let function = Arc::clone(&identified.function);
        let Some(data) = &function.data else { return Ok(permitted) };
        let received = &mut identified.throttled.received;
        let before = marked(&mut received.request);
        if let (Trigger::Queue { .. }, Some(labels)) = (&identified.trigger, before) {
            received.taken = Some(Box::new(Taken { labels, ..Taken::default() }));
            return Ok(permitted);
        }
        let known = received.taken.take().map(|taken| *taken).unwrap_or_default();
        let request = std::mem::replace(&mut received.request, http::Request::new(empty()));
        match self.taken_in(&function, data, request, known).await {
            Ok((request, taken)) => {
                let received = &mut permitted.identified.throttled.received;
                received.request = request;
                received.taken = taken.map(Box::new);
                Ok(permitted)
            }
            Err(problem) => Err(self.not_run(&permitted, Outcome::Interrupted, problem)),
        }
    }

    async fn taken_in(
        &self,
        function: &Function,
        data: &Data,
        request: http::Request<RequestBody>,
        known: Taken,
    ) -> Result<(http::Request<RequestBody>, Option<Taken>), Problem> {
        let ready = data.ready(self, &function.reference().scope)?;
        let Some(intake) = &ready.intake else {
            let any = !known.labels.is_empty() || !known.swaps.is_empty();
            return Ok((request, Some(known).filter(|_| any)));
        };
        let (mut head, body) = request.into_parts();
        let kind = Kind::of(&head, &body, intake.has)?;
        let mut tally = Tally::knowing(known.swaps.clone());
        let refused = |fault: Fault| fault.problem();
        if intake.has.query {
            in_query(intake, &mut head, &mut tally)?;
        }
        if intake.has.headers {
            in_headers(intake, &mut head.headers, &mut tally)?;
        }
        let body = match kind {
            Kind::Unread => body,
            Kind::Empty => intake.without_body(&mut tally).map_err(refused).map(|()| body)?,
            Kind::Json | Kind::Form => {
                let limits = &function.unit.limits;
                let most = limits.request_body_bytes.min(BODY_BYTES_MAX as u64);
                let wall = Duration::from_millis(limits.wall_ms);
                let whole = tokio::time::timeout(wall, self.gather(&head, body, most)).await;
                let whole = whole.unwrap_or_else(|_| Err(Code::ClientSlow.into()))?;
                kind.fits(&whole, intake.has)?;
                let made = match kind {
                    _ if whole.is_empty() => intake.without_body(&mut tally).map(|()| Vec::new()),
                    Kind::Form => intake.bound.form(&whole, None, &mut tally),
                    _ => intake.bound.json(&whole, None, &mut tally),
                };
                with_body(&mut head.headers, made.map_err(refused)?)
            }
        };
        let taken = intake.sum_up(known, tally);
        Ok((http::Request::from_parts(head, body), Some(taken)))
    }

    /// The whole body, if it is no longer than `most`.
    async fn gather(
        &self,
        head: &Parts,
        mut body: RequestBody,
        most: u64,
    ) -> Result<Zeroizing<Vec<u8>>, Problem> {
        let too_large = || {
            let detail = format!("at most {most} bytes are taken");
            Problem::new(Code::DataBodyTooLarge).detail(detail)
        };
        let announced = head.headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok());
        if announced.and_then(|text| text.parse::<u64>().ok()).is_some_and(|it| it > most) {
            return Err(too_large());
        }
        let mut hold = Hold::new(&self.gathered);
        let mut whole = Zeroizing::new(Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| match error {
                BodyError::TooLarge => too_large(),
                BodyError::Slow => Problem::new(Code::ClientSlow),
                _ => Problem::new(Code::Malformed).internal(error),
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if (whole.len() + data.len()) as u64 > most {
                return Err(too_large());
            }
            if !hold.take(data.len()) {
                return Err(Code::Overloaded.into());
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole)
    }
}

/// How a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The contract names nothing in bodies.
    Unread,
    /// There is none.
    Empty,
    Json,
    Form,
}

impl Kind {
    /// A body that is no form is JSON, whatever it says of itself: a function would take it for
    /// JSON, too.
    fn of(head: &Parts, body: &RequestBody, has: Has) -> Result<Self, Problem> {
        if !has.body() {
            return Ok(Self::Unread);
        }
        if body.is_end_stream() {
            return Ok(Self::Empty);
        }
        let wrong = |what: String| Err(Problem::new(Code::DataBodyKind).detail(what));
        let coded = |value: &HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
        if head.headers.get_all(CONTENT_ENCODING).iter().any(coded) {
            return wrong("it is compressed".to_owned());
        }
        if head.headers.get_all(CONTENT_TYPE).iter().nth(1).is_some() {
            return wrong("it says twice what it is".to_owned());
        }
        let said = head.headers.get(CONTENT_TYPE).map_or("", |it| it.to_str().unwrap_or("?"));
        let said = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match (said.as_str(), has) {
            (FORM, Has { form: true, .. }) => Ok(Self::Form),
            (FORM, _) => wrong(format!("`{FORM}`, and the contract names no `form:` field")),
            (said, _) if said.starts_with("multipart/") => wrong("it has several parts".to_owned()),
            (_, Has { json: true, .. }) => Ok(Self::Json),
            _ => wrong("no form, and the contract names no `body:` field".to_owned()),
        }
    }

    /// What calls itself a form and begins as JSON would be read as a form here, and as JSON by a
    /// function that does not ask what it is.
    fn fits(self, whole: &[u8], has: Has) -> Result<(), Problem> {
        let first = whole.iter().find(|byte| !byte.is_ascii_whitespace());
        match (self, first) {
            (Self::Form, Some(b'{' | b'[' | b'"')) if has.json => {
                Err(Problem::new(Code::DataBodyKind).detail("it says it is a form, and is JSON"))
            }
            _ => Ok(()),
        }
    }
}

impl Intake {
    /// Whether a field may be missing is the contract's to say.
    fn without_body(&self, tally: &mut Tally) -> Result<(), Fault> {
        match self.has.json {
            true => self.bound.json(b"null", None, tally).map(drop),
            false => self.bound.form(b"", None, tally).map(drop),
        }
    }

    fn sum_up(&self, before: Taken, tally: Tally) -> Taken {
        let done = self.bound.done(&tally);
        let done: Vec<_> = done.into_iter().filter(|done| done.values > 0).collect();
        let mut labels = Labels::of(
            done.iter().map(|it| Label::new(&format!("{}.{}", it.class, it.transform.word()))),
        );
        labels.join(&before.labels);
        let said = done.iter().map(|it| {
            format!("{} at {}: {} ({})", it.class, it.at, it.transform.word(), it.values)
        });
        let done = said.collect();
        let swaps = tally.into_swaps();
        let known = |swap: &Arc<Swap>| before.swaps.iter().any(|own| Arc::ptr_eq(own, swap));
        let clear = |swap: &&Arc<Swap>| !swap.was_protected() && !known(swap);
        let came = swaps.iter().filter(clear).map(Arc::clone).collect();
        Taken { labels, done, swaps, came, above: before.above }
    }
}

fn in_query(intake: &Intake, head: &mut Parts, tally: &mut Tally) -> Result<(), Problem> {
    let query = head.uri.query().unwrap_or_default();
    let made = intake.bound.query(query.as_bytes(), None, tally).map_err(|it| it.problem())?;
    if made == query.as_bytes() {
        return Ok(());
    }
    head.uri = with_query(&head.uri, &made)
        .ok_or_else(|| Problem::new(Code::Internal).internal("the query does not fit any more"))?;
    Ok(())
}

/// The same address with another query.
pub(crate) fn with_query(uri: &http::Uri, query: &[u8]) -> Option<http::Uri> {
    let path = format!("{}?{}", uri.path(), std::str::from_utf8(query).ok()?);
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    http::Uri::from_parts(parts).ok()
}

fn in_headers(intake: &Intake, headers: &mut HeaderMap, tally: &mut Tally) -> Result<(), Problem> {
    let fields: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let made = intake.bound.headers(&fields, None, tally).map_err(|it| it.problem())?;
    put_headers(headers, made)
        .ok_or_else(|| Problem::new(Code::Internal).internal("a header does not fit any more"))
}

/// Puts other values into header fields, in their order.
pub(crate) fn put_headers(headers: &mut HeaderMap, made: Vec<Option<Vec<u8>>>) -> Option<()> {
    for (value, made) in headers.values_mut().zip(made) {
        let Some(made) = made else { continue };
        let mut new = HeaderValue::try_from(made).ok()?;
        new.set_sensitive(true);
        *value = new;
    }
    Some(())
}

fn with_body(headers: &mut HeaderMap, made: Vec<u8>) -> RequestBody {
    for name in &OF_THE_OLD_BODY {
        headers.remove(name);
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(made.len()));
    Full::new(Bytes::from(made)).map_err(|never| match never {}).boxed_unsync()
}

fn empty() -> RequestBody {
    Full::default().map_err(|never| match never {}).boxed_unsync()
}
