//! Sensitive values around a function: they come back in its requests where that is granted, and
//! are looked for on every other way out.
//!
//! Invariant: a value comes back only after the request itself was permitted, and with a permit for
//! its class, its purpose and that very address.
//! Invariant: no value is in a record, a log or an error.

mod outward;
mod screen;

pub(crate) use outward::{Kept, Outward};
pub(super) use screen::Noticed;

use super::Broker;
use super::record::{Entry, Step};
use crate::content::{self, FORM};
use crate::data::{Has, Reveal, Taken, put_headers, with_query};
use crate::secrets::mask::Masker;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderValue, RANGE};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use model::{Code, DataClass, Label, Labels, Secret};
use policy::{DataAsk, Denial};
use ports::host::{Body, HostError, HttpCall};
use ports::outbound::Failure;
use protect::contract::{Fault, Salts, Swap, Tally, Wants};
use std::collections::HashSet;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A request on its way out, as far as sensitive values go.
pub(super) struct Screened {
    pub(super) call: HttpCall,
    pub(super) body: Option<Body>,
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
        for (done, many) in &taken.done {
            let what = format!("{done} ({many})");
            let step = self.begin("data.protect", what, b"", Labels::NONE);
            self.enter(&step, &Entry::done(0));
        }
        for (class, word, many) in &taken.found {
            self.notice(screen::Exit::Intake, class, word, *many);
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
        self.engine.data_of(&self.function).is_some() || self.knows.load(Relaxed)
    }

    /// Has the values come back that may, and refuses a request that holds others.
    pub(super) async fn screened(
        self: &Arc<Self>,
        step: &Step,
        call: HttpCall,
        body: Option<Body>,
        url: &str,
    ) -> Result<Screened, HostError> {
        let (has_data, looks) = (self.has_data(), !matches!(self.exits(), Ok(None)));
        if !has_data && !looks {
            return Ok(Screened { call, body });
        }
        let due = self.due(step, url)?;
        let may: Vec<DataClass> = due.iter().map(|reveal| reveal.class.clone()).collect();
        let body = self.screened_call(&call, body, may.clone());
        let body = body.map_err(|code| self.denied(step, &Denial::of(code)))?;
        if !has_data {
            return Ok(Screened { call, body });
        }
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
            let reads = Kind::of(&call.headers).is_in(reveal.has);
            if let Some(coming) = body.take_if(|_| reads) {
                whole = Some(self.gather(step, coming, super::BODY_BYTES_MAX).await?);
            }
            let now = filled.as_ref().map(|it: &Secret<Vec<u8>>| it.expose().as_slice());
            let now = now.or(whole.as_deref()).filter(|_| reads);
            if let Some(made) = self.reveal_in(step, reveal, &mut call, now, url).await? {
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
        let Some(data) = self.engine.data_of(&self.function) else { return Ok(Vec::new()) };
        let ready = data.ready(&self.engine, self.function.reference());
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
    async fn reveal_in(
        &self,
        request: &Step,
        reveal: &Reveal,
        call: &mut HttpCall,
        whole: Option<&[u8]>,
        url: &str,
    ) -> Result<Option<Secret<Vec<u8>>>, HostError> {
        let (done, tally) = self.put_with_salts(reveal, call, whole).await.map_err(|why| {
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

    /// Puts values into a request, with the salts of those whose values can be erased. An error is
    /// for the function's log, and quotes none.
    async fn put_with_salts(
        &self,
        reveal: &Reveal,
        call: &mut HttpCall,
        whole: Option<&[u8]>,
    ) -> Result<(Option<Vec<u8>>, Tally), String> {
        let (uri, headers) = (call.uri.clone(), call.headers.clone());
        let mut tally = self.tally();
        let done = put_in(reveal, call, whole, &mut tally)?;
        let Some(wants) = tally.wants() else { return Ok((done, tally)) };
        let salts = self.salts(wants).await?;
        (call.uri, call.headers) = (uri, headers);
        let mut tally = self.tally().with_salts(salts);
        let done = put_in(reveal, call, whole, &mut tally)?;
        Ok((done, tally))
    }

    /// What is known of the invocation's values.
    fn tally(&self) -> Tally {
        Tally::knowing(self.swaps.lock().clone())
    }

    async fn salts(&self, wants: &Wants) -> Result<Salts, String> {
        let scope = &self.function.reference().scope;
        self.engine.salts(scope, wants).await.map_err(|problem| problem.to_string())
    }

    /// Refuses what is known to contain something that the function is not cleared for.
    pub(super) fn may_see(&self, step: &Step, labels: &Labels) -> Result<(), HostError> {
        let data = self.function.row.spec.data.as_deref();
        let Some(label) = data.and_then(|data| data.uncleared(labels)) else { return Ok(()) };
        let mut denial = Denial::of(Code::DataClearance);
        denial.detail = Some(format!("it contains `{}`", label.as_str()).into());
        Err(self.denied(step, &denial))
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
}

/// How a body is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Form,
    Other,
}

impl Kind {
    fn of(headers: &HeaderMap) -> Self {
        match content::kind_of(headers).as_str() {
            FORM => Self::Form,
            kind if content::is_json(kind) => Self::Json,
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
    let made = match Kind::of(&call.headers) {
        Kind::Form => reveal.bound.form(whole, None, tally),
        _ => reveal.bound.json(whole, None, tally),
    };
    made.map(Some).map_err(refused)
}

/// Where a request goes: host and port, in one spelling for all that lead to the same place.
pub(super) fn place_of(uri: &http::Uri) -> String {
    let usual = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    let host = uri.host().unwrap_or_default();
    let six = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host = match six.and_then(|six| six.parse::<Ipv6Addr>().ok()) {
        Some(six) => format!("[{six}]"),
        None => host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase(),
    };
    format!("{host}:{}", uri.port_u16().unwrap_or(usual))
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

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn every_spelling_of_a_place_is_one_place() {
        for (place, spellings) in [
            (
                "psp.example:443",
                ["https://psp.example/a", "https://PSP.example./b", "https://psp.example:443"],
            ),
            (
                "psp.example:80",
                ["http://psp.example", "http://psp.example.:80/", "http://Psp.Example"],
            ),
            ("[::1]:80", ["http://[::1]", "http://[0:0:0:0:0:0:0:1]/", "http://[0::1]:80"]),
        ] {
            for spelling in spellings {
                assert_eq!(place_of(&spelling.parse().expect("an address")), place, "{spelling}");
            }
        }
        let other = "https://psp.example:8443".parse().expect("an address");
        assert_ne!(place_of(&other), "psp.example:443");
    }
}
