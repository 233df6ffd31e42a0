//! The reply of a function on its way out: exact values are covered, what detectors find is counted,
//! covered or refused, and values come back for callers who may see them.

use super::super::Broker;
use super::super::record::Entry;
use super::super::secrets::Covering;
use super::screen::{Exit, Verdict};
use super::{Kind, put_headers};
use crate::content::{self, unreadable};
use crate::data::{OF_THE_OLD_BODY, Reveal, Told};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, ETAG};
use http::response::Parts;
use http_body::Frame;
use model::Code;
use model::grant::REPLY;
use ports::host::HostError;
use ports::outbound::Failure;
use protect::contract::Tally;
use protect::detect::{Action, Detector, Finding, Sieve};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The reply of a function on its way out.
pub(crate) struct Outward {
    cover: Covering,
    /// What is looked for beside values that are known.
    sieve: Option<Sieve<Arc<Detector>>>,
    /// Whether what is looked for is held back until it is decided.
    enforces: bool,
    broker: Arc<Broker>,
    /// What comes after the bytes that were held back.
    late: Option<Frame<Bytes>>,
    /// Whether values come back in its body, so that all of it is needed.
    reveals: bool,
    /// Whether the body has ended.
    pub(crate) over: bool,
    /// Whether anything was covered.
    pub(crate) masked: Arc<AtomicBool>,
}

/// What the reply holds may not leave, or cannot be looked through.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) code: Code,
    pub(crate) why: String,
}

/// The next frame, the end, or an error.
type Next<E> = Option<Result<Frame<Bytes>, E>>;

impl Outward {
    /// Whether all of the reply is needed before anything of it is sent.
    pub(crate) fn is_whole(&self) -> bool {
        self.reveals
    }

    /// What was kept for after the last bytes.
    pub(crate) fn late(&mut self) -> Option<Result<Frame<Bytes>, Kept>> {
        if let Some(late) = self.late.take() {
            return Some(Ok(late));
        }
        let trailers = self.cover.late()?;
        Some(
            self.end(Some(trailers))
                .map(|frame| frame.unwrap_or_else(|| Frame::data(Bytes::new()))),
        )
    }

    /// What is passed on for what came. `None`: nothing yet, and more is to be read.
    pub(crate) fn pass<E>(&mut self, next: Next<E>) -> Result<Option<Next<E>>, Kept> {
        self.over = !matches!(next, Some(Ok(_)));
        let passed = self.cover.pass(&self.broker, next);
        if self.cover.hit() {
            self.masked.store(true, Relaxed);
        }
        let Some(next) = passed else { return Ok(None) };
        if self.sieve.is_none() {
            return Ok(Some(next));
        }
        Ok(match next {
            Some(Err(error)) => Some(Some(Err(error))),
            None => Some(self.end(None)?.map(Ok)),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    let passed = self.looked_through(Some(&data))?;
                    let passed = if self.enforces { passed } else { data };
                    // What was held back at the end of the bytes has its end later.
                    let passed = match self.over {
                        true => self.with_rest(passed)?,
                        false => passed,
                    };
                    (!passed.is_empty()).then(|| Some(Ok(Frame::data(passed))))
                }
                Err(trailers) => self.end(Some(trailers))?.map(|frame| Some(Ok(frame))),
            },
        })
    }

    /// The end of the bytes, and perhaps trailers: what was held back, and then these.
    fn end(&mut self, trailers: Option<Frame<Bytes>>) -> Result<Option<Frame<Bytes>>, Kept> {
        let rest = self.looked_through(None)?;
        let trailers = match trailers.map(Frame::into_trailers) {
            Some(Ok(mut fields)) => {
                self.fields(&mut fields)?;
                Some(Frame::trailers(fields))
            }
            Some(Err(frame)) => Some(frame),
            None => None,
        };
        if rest.is_empty() || !self.enforces {
            return Ok(trailers);
        }
        self.late = trailers;
        Ok(Some(Frame::data(rest)))
    }

    fn with_rest(&mut self, data: Bytes) -> Result<Bytes, Kept> {
        let rest = self.looked_through(None)?;
        if rest.is_empty() || !self.enforces {
            return Ok(data);
        }
        let mut both = BytesMut::from(data);
        both.extend_from_slice(&rest);
        Ok(both.freeze())
    }

    /// What is decided of more bytes, or of all.
    fn looked_through(&mut self, data: Option<&[u8]>) -> Result<Bytes, Kept> {
        let Self { sieve: Some(sieve), broker, masked, .. } = self else {
            return Ok(Bytes::new());
        };
        let Ok(Some(exits)) = broker.exits() else { return Err(held()) };
        let any = Cell::new(false);
        let judge = |finding: &Finding, text: &[u8]| {
            let action = broker.judge(exits, Exit::Reply, &[], finding, text);
            any.set(any.get() || action == Action::Mask);
            action
        };
        let passed = match data {
            Some(data) => sieve.feed(data, judge),
            None => sieve.finish(judge),
        };
        if any.get() {
            masked.store(true, Relaxed);
        }
        passed.map(Bytes::from).map_err(|_| held())
    }

    fn fields(&self, fields: &mut HeaderMap) -> Result<(), Kept> {
        let Ok(Some(exits)) = self.broker.exits() else { return Err(held()) };
        match self.broker.screen_fields(exits, Exit::Reply, &[], fields) {
            Verdict::Fine => Ok(()),
            Verdict::Masked => {
                self.masked.store(true, Relaxed);
                Ok(())
            }
            Verdict::Blocked => Err(held()),
        }
    }

    /// What has values come back in the whole body of a reply.
    pub(crate) fn revealer(&self) -> Revealer {
        Revealer(Arc::clone(&self.broker))
    }
}

/// Has values come back in the whole body of a reply.
pub(crate) struct Revealer(Arc<Broker>);

impl Revealer {
    /// The body with the values.
    pub(crate) async fn revealed(&self, head: &Parts, body: Bytes) -> Bytes {
        let (broker, mut body) = (&self.0, body);
        for reveal in broker.reveals_in_reply() {
            if !Kind::of(&head.headers).is_in(reveal.has) {
                continue;
            }
            if !broker.may_reveal_in_reply(reveal) {
                continue;
            }
            let made = broker.in_body(reveal, &body).await;
            let made = broker.revealed_in_reply(reveal, made);
            if let Some(made) = made {
                body = Bytes::from(made);
            }
        }
        body
    }
}

fn held() -> Kept {
    let code = Code::DataInReply;
    Kept { code, why: code.title().to_owned() }
}

impl Broker {
    /// Covers the head of the function's reply, and what is to be covered after it. `None` if there
    /// is nothing that could be. `has_body` says whether one may follow.
    pub(crate) fn outward(
        self: &Arc<Self>,
        head: &mut Parts,
        has_body: bool,
    ) -> Result<Option<Outward>, Kept> {
        let exits = self.exits();
        let exits = exits.map_err(|it| Kept { code: it.code, why: it.to_string() })?;
        if exits.is_none() && !self.has_data() {
            return Ok(None);
        }
        let values = self.own_values();
        let masked = self.cover_fields(&values, &mut head.headers);
        let cover = self.covering(values);
        let enforces = exits.is_some_and(|exits| exits.enforces);
        match unreadable(&head.headers).filter(|_| has_body) {
            Some(why) if enforces => {
                let code = Code::DataUnseen;
                return Err(Kept { code, why: format!("the reply: {why}") });
            }
            Some(why) if exits.is_some() || content::is_coded(&head.headers) => {
                self.unseen("the reply", why);
            }
            _ => {}
        }
        let labels = self.labels();
        if self.depth > 0 && !labels.is_empty() {
            head.extensions.insert(Told(labels));
        }
        let mut outward = Outward {
            cover,
            sieve: exits.map(crate::data::Exits::sieve),
            enforces,
            broker: Arc::clone(self),
            late: None,
            reveals: false,
            over: false,
            masked: Arc::new(AtomicBool::new(masked)),
        };
        if outward.sieve.is_some() {
            outward.fields(&mut head.headers)?;
        }
        for reveal in self.reveals_in_reply() {
            outward.reveals |= has_body && Kind::of(&head.headers).is_in(reveal.has);
            if reveal.has.headers {
                self.reveal_in_fields(reveal, &mut head.headers);
            }
        }
        if outward.reveals {
            for name in OF_THE_OLD_BODY.into_iter().chain([CONTENT_LENGTH, ETAG]) {
                head.headers.remove(name);
            }
        }
        Ok(Some(outward))
    }

    /// The reveals in replies whose claims the caller's token makes.
    fn reveals_in_reply(&self) -> impl Iterator<Item = &Reveal> {
        let data = self.engine.data_of(&self.function);
        let ready = data.and_then(|it| it.ready(&self.engine, self.function.reference()).ok());
        let all = ready.into_iter().flat_map(|ready| ready.reveals.iter());
        all.filter(|it| {
            it.reply.as_ref().is_some_and(|it| it.missing(self.claims(), None).is_none())
        })
    }

    fn reveal_in_fields(&self, reveal: &Reveal, fields: &mut HeaderMap) {
        if !self.may_reveal_in_reply(reveal) {
            return;
        }
        let mut tally = self.tally();
        let named: Vec<(&str, &[u8])> =
            fields.iter().map(|(name, it)| (name.as_str(), it.as_bytes())).collect();
        let made = reveal.bound.headers(&named, None, &mut tally);
        let made = made.map_err(|fault| fault.problem().to_string()).and_then(|made| {
            // The head of a reply waits for nothing.
            let waits = tally.wants().is_some();
            let why = "values that can be erased come back in bodies, and not in header fields";
            if waits { Err(why.to_owned()) } else { Ok((made, tally)) }
        });
        if let Some(made) = self.revealed_in_reply(reveal, made)
            && put_headers(fields, made).is_none()
        {
            self.platform_line("data.reveal failed: a value does not fit into a header".to_owned());
        }
    }

    /// The body of a reply with the values in it, with the salts of those that can be erased.
    async fn in_body(&self, reveal: &Reveal, body: &[u8]) -> Result<(Vec<u8>, Tally), String> {
        let put = |tally: &mut Tally| {
            reveal.bound.json(body, None, tally).map_err(|fault| fault.problem().to_string())
        };
        let mut tally = self.tally();
        let made = put(&mut tally)?;
        let Some(wants) = tally.wants() else { return Ok((made, tally)) };
        let mut tally = self.tally().with_salts(self.salts(wants).await?);
        let made = put(&mut tally)?;
        Ok((made, tally))
    }

    /// Decides on one reveal in the reply. Where it may not be, the reply stays as it is: it holds
    /// what stands for the values.
    fn may_reveal_in_reply(&self, reveal: &Reveal) -> bool {
        match self.function.policies.decide_data(self.ask(reveal, REPLY)) {
            Ok(_permit) => true,
            Err(denial) => {
                self.denied(&self.reveal_step(reveal, REPLY, None), &denial);
                false
            }
        }
    }

    /// Records what came back. Where it could not be done, the reply stays as it is.
    fn revealed_in_reply<T>(&self, reveal: &Reveal, made: Result<(T, Tally), String>) -> Option<T> {
        match made {
            Ok((made, tally)) => {
                let values = tally.total();
                if values > 0 {
                    let step = self.reveal_step(reveal, REPLY, Some(values));
                    self.learn(&tally.into_swaps());
                    self.enter(&step, &Entry::done(0));
                }
                Some(made)
            }
            Err(why) => {
                let step = self.reveal_step(reveal, REPLY, None);
                self.failed(&step, HostError::Upstream(Failure::Request), &why);
                None
            }
        }
    }
}
