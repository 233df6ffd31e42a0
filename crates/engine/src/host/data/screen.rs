//! Values that detectors find where data leaves a function, and in its request: counted, covered,
//! or reason to refuse.
//!
//! Invariant: what the platform itself put in the place of a value is no finding.

use super::super::Broker;
use super::super::record::{Entry, Place};
use crate::content::unreadable;
use crate::data::Exits;
use bytes::Bytes;
use http::HeaderMap;
use http::header::HeaderValue;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use model::{Code, DataClass, Label, Labels, Problem};
use ports::executor::RequestBody;
use ports::host::{Body, HostError, HttpCall};
use protect::detect::{Action, Detector, Finding, Sieve};
use protect::transform::is_token;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Where values are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::host) enum Exit {
    Intake,
    Reply,
    Request,
    Log,
}

impl Exit {
    const fn word(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Reply => "reply",
            Self::Request => "request",
            Self::Log => "log",
        }
    }
}

/// What was found where, what became of it, and where the record says so.
pub(in crate::host) type Noticed = BTreeMap<(Exit, DataClass, &'static str), (Place, u64)>;

/// What is to be covered, or may not leave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    #[default]
    Fine,
    Masked,
    Blocked,
}

impl Broker {
    /// What is looked for where data leaves, if anybody wants to know.
    pub(super) fn exits(&self) -> Result<Option<&Exits>, Problem> {
        self.engine.exits(&self.function)
    }

    /// What becomes of a finding, which is counted. Those of the classes in `but` may be there.
    pub(super) fn judge(
        &self,
        exits: &Exits,
        exit: Exit,
        but: &[DataClass],
        finding: &Finding,
        text: &[u8],
    ) -> Action {
        let Some(class) = exits.class(finding).filter(|_| !self.is_ours(text)) else {
            return Action::Observe;
        };
        let action = match exit {
            Exit::Intake => Action::Observe,
            _ if but.contains(class) => Action::Observe,
            _ => exits.of(finding),
        };
        self.notice(exit, class, word(action), 1);
        action
    }

    /// Whether a text stands for a value.
    fn is_ours(&self, text: &[u8]) -> bool {
        let token = std::str::from_utf8(text).is_ok_and(is_token);
        token || self.swaps.lock().iter().any(|swap| swap.made().as_bytes() == text)
    }

    /// Counts what was found. One entry of the record for each exit, class and what became of it.
    pub(super) fn notice(&self, exit: Exit, class: &DataClass, word: &'static str, more: u64) {
        let mut noticed = self.noticed.lock();
        let key = (exit, class.clone(), word);
        let resource = |many: u64| format!("{class} in {}: {word} ({many})", exit.word());
        if let Some((place, many)) = noticed.get_mut(&key) {
            *many = many.saturating_add(more);
            let text = resource(*many);
            self.amend(*place, |call| call.resource = text);
            return;
        }
        let step = self.begin("data.found", resource(more), b"", Labels::NONE);
        let place = self.enter(&step, &Entry::done(0));
        noticed.insert(key, (place, more));
        drop(noticed);
        let stays = word == self::word(Action::Observe);
        if exit == Exit::Intake && stays && self.wants_to_know(class) {
            self.join(&Labels::of([Label::new(&format!("{class}.clear"))]));
        }
    }

    /// Whether the manifest names the class of what was found in a request and left as it is.
    fn wants_to_know(&self, class: &DataClass) -> bool {
        let unnamed = self.function.row.spec.data.as_ref().map(|data| &data.unnamed);
        let family = class.built_in().map(DataClass::from);
        let named = |class: &DataClass| unnamed.is_some_and(|it| it.contains_key(class));
        named(class) || family.is_some_and(|family| named(&family))
    }

    /// Looks at a whole text. What is to be covered is covered in it.
    pub(super) fn screen_text(
        &self,
        exits: &Exits,
        exit: Exit,
        but: &[DataClass],
        about: &str,
        text: &mut [u8],
    ) -> Verdict {
        let mut found = Vec::new();
        exits.detector.scan(text, about.as_bytes(), |finding| found.push(finding));
        let mut verdict = Verdict::Fine;
        for finding in found {
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            let Some(value) = text.get_mut(place(finding.start)..place(finding.end)) else {
                continue;
            };
            match self.judge(exits, exit, but, &finding, value) {
                Action::Observe => {}
                Action::Mask => {
                    value.fill(b'*');
                    verdict = verdict.max(Verdict::Masked);
                }
                Action::Block => verdict = Verdict::Blocked,
            }
        }
        verdict
    }

    /// Looks at header fields, and covers what is to be covered.
    pub(super) fn screen_fields(
        &self,
        exits: &Exits,
        exit: Exit,
        but: &[DataClass],
        fields: &mut HeaderMap,
    ) -> Verdict {
        let mut all = Verdict::Fine;
        for (name, value) in fields.iter_mut() {
            let mut text = value.as_bytes().to_vec();
            let verdict = self.screen_text(exits, exit, but, name.as_str(), &mut text);
            if verdict == Verdict::Masked
                && let Ok(covered) = HeaderValue::from_bytes(&text)
            {
                *value = covered;
            }
            all = all.max(verdict);
        }
        all
    }

    /// A line of the guest's as it may be written.
    pub(in crate::host) fn screened_line(&self, text: String) -> String {
        let withheld = |why: &str| format!("[a line was left out: {why}]");
        let exits = match self.exits() {
            Ok(None) => return text,
            Ok(Some(exits)) => exits,
            Err(problem) => return withheld(problem.code.text()),
        };
        let mut bytes = text.into_bytes();
        match self.screen_text(exits, Exit::Log, &[], "", &mut bytes) {
            Verdict::Blocked => withheld("it held data that may not leave"),
            // ASCII was put into the places of whole words.
            Verdict::Fine | Verdict::Masked => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// The body of a request to outside, looked through on its way. Its address and fields are not
    /// altered: what would be covered in them is refused, since it would go somewhere else.
    pub(super) fn screened_call(
        self: &Arc<Self>,
        call: &HttpCall,
        body: Option<Body>,
        but: Vec<DataClass>,
    ) -> Result<Option<Body>, Code> {
        let Some(exits) = self.exits().map_err(|problem| problem.code)? else { return Ok(body) };
        let mut address = call.uri.to_string().into_bytes();
        let in_address = self.screen_text(exits, Exit::Request, &but, "", &mut address);
        let in_fields = self.screen_fields(exits, Exit::Request, &but, &mut call.headers.clone());
        if in_address.max(in_fields) > Verdict::Fine {
            return Err(Code::DataInRequest);
        }
        let Some(body) = body.filter(|body| !body.is_end_stream()) else { return Ok(None) };
        if let Some(why) = unreadable(&call.headers) {
            if exits.enforces {
                return Err(Code::DataUnseen);
            }
            self.unseen("a request", why);
        }
        let (broker, sieve) = (Arc::clone(self), exits.sieve());
        Ok(Some(Screened { body, sieve, broker, but, late: None, over: false }.boxed_unsync()))
    }

    /// The function's request, looked through while the function reads it.
    pub(crate) fn observed(
        self: &Arc<Self>,
        request: http::Request<RequestBody>,
    ) -> http::Request<RequestBody> {
        let Ok(Some(exits)) = self.exits() else { return request };
        if !exits.observes_requests {
            return request;
        }
        if let Some(query) = request.uri().query() {
            let mut query = query.as_bytes().to_vec();
            self.screen_text(exits, Exit::Intake, &[], "", &mut query);
        }
        if request.body().is_end_stream() {
            return request;
        }
        if let Some(why) = unreadable(request.headers()) {
            self.unseen("the request", why);
        }
        let (broker, sieve) = (Arc::clone(self), exits.sieve());
        request.map(|body| Observed { body, sieve, broker, over: false }.boxed_unsync())
    }

    /// Says that something was not looked through.
    pub(super) fn unseen(&self, what: &str, why: &str) {
        let step = self.begin("data.unseen", format!("{what}: {why}"), b"", Labels::NONE);
        self.enter(&step, &Entry::done(0));
    }
}

/// What the record says became of a finding.
pub(super) const fn word(action: Action) -> &'static str {
    match action {
        Action::Observe => "observed",
        Action::Mask => "masked",
        Action::Block => "blocked",
    }
}

/// The body of a request to outside.
struct Screened {
    body: Body,
    sieve: Sieve<Arc<Detector>>,
    broker: Arc<Broker>,
    but: Vec<DataClass>,
    /// What comes after the bytes that were held back.
    late: Option<Frame<Bytes>>,
    over: bool,
}

impl Screened {
    /// What is passed on of more bytes, or of the end.
    fn passed(&mut self, data: Option<&[u8]>) -> Result<Bytes, HostError> {
        let broker = &self.broker;
        let failed = |_| HostError::Failed;
        let Some(exits) = broker.exits().map_err(failed)? else { return Err(HostError::Failed) };
        let judge =
            |it: &Finding, text: &[u8]| broker.judge(exits, Exit::Request, &self.but, it, text);
        let passed = match data {
            Some(data) => self.sieve.feed(data, judge),
            None => self.sieve.finish(judge),
        };
        passed.map(Bytes::from).map_err(|_blocked| {
            let code = Code::DataInRequest;
            broker.platform_line(format!("{code}: a request broke off: {}", code.title()));
            HostError::Denied
        })
    }
}

impl HttpBody for Screened {
    type Data = Bytes;
    type Error = HostError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HostError>>> {
        let this = self.get_mut();
        if let Some(late) = this.late.take() {
            return Poll::Ready(Some(Ok(late)));
        }
        while !this.over {
            let next = ready!(Pin::new(&mut this.body).poll_frame(cx));
            let frame = match next.transpose() {
                Err(error) => {
                    this.over = true;
                    return Poll::Ready(Some(Err(error)));
                }
                Ok(frame) => frame,
            };
            let (passed, late) = match frame.map(Frame::into_data) {
                Some(Ok(data)) => (this.passed(Some(&data)), None),
                Some(Err(trailers)) => (this.passed(None), Some(trailers)),
                None => {
                    this.over = true;
                    (this.passed(None), None)
                }
            };
            match passed {
                Err(error) => {
                    this.over = true;
                    return Poll::Ready(Some(Err(error)));
                }
                Ok(bytes) if bytes.is_empty() => {
                    if let Some(late) = late {
                        return Poll::Ready(Some(Ok(late)));
                    }
                }
                Ok(bytes) => {
                    this.late = late;
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.over && self.late.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, held) = (self.body.size_hint(), self.sieve.held() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(held));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}

/// The body of the function's own request. It is passed on as it comes.
struct Observed {
    body: RequestBody,
    sieve: Sieve<Arc<Detector>>,
    broker: Arc<Broker>,
    over: bool,
}

impl Observed {
    fn look(&mut self, data: Option<&[u8]>) {
        let broker = &self.broker;
        let Ok(Some(exits)) = broker.exits() else { return };
        let judge = |it: &Finding, text: &[u8]| broker.judge(exits, Exit::Intake, &[], it, text);
        let _passed_already = match data {
            Some(data) => self.sieve.feed(data, judge),
            None => self.sieve.finish(judge),
        };
    }
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = ports::executor::BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let next = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &next {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.look(Some(data));
                }
                // Whoever knows the length does not ask for the end.
                if this.body.is_end_stream() && !std::mem::replace(&mut this.over, true) {
                    this.look(None);
                }
            }
            _ if !std::mem::replace(&mut this.over, true) => this.look(None),
            _ => {}
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
