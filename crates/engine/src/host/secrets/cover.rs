//! Covering the values that an invocation used: in replies, in lines, in records.

use super::Broker;
use crate::host::record::{Entry, Place};
use crate::secrets::mask::{Hit, Masker, Stream, Whose};
use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use model::{Labels, Secret, SecretName};
use ports::host::HostError;
use protect::contract::Swap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The secrets that an invocation used, and what of them was found again.
#[derive(Default)]
pub(in crate::host) struct Used {
    masker: Arc<Masker>,
    /// Those that the function read. They are covered in what is written down, and not in what
    /// comes to it.
    read: Arc<Masker>,
    /// The sensitive values that it is known to have to do with, which are covered in what is
    /// written down.
    data: Arc<Masker>,
    /// Those that came as they are, with this request or one further up: they may not leave.
    clear: Arc<Masker>,
    /// Those that came as they are with this very request: they are covered in its reply.
    own: Arc<Masker>,
    /// Those that were put into requests, by where these went.
    revealed: BTreeMap<String, Arc<Masker>>,
    /// The classes of which it is recorded that a value came by itself.
    seen: BTreeSet<Whose>,
    /// Where the record says that a value was covered, and in how many bytes.
    found: BTreeMap<Whose, (Place, u64)>,
}

impl Used {
    pub(super) fn add(&mut self, name: &SecretName, value: &Secret<Vec<u8>>) {
        if !self.masker.knows(name, value) {
            Arc::make_mut(&mut self.masker).add(name, value);
        }
    }
}

impl Broker {
    /// Looks for another value in everything that comes back from now on.
    pub(super) fn cover(&self, name: &SecretName, value: &Secret<Vec<u8>>) {
        self.used.lock().add(name, value);
    }

    /// Looks for sensitive values in everything that is written down.
    pub(in crate::host) fn cover_values(&self, swaps: &[Arc<Swap>]) {
        add(&mut self.used.lock().data, swaps);
    }

    /// Looks for values that came as they are: in what leaves, and in the reply if they came with
    /// this very request. Nothing else is looked for there: what became of a request would tell
    /// the function which of its guesses at a value was right, and a reply would tell its caller.
    pub(in crate::host) fn hold_back(&self, came: &[Arc<Swap>], above: &[Arc<Swap>]) {
        let mut used = self.used.lock();
        let values = came.iter().map(|swap| (&swap.class, swap.plain()));
        // Most often they are all that is known, and what looks for them is made once.
        if used.clear.is_empty() && above.is_empty() && used.data.has_just(values) {
            let known = Arc::clone(&used.data);
            (used.clear, used.own) = (Arc::clone(&known), known);
            return;
        }
        add(&mut used.clear, came);
        add(&mut used.clear, above);
        add(&mut used.own, came);
    }

    /// Looks for values in what comes back from where they were sent.
    pub(in crate::host) fn cover_from(&self, place: String, swaps: &[Arc<Swap>]) {
        if !swaps.is_empty() {
            add(self.used.lock().revealed.entry(place).or_default(), swaps);
        }
    }

    /// The sensitive values that came as they are.
    pub(in crate::host) fn clear_values(&self) -> Arc<Masker> {
        Arc::clone(&self.used.lock().clear)
    }

    /// The sensitive values that came as they are with this very request.
    pub(in crate::host) fn own_values(&self) -> Arc<Masker> {
        Arc::clone(&self.used.lock().own)
    }

    /// Looks for a value in what is written down from now on.
    pub(super) fn hide(&self, name: &SecretName, value: &Secret<Vec<u8>>) {
        let mut used = self.used.lock();
        if !used.read.knows(name, value) {
            Arc::make_mut(&mut used.read).add(name, value);
        }
    }

    /// A text with every known secret covered, and what was found. `None` if there is nothing.
    fn written(&self, text: &str) -> Option<(String, Vec<Hit>)> {
        let all = {
            let known = self.used.lock();
            [&known.masker, &known.read, &known.data].map(Arc::clone)
        };
        let mut covered: Option<(Vec<u8>, Vec<Hit>)> = None;
        for masker in all {
            let now = covered.as_ref().map_or(text.as_bytes(), |(text, _)| text);
            if let Some((text, hits)) = masker.whole(now) {
                let before = covered.take().map(|(_, hits)| hits).unwrap_or_default();
                covered = Some((text, before.into_iter().chain(hits).collect()));
            }
        }
        covered.map(|(text, hits)| (String::from_utf8_lossy(&text).into_owned(), hits))
    }

    /// A text with the used secrets covered.
    pub(crate) fn masked_text(&self, text: String) -> String {
        self.written(&text).map_or(text, |(covered, _)| covered)
    }

    /// A line of the guest's with the used secrets covered, which is recorded.
    pub(in crate::host) fn covered_line(&self, text: String) -> String {
        match self.written(&text) {
            Some((covered, hits)) => {
                self.found(hits);
                covered
            }
            None => text,
        }
    }

    /// Covers the fields of a reply. What comes after them has to be covered too, if any secret
    /// was used. `made` is looked for in this reply alone, and sensitive values only if they were
    /// sent to `place`: other ones are passed on and recorded.
    pub(in crate::host) fn cover_head(
        &self,
        head: &mut http::response::Parts,
        made: &[(SecretName, Secret<Vec<u8>>)],
        place: Option<&str>,
    ) -> Option<Covering> {
        let (mut masker, revealed, data) = {
            let used = self.used.lock();
            let revealed = place.and_then(|place| used.revealed.get(place)).map(Arc::clone);
            (Arc::clone(&used.masker), revealed, Arc::clone(&used.data))
        };
        for (name, value) in made {
            Arc::make_mut(&mut masker).add(name, value);
        }
        if let Some(revealed) = revealed {
            Arc::make_mut(&mut masker).join(&revealed);
        }
        if masker.is_empty() && data.is_empty() {
            return None;
        }
        self.cover_fields(&masker, &mut head.headers);
        for value in head.headers.values() {
            self.seen(data.whole(value.as_bytes()).map(|(_, hits)| hits).unwrap_or_default());
        }
        Some(self.covering(masker))
    }

    /// Covers what a masker finds, and records what else is known and passes.
    pub(in crate::host) fn covering(&self, masker: Arc<Masker>) -> Covering {
        let data = Arc::clone(&self.used.lock().data);
        let seen = (!data.is_empty()).then(|| Stream::new(data));
        Covering { seen, ..Covering::of(masker) }
    }

    /// Whether values were sent to a place.
    pub(in crate::host) fn has_revealed(&self, place: &str) -> bool {
        self.used.lock().revealed.contains_key(place)
    }

    /// Records that values came by themselves, from somebody to whom no contract sent them. They
    /// are not covered: that would say which of many they are. One entry for each class.
    fn seen(&self, hits: Vec<Hit>) {
        for Hit { name, .. } in hits {
            if self.used.lock().seen.insert(name.clone()) {
                let step = self.begin("data.seen", name.to_string(), b"", Labels::NONE);
                self.enter(&step, &Entry::done(0));
            }
        }
    }

    /// Covers what is found in header fields, and says whether anything was.
    pub(in crate::host) fn cover_fields(&self, masker: &Masker, fields: &mut HeaderMap) -> bool {
        let mut any = false;
        for value in fields.values_mut() {
            let Some((covered, hits)) = masker.whole(value.as_bytes()) else { continue };
            self.found(hits);
            any = true;
            // Only visible characters were put in.
            if let Ok(covered) = http::HeaderValue::from_bytes(&covered) {
                *value = covered;
            }
        }
        any
    }

    /// Records what was found. One entry for each secret, however often it comes back.
    fn found(&self, hits: Vec<Hit>) {
        for Hit { name, bytes } in hits {
            let known = self.used.lock().found.get(&name).copied();
            let place = match known {
                Some((place, _)) => place,
                None => {
                    let (operation, what) = match &name {
                        Whose::Secret(_) => ("secret.masked", "the secret"),
                        Whose::Class(_) => ("data.masked", "a value of the class"),
                    };
                    let step = self.begin(operation, name.to_string(), b"", Labels::NONE);
                    let text = format!("{what} `{name}` came back and was covered with `*`");
                    self.platform_line(text);
                    self.enter(&step, &Entry::done(0))
                }
            };
            let all = known.map_or(0, |(_, before)| before).saturating_add(bytes);
            self.used.lock().found.insert(name, (place, all));
            self.amend(place, |call| call.bytes = all);
        }
    }

    /// Looks for placeholders in what the guest sends, if it has any.
    pub(in crate::host) fn watch(&self) -> Option<Watch> {
        (!self.function.secrets.is_empty()).then(|| Watch { tail: Vec::new() })
    }
}

/// Adds values to those that are looked for.
fn add(masker: &mut Arc<Masker>, swaps: &[Arc<Swap>]) {
    let known = |swap: &&Arc<Swap>| masker.knows_value(&swap.class, swap.plain());
    let new: Vec<&Arc<Swap>> = swaps.iter().filter(|it| !known(it)).collect();
    if new.is_empty() {
        return;
    }
    let masker = Arc::make_mut(masker);
    for swap in new {
        masker.add_value(&swap.class, swap.plain());
    }
}

/// The body of a reply on its way, with the used secrets covered.
pub(crate) struct Covering {
    stream: Stream,
    masker: Arc<Masker>,
    /// Looks for what is recorded and passed on.
    seen: Option<Stream>,
    /// What comes after the bytes that were held back.
    late: Option<Frame<Bytes>>,
    /// Whether anything was found.
    hit: bool,
}

/// The next frame, the end, or an error.
type Next<E> = Option<Result<Frame<Bytes>, E>>;

impl Covering {
    /// Covers what a masker finds.
    fn of(masker: Arc<Masker>) -> Self {
        let stream = Stream::new(Arc::clone(&masker));
        Self { stream, masker, seen: None, late: None, hit: false }
    }

    /// Whether anything was found.
    pub(crate) fn hit(&self) -> bool {
        self.hit
    }

    /// What was kept for after the last bytes.
    pub(crate) fn late(&mut self) -> Option<Frame<Bytes>> {
        self.late.take()
    }

    pub(in crate::host) fn is_empty(&self) -> bool {
        self.late.is_none() && self.stream.held() == 0
    }

    /// Bytes that are held back.
    pub(in crate::host) fn held(&self) -> u64 {
        self.stream.held() as u64
    }

    /// What is passed on for what came. `None`: nothing yet, and more is to be read.
    pub(crate) fn pass<E>(&mut self, broker: &Broker, next: Next<E>) -> Option<Next<E>> {
        match next {
            None => Some(self.stream.rest().map(|rest| Ok(Frame::data(rest)))),
            Some(Err(error)) => Some(Some(Err(error))),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    let (passed, hits) = self.stream.push(data);
                    self.hit |= !hits.is_empty();
                    broker.found(hits);
                    if let Some(seen) = &mut self.seen {
                        broker.seen(seen.push(passed.clone()).1);
                    }
                    (!passed.is_empty()).then(|| Some(Ok(Frame::data(passed))))
                }
                Err(frame) => Some(Some(Ok(self.trailers(broker, frame)))),
            },
        }
    }

    fn trailers(&mut self, broker: &Broker, frame: Frame<Bytes>) -> Frame<Bytes> {
        let frame = match frame.into_trailers() {
            Ok(mut fields) => {
                self.hit |= broker.cover_fields(&self.masker, &mut fields);
                Frame::trailers(fields)
            }
            Err(frame) => frame,
        };
        match self.stream.rest() {
            Some(rest) => {
                self.late = Some(frame);
                Frame::data(rest)
            }
            None => frame,
        }
    }
}

/// Looks for placeholders in a body that goes out, also across the borders of its frames.
pub(in crate::host) struct Watch {
    tail: Vec<u8>,
}

impl Watch {
    /// Lets a frame pass, or says that the body must end here.
    pub(in crate::host) fn pass(&mut self, broker: &Broker, data: &[u8]) -> Result<(), HostError> {
        self.tail.extend_from_slice(data);
        let mut longest = 0;
        for using in broker.function.secrets.iter() {
            let needle = using.placeholder.as_bytes();
            longest = longest.max(needle.len());
            if memchr::memmem::find(&self.tail, needle).is_some() {
                return Err(broker.misplaced(using));
            }
        }
        let cut = self.tail.len().saturating_sub(longest.saturating_sub(1));
        self.tail.drain(..cut);
        Ok(())
    }
}
