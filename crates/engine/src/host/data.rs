//! Sensitive values around a function: they come back in its requests where that is granted, and
//! are looked for on every other way out.
//!
//! Invariant: a value comes back only after the request itself was permitted, and with a permit for
//! its class, its purpose and that very address.
//! Invariant: no value is in a record, a log or an error.

use super::Broker;
use super::record::{Entry, Step};
use super::secrets::Covering;
use crate::data::{Has, Reveal, Taken, Told, put_headers, with_query};
use crate::secrets::mask::Masker;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RANGE,
};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, Full};
use model::{Code, DataClass, Label, Labels, Secret};
use policy::{DataAsk, Denial};
use ports::host::{Body, HostError, HttpCall};
use ports::outbound::Failure;
use protect::contract::{Fault, Swap, Tally};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

const FORM: &str = "application/x-www-form-urlencoded";

/// A request on its way out, as far as sensitive values go.
pub(super) struct Screened {
    pub(super) call: HttpCall,
    pub(super) body: Option<Body>,
}

/// The reply of a function on its way out.
pub(crate) struct Outward {
    pub(crate) cover: Covering,
    broker: Arc<Broker>,
    /// Whether the body has ended.
    pub(crate) over: bool,
    /// Whether anything was covered.
    pub(crate) masked: Arc<AtomicBool>,
}

impl Outward {
    /// What is passed on for what came. `None`: nothing yet, and more is to be read.
    pub(crate) fn pass<E>(
        &mut self,
        next: Option<Result<Frame<Bytes>, E>>,
    ) -> Option<Option<Result<Frame<Bytes>, E>>> {
        self.over = !matches!(next, Some(Ok(_)));
        let passed = self.cover.pass(&self.broker, next);
        if self.cover.hit() {
            self.masked.store(true, Relaxed);
        }
        passed
    }
}

/// A body with values in it. Wiped when it was sent.
struct Filled(Secret<Vec<u8>>);

impl AsRef<[u8]> for Filled {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

impl Broker {
    /// What is known of the request: recorded, and looked for from now on.
    pub(crate) fn take_in(&self, taken: &Taken) {
        self.join(&taken.labels);
        for done in &taken.done {
            let step = self.begin("data.protect", done.clone(), b"", Labels::NONE);
            self.enter(&step, &Entry::done(0));
        }
        self.learn(&taken.above);
        self.learn(&taken.swaps);
        self.hold_back(&taken.came, &taken.above);
        self.clear.lock().extend(taken.above.iter().chain(&taken.came).map(Arc::clone));
    }

    /// Values that it has to do with from now on.
    fn learn(&self, swaps: &[Arc<Swap>]) {
        if swaps.is_empty() {
            return;
        }
        self.cover_values(swaps);
        let mut known = self.swaps.lock();
        let mut all: HashSet<Arc<Swap>> = known.iter().cloned().collect();
        known.extend(swaps.iter().filter(|it| all.insert(Arc::clone(it))).cloned());
        self.knows.store(true, Relaxed);
    }

    /// What a function that is called from here has to know.
    pub(super) fn passed_on(&self) -> Option<Box<Taken>> {
        let labels = self.labels();
        let swaps = self.swaps.lock().clone();
        let any = !labels.is_empty() || !swaps.is_empty();
        let above = self.clear.lock().clone();
        any.then(|| Box::new(Taken { labels, swaps, above, ..Taken::default() }))
    }

    /// Whether sensitive values may be around.
    fn has_data(&self) -> bool {
        self.function.data.is_some() || self.knows.load(Relaxed)
    }

    /// Has the values come back that may, and refuses a request that holds others.
    pub(super) async fn screened(
        &self,
        step: &Step,
        call: HttpCall,
        body: Option<Body>,
        url: &str,
    ) -> Result<Screened, HostError> {
        if !self.has_data() {
            return Ok(Screened { call, body });
        }
        let due = self.due(step, url)?;
        let may: Vec<DataClass> = due.iter().map(|reveal| reveal.class.clone()).collect();
        let others = self.clear_values().without(&may);
        if is_in_head(&others, &call) {
            return Err(self.leaks(step));
        }
        let (mut call, mut body) = (call, body.filter(|it| !it.is_end_stream()));
        let mut whole = None;
        // All of it before anything is sent: how much of a body arrives would say which of many
        // values in it was the right one.
        if let Some(coming) = body.take_if(|_| !others.is_empty()) {
            let gathered = self.gather(step, coming, super::BODY_BYTES_MAX).await?;
            if others.whole(&gathered).is_some() {
                return Err(self.leaks(step));
            }
            whole = Some(gathered);
        }
        let mut filled = None;
        for reveal in due {
            let reads = Kind::of(&call).is_in(reveal.has);
            if let Some(coming) = body.take_if(|_| reads) {
                whole = Some(self.gather(step, coming, super::BODY_BYTES_MAX).await?);
            }
            let now = filled.as_ref().map(|it: &Secret<Vec<u8>>| it.expose().as_slice());
            let now = now.or(whole.as_deref()).filter(|_| reads);
            if let Some(made) = self.reveal_in(step, reveal, &mut call, now, url)? {
                call.headers.insert(CONTENT_LENGTH, HeaderValue::from(made.expose().len()));
                filled = Some(made);
            }
        }
        if self.has_revealed(&place_of(&call.uri)) {
            // What is compressed or a piece cannot be looked through.
            call.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            call.headers.remove(RANGE);
        }
        let whole = filled.map(|it| Bytes::from_owner(Filled(it))).or(whole);
        let whole = whole.map(|it| Full::new(it).map_err(|never| match never {}).boxed_unsync());
        Ok(Screened { call, body: whole.or(body) })
    }

    /// The reveals that the manifest asks for at this address. Each is decided before anything of
    /// the request is read.
    fn due(&self, request: &Step, url: &str) -> Result<Vec<&Reveal>, HostError> {
        let Some(data) = &self.function.data else { return Ok(Vec::new()) };
        let ready = data.ready(&self.engine, &self.function.reference().scope);
        let ready = ready
            .map_err(|problem| self.failed(request, HostError::Failed, &problem.to_string()))?;
        let policies = &self.function.policies;
        let due = ready.reveals.iter().filter(|it| policies.wants_data(self.ask(it, url)));
        due.map(|reveal| match policies.decide_data(self.ask(reveal, url)) {
            Ok(_permit) => Ok(reveal),
            Err(denial) => {
                let step = self.reveal_step(reveal, url, None);
                self.enter(request, &Entry::denied());
                Err(self.denied(&step, &denial))
            }
        })
        .collect()
    }

    fn ask<'a>(&'a self, reveal: &'a Reveal, url: &'a str) -> DataAsk<'a> {
        let digest = &self.function.row.digest;
        DataAsk { class: &reveal.class, url, purpose: &reveal.purpose, digest }
    }

    fn reveal_step(&self, reveal: &Reveal, url: &str, values: Option<u64>) -> Step {
        let Reveal { class, purpose, .. } = reveal;
        let count = values.map(|values| format!(" ({values})")).unwrap_or_default();
        let resource = format!("{class} for {url} as {purpose}{count}");
        let labels = Labels::of([Label::new(&format!("{class}.clear"))]);
        self.begin("data.reveal", resource, url.as_bytes(), labels)
    }

    /// Has the values of one class come back in a request. Gives the new body, if there is one.
    fn reveal_in(
        &self,
        request: &Step,
        reveal: &Reveal,
        call: &mut HttpCall,
        whole: Option<&[u8]>,
        url: &str,
    ) -> Result<Option<Secret<Vec<u8>>>, HostError> {
        let mut tally = Tally::knowing(self.swaps.lock().clone());
        let done = put_in(reveal, call, whole, &mut tally).map_err(|why| {
            let step = self.reveal_step(reveal, url, None);
            self.enter(request, &Entry::failed());
            self.failed(&step, HostError::Upstream(Failure::Request), &why)
        })?;
        let values = tally.total();
        if values > 0 {
            let step = self.reveal_step(reveal, url, Some(values));
            let swaps = tally.into_swaps();
            self.learn(&swaps);
            self.cover_from(place_of(&call.uri), &swaps);
            self.done(&step, 0);
        }
        Ok(done.map(Secret::new))
    }

    /// The request holds a value and goes where it may not. It is the last one of its tree: each
    /// further answer would say more about a value that is only guessed at.
    fn leaks(&self, request: &Step) -> HostError {
        if self.purse.shut() {
            let (function, invocation) = (self.function.reference(), &self.invocation);
            let code = Code::DataLeaves;
            tracing::warn!(%function, %invocation, "{code}: {}", code.title());
        }
        self.denied(request, &Denial::of(Code::DataLeaves))
    }

    /// Refuses whatever goes outside once something was refused because of a value in it.
    pub(super) fn is_open(&self, request: &Step) -> Result<(), HostError> {
        if !self.purse.is_shut() {
            return Ok(());
        }
        let mut denial = Denial::of(Code::DataLeaves);
        denial.detail = Some("an earlier request held a value, so nothing leaves any more".into());
        Err(self.denied(request, &denial))
    }

    /// Covers the head of the function's reply, and what is to be covered after it. `None` if there
    /// is nothing that could be.
    pub(crate) fn outward(self: &Arc<Self>, head: &mut http::response::Parts) -> Option<Outward> {
        if !self.has_data() {
            return None;
        }
        let values = self.own_values();
        let masked = self.cover_fields(&values, &mut head.headers);
        let cover = self.covering(values);
        if is_coded(head) {
            let what = "the reply, which is compressed".to_owned();
            self.enter(&self.begin("data.unseen", what, b"", Labels::NONE), &Entry::done(0));
        }
        let labels = self.labels();
        if self.depth > 0 && !labels.is_empty() {
            head.extensions.insert(Told(labels));
        }
        let masked = Arc::new(AtomicBool::new(masked));
        Some(Outward { cover, broker: Arc::clone(self), over: false, masked })
    }
}

/// How a body is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Form,
    Other,
}

impl Kind {
    fn of(call: &HttpCall) -> Self {
        let said = call.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let said = said.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        match said.to_ascii_lowercase().as_str() {
            FORM => Self::Form,
            "application/json" => Self::Json,
            other if other.ends_with("+json") => Self::Json,
            _ => Self::Other,
        }
    }

    const fn is_in(self, has: Has) -> bool {
        match self {
            Self::Json => has.json,
            Self::Form => has.form,
            Self::Other => false,
        }
    }
}

/// Puts values into a request. An error is for the function's log, and quotes none.
fn put_in(
    reveal: &Reveal,
    call: &mut HttpCall,
    whole: Option<&[u8]>,
    tally: &mut Tally,
) -> Result<Option<Vec<u8>>, String> {
    let refused = |fault: Fault| fault.problem().to_string();
    let unfit = || "what came back does not fit into the request".to_owned();
    if let (true, Some(query)) = (reveal.has.query, call.uri.query()) {
        let made = reveal.bound.query(query.as_bytes(), None, tally).map_err(refused)?;
        call.uri = with_query(&call.uri, &made).ok_or_else(unfit)?;
    }
    if reveal.has.headers {
        let fields: Vec<(&str, &[u8])> =
            call.headers.iter().map(|(name, it)| (name.as_str(), it.as_bytes())).collect();
        let made = reveal.bound.headers(&fields, None, tally).map_err(refused)?;
        put_headers(&mut call.headers, made).ok_or_else(unfit)?;
    }
    let Some(whole) = whole else { return Ok(None) };
    let made = match Kind::of(call) {
        Kind::Form => reveal.bound.form(whole, None, tally),
        _ => reveal.bound.json(whole, None, tally),
    };
    made.map(Some).map_err(refused)
}

/// Where a request goes: host and port.
pub(super) fn place_of(uri: &http::Uri) -> String {
    let usual = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    format!("{host}:{}", uri.port_u16().unwrap_or(usual))
}

/// Whether what came back is coded, so that nothing would be found in it.
pub(super) fn is_coded(head: &http::response::Parts) -> bool {
    let coded = |it: &HeaderValue| !it.as_bytes().eq_ignore_ascii_case(b"identity");
    head.headers.get_all(CONTENT_ENCODING).iter().any(coded)
}

/// Whether a value stands in the address or a header field.
fn is_in_head(values: &Masker, call: &HttpCall) -> bool {
    let holds = |text: &[u8]| values.whole(text).is_some();
    holds(call.uri.to_string().as_bytes())
        || call
            .headers
            .iter()
            .any(|(name, it)| holds(name.as_str().as_bytes()) || holds(it.as_bytes()))
}
