//! Covering the values that an invocation used: in replies, in lines, in records.

use super::Broker;
use crate::host::record::{Entry, Place};
use crate::secrets::mask::{Hit, Masker, Stream};
use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use model::{Labels, Secret, SecretName};
use ports::host::HostError;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The secrets that an invocation used, and what of them was found again.
#[derive(Default)]
pub(in crate::host) struct Used {
    masker: Arc<Masker>,
    /// Those that the function read. They are covered in what is written down, and not in what
    /// comes to it.
    read: Arc<Masker>,
    /// Where the record says that a secret was covered, and in how many bytes.
    found: BTreeMap<SecretName, (Place, u64)>,
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

    /// Looks for a value in what is written down from now on.
    pub(super) fn hide(&self, name: &SecretName, value: &Secret<Vec<u8>>) {
        let mut used = self.used.lock();
        if !used.read.knows(name, value) {
            Arc::make_mut(&mut used.read).add(name, value);
        }
    }

    /// A text with every known secret covered, and what was found. `None` if there is nothing.
    fn written(&self, text: &str) -> Option<(String, Vec<Hit>)> {
        let (used, read) = {
            let known = self.used.lock();
            (Arc::clone(&known.masker), Arc::clone(&known.read))
        };
        let mut covered: Option<(Vec<u8>, Vec<Hit>)> = None;
        for masker in [used, read] {
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
    /// was used. `made` is looked for in this reply alone.
    pub(in crate::host) fn cover_head(
        &self,
        head: &mut http::response::Parts,
        made: &[(SecretName, Secret<Vec<u8>>)],
    ) -> Option<Covering> {
        let mut masker = Arc::clone(&self.used.lock().masker);
        for (name, value) in made {
            Arc::make_mut(&mut masker).add(name, value);
        }
        if masker.is_empty() {
            return None;
        }
        self.cover_fields(&masker, &mut head.headers);
        Some(Covering { stream: Stream::new(masker.clone()), masker, late: None })
    }

    fn cover_fields(&self, masker: &Masker, fields: &mut HeaderMap) {
        for value in fields.values_mut() {
            let Some((covered, hits)) = masker.whole(value.as_bytes()) else { continue };
            self.found(hits);
            // Only visible characters were put in.
            if let Ok(covered) = http::HeaderValue::from_bytes(&covered) {
                *value = covered;
            }
        }
    }

    /// Records what was found. One entry for each secret, however often it comes back.
    fn found(&self, hits: Vec<Hit>) {
        for Hit { name, bytes } in hits {
            let known = self.used.lock().found.get(&name).copied();
            let place = match known {
                Some((place, _)) => place,
                None => {
                    let step = self.begin("secret.masked", name.to_string(), b"", Labels::NONE);
                    let text = format!("the secret `{name}` came back and was covered with `*`");
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

/// The body of a reply on its way, with the used secrets covered.
pub(in crate::host) struct Covering {
    stream: Stream,
    masker: Arc<Masker>,
    /// What comes after the bytes that were held back.
    late: Option<Frame<Bytes>>,
}

type Next = Option<Result<Frame<Bytes>, HostError>>;

impl Covering {
    /// What was kept for after the last bytes.
    pub(in crate::host) fn late(&mut self) -> Option<Frame<Bytes>> {
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
    pub(in crate::host) fn pass(&mut self, broker: &Broker, next: Next) -> Option<Next> {
        match next {
            None => Some(self.stream.rest().map(|rest| Ok(Frame::data(rest)))),
            Some(Err(error)) => Some(Some(Err(error))),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    let (passed, hits) = self.stream.push(data);
                    broker.found(hits);
                    (!passed.is_empty()).then(|| Some(Ok(Frame::data(passed))))
                }
                Err(frame) => Some(Some(Ok(self.trailers(broker, frame)))),
            },
        }
    }

    fn trailers(&mut self, broker: &Broker, frame: Frame<Bytes>) -> Frame<Bytes> {
        let frame = match frame.into_trailers() {
            Ok(mut fields) => {
                broker.cover_fields(&self.masker, &mut fields);
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
