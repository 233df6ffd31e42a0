//! A request's way through its function's contract, before the function runs.
//!
//! Invariant: what a contract cannot read is refused and never passed on, since the function could
//! read it.

use super::kind::Kind;
use super::laid::arrival;
use super::sift::{Sift, Sifted};
use super::{Data, Has, Intake, Ready, Taken, marked};
use crate::content::{self, unreadable};
use crate::function::Function;
use crate::host::{BODY_BYTES_MAX, Hold};
use crate::invoke::Outcomes;
use crate::stage::Permitted;
use crate::wiring::Engine;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::PathAndQuery;
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use model::manifest::Arrival;
use model::wire::v1::{Outcome, Trigger};
use model::{Code, Label, Labels, Problem};
use ports::executor::{BodyError, RequestBody};
use protect::contract::{Fault, Swap, Tally};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Fields about a body's bytes that hold no more once it was changed.
pub(crate) const OF_THE_OLD_BODY: [HeaderName; 5] = [
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
        let Some(data) = self.data_of(&function) else { return Ok(permitted) };
        let arrival = arrival(identified);
        let received = &mut identified.throttled.received;
        let before = marked(&mut received.request);
        if let (Trigger::Queue { .. }, Some(labels)) = (&identified.trigger, before) {
            received.taken = Some(Box::new(Taken { labels, ..Taken::default() }));
            return Ok(permitted);
        }
        let known = received.taken.take().map(|taken| *taken).unwrap_or_default();
        let request = std::mem::replace(&mut received.request, http::Request::new(empty()));
        match self.taken_in((&function, data), &arrival, request, known).await {
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
        (function, data): (&Function, &Data),
        arrival: &Arrival,
        request: http::Request<RequestBody>,
        known: Taken,
    ) -> Result<(http::Request<RequestBody>, Option<Taken>), Problem> {
        if let Some(label) = data.spec.uncleared(&known.labels) {
            let detail = format!("it contains `{}`", label.as_str());
            return Err(Problem::new(Code::DataClearance).detail(detail));
        }
        let ready = data.ready(self, function.reference())?;
        let intake = ready.intake(arrival);
        if intake.is_none() && ready.sift.is_none() {
            let any = !known.labels.is_empty() || !known.swaps.is_empty();
            return Ok((request, Some(known).filter(|_| any)));
        }
        let (mut head, body) = request.into_parts();
        let kind = ready.kind(intake, &head, &body)?;
        let mut tally = Tally::knowing(known.swaps.clone());
        let before = intake.map(|intake| intake.in_head(&mut head, &mut tally)).transpose()?;
        let (body, whole) = match kind {
            Kind::Unread | Kind::Empty => (body, None),
            _ => {
                let limits = &function.unit.limits;
                let most = limits.request_body_bytes.min(BODY_BYTES_MAX as u64);
                let wall = Duration::from_millis(limits.wall_ms);
                let whole = tokio::time::timeout(wall, self.gather(&head, body, most)).await;
                (empty(), Some(whole.unwrap_or_else(|_| Err(Code::ClientSlow.into()))?))
            }
        };
        let mut made = None;
        let taken = match intake {
            Some(intake) => {
                let whole = whole.as_ref().map(|it| it.as_slice());
                made = intake.body(&kind, whole, &mut tally)?;
                // Whose values are in it is known now; with their salts, once more from the start.
                if let Some(wants) = tally.wants() {
                    let salts = self.salts(&function.reference().scope, wants).await?;
                    before.into_iter().for_each(|before| before.put(&mut head));
                    tally = Tally::knowing(known.swaps.clone()).with_salts(salts);
                    intake.in_head(&mut head, &mut tally)?;
                    made = intake.body(&kind, whole, &mut tally)?;
                }
                intake.sum_up(known, tally)?
            }
            None => known,
        };
        let whole = made.or_else(|| whole.map(|mut it| std::mem::take(&mut *it)));
        let (whole, taken) = match &ready.sift {
            Some(sift) => sift.request(&mut head, whole, taken)?,
            None => (whole, taken),
        };
        let body = match whole {
            Some(whole) => with_body(&mut head.headers, whole),
            None => body,
        };
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

impl Ready {
    /// How a body is read: as the contract names fields in it, or else as text in which values are
    /// looked for.
    fn kind(
        &self,
        intake: Option<&Intake>,
        head: &Parts,
        body: &RequestBody,
    ) -> Result<Kind, Problem> {
        let named = intake.map(|intake| intake.kind(head, body));
        match (named.transpose()?, &self.sift) {
            (Some(Kind::Unread) | None, Some(_)) if body.is_end_stream() => Ok(Kind::Empty),
            (Some(Kind::Unread) | None, Some(_)) => match unreadable(&head.headers) {
                Some(why) => Err(Problem::new(Code::DataBodyKind).detail(why)),
                None => Ok(Kind::Any),
            },
            (kind, _) => Ok(kind.unwrap_or(Kind::Unread)),
        }
    }
}

impl Sift {
    /// Looks through the address and the body of a request.
    fn request(
        &self,
        head: &mut Parts,
        body: Option<Vec<u8>>,
        mut taken: Taken,
    ) -> Result<(Option<Vec<u8>>, Taken), Problem> {
        let mut sifted = Sifted::default();
        if let Some(query) = head.uri.query()
            && let Some(made) = self.sifted(query.as_bytes(), false, &taken.swaps, &mut sifted)?
        {
            head.uri = with_query(&head.uri, &made).ok_or_else(unfit)?;
        }
        let is_json = content::is_json(&content::kind_of(&head.headers));
        let made = match &body {
            Some(body) => self.sifted(body, is_json, &taken.swaps, &mut sifted)?,
            None => None,
        };
        sifted.join(&mut taken);
        Ok((made.or(body), taken))
    }
}

fn unfit() -> Problem {
    Problem::new(Code::Internal).internal("the query does not fit any more")
}

impl Intake {
    /// What becomes of a body; nothing if the contract does not read it.
    fn body(
        &self,
        kind: &Kind,
        whole: Option<&[u8]>,
        tally: &mut Tally,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let Some(whole) = whole else {
            return match kind {
                Kind::Empty => self.without_body(tally).map(|()| None),
                _ => Ok(None),
            }
            .map_err(|fault| fault.problem());
        };
        kind.fits(whole, self.has)?;
        match kind {
            Kind::Any => Ok(None),
            _ if whole.is_empty() => self.without_body(tally).map(|()| Some(Vec::new())),
            Kind::Form => self.bound.form(whole, None, tally).map(Some),
            Kind::Csv => self.bound.csv(whole, None, tally).map(Some),
            Kind::Parts(boundary) => {
                self.bound.parts(whole, boundary, &self.files, None, tally).map(Some)
            }
            _ => self.bound.json(whole, None, tally).map(Some),
        }
        .map_err(|fault| fault.problem())
    }

    /// Whether a field may be missing is the contract's to say.
    fn without_body(&self, tally: &mut Tally) -> Result<(), Fault> {
        match self.has {
            Has { json: true, .. } => self.bound.json(b"null", None, tally).map(drop),
            Has { form: true, .. } => self.bound.form(b"", None, tally).map(drop),
            _ => self.bound.csv(b"", None, tally).map(drop),
        }
    }

    /// Applies the contract to the address and the fields. Gives what they were.
    fn in_head(&self, head: &mut Parts, tally: &mut Tally) -> Result<Before, Problem> {
        let uri = self.has.query.then(|| head.uri.clone());
        let headers = self.has.headers.then(|| head.headers.clone());
        in_query(self, head, tally)?;
        in_headers(self, &mut head.headers, tally)?;
        Ok(Before { uri, headers })
    }

    fn sum_up(&self, before: Taken, tally: Tally) -> Result<Taken, Problem> {
        if tally.wants().is_some() {
            return Err(Problem::new(Code::Internal).internal("a salt is still missing"));
        }
        let done = self.bound.done(&tally);
        let done: Vec<_> = done.into_iter().filter(|done| done.values > 0).collect();
        let mut labels = Labels::of(
            done.iter().map(|it| Label::new(&format!("{}.{}", it.class, it.transform.word()))),
        );
        labels.join(&before.labels);
        let said = done
            .iter()
            .map(|it| (format!("{} at {}: {}", it.class, it.at, it.transform.word()), it.values));
        let done = said.collect();
        let swaps = tally.into_swaps();
        let known = |swap: &Arc<Swap>| before.swaps.iter().any(|own| Arc::ptr_eq(own, swap));
        let clear = |swap: &&Arc<Swap>| !swap.was_protected() && !known(swap);
        let came = swaps.iter().filter(clear).map(Arc::clone).collect();
        Ok(Taken { labels, done, swaps, came, above: before.above, found: before.found })
    }
}

/// What the address and the fields of a request were, as far as the contract changes them.
struct Before {
    uri: Option<http::Uri>,
    headers: Option<HeaderMap>,
}

impl Before {
    fn put(self, head: &mut Parts) {
        let Self { uri, headers } = self;
        head.uri = uri.unwrap_or_else(|| std::mem::take(&mut head.uri));
        head.headers = headers.unwrap_or_else(|| std::mem::take(&mut head.headers));
    }
}

fn in_query(intake: &Intake, head: &mut Parts, tally: &mut Tally) -> Result<(), Problem> {
    if !intake.has.query {
        return Ok(());
    }
    let query = head.uri.query().unwrap_or_default();
    let made = intake.bound.query(query.as_bytes(), None, tally).map_err(|it| it.problem())?;
    if made == query.as_bytes() {
        return Ok(());
    }
    head.uri = with_query(&head.uri, &made).ok_or_else(unfit)?;
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
    if !intake.has.headers {
        return Ok(());
    }
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
