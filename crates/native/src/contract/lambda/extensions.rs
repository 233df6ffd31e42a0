//! Extensions: processes beside the runtime that are told of invocations and of the end.

use super::words::Wrong;
use serde_json::Value;
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// Most extensions of one process.
pub(super) const EXTENSIONS_MAX: usize = 10;
/// Events that one has not taken yet; older ones go.
const PENDING_MAX: usize = 64;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// Those that registered, and those that must.
#[derive(Default)]
pub(super) struct Extensions {
    expected: Vec<String>,
    all: Vec<Extension>,
}

/// What an extension wants to be told of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wants {
    pub(super) invoke: bool,
    pub(super) shutdown: bool,
}

struct Extension {
    name: String,
    wants: Wants,
    /// Whether it ever asked for an event.
    came: bool,
    /// Whether it said that it ends.
    gone: bool,
    pending: VecDeque<Value>,
    waiting: Option<oneshot::Sender<Value>>,
}

impl Extensions {
    pub(super) const fn new(expected: Vec<String>) -> Self {
        Self { expected, all: Vec::new() }
    }

    /// Takes one in, and says its id.
    pub(super) fn register(&mut self, name: &str, wants: Wants) -> Result<String, Wrong> {
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            let kind = "Extension.InvalidExtensionName";
            return Err(Wrong::extension(kind, "Empty extension name"));
        }
        if self.all.iter().any(|known| known.name == name) {
            let kind = "Extension.InvalidExtensionState";
            return Err(Wrong::extension(kind, "Extension with this name already registered"));
        }
        if self.all.len() >= EXTENSIONS_MAX {
            let message = format!("Extension limit ({EXTENSIONS_MAX}) reached");
            return Err(Wrong::extension("Extension.TooManyExtensions", message));
        }
        self.all.push(Extension {
            name: name.to_owned(),
            wants,
            came: false,
            gone: false,
            pending: VecDeque::new(),
            waiting: None,
        });
        Ok(id(self.all.len() - 1))
    }

    /// An extension asks for its next event.
    pub(super) fn next(&mut self, id: &str) -> Result<oneshot::Receiver<Value>, Wrong> {
        let one = self.known(id)?;
        if one.gone {
            return Err(Wrong::extension_state("Exited", "Ready", id));
        }
        one.came = true;
        let (sender, receiver) = oneshot::channel();
        one.waiting = Some(sender);
        one.pass();
        Ok(receiver)
    }

    /// An extension says that it ends.
    pub(super) fn left(&mut self, id: &str) -> Result<String, Wrong> {
        let one = self.known(id)?;
        if one.gone {
            return Err(Wrong::extension_state("Exited", "ExitError", id));
        }
        one.gone = true;
        one.waiting = None;
        one.pending.clear();
        Ok(one.name.clone())
    }

    /// Whether somebody has this id.
    pub(super) fn known_id(&mut self, id: &str) -> Result<(), Wrong> {
        self.known(id).map(drop)
    }

    fn known(&mut self, id: &str) -> Result<&mut Extension, Wrong> {
        if id.is_empty() {
            let kind = "Extension.MissingExtensionIdentifier";
            return Err(Wrong::extension(kind, "Missing Lambda-Extension-Identifier header"));
        }
        let at = index(id).ok_or_else(|| {
            let kind = "Extension.InvalidExtensionIdentifier";
            Wrong::extension(kind, "Invalid Lambda-Extension-Identifier")
        })?;
        self.all.get_mut(at).ok_or_else(|| {
            let kind = "Extension.UnknownExtensionIdentifier";
            Wrong::extension(kind, format!("Unknown extension {id}"))
        })
    }

    /// Tells those of an event that asked for its kind, and says how many those are.
    pub(super) fn tell(&mut self, event: &Value, wanted: impl Fn(Wants) -> bool) -> usize {
        let mut told = 0;
        for one in self.all.iter_mut().filter(|one| !one.gone && wanted(one.wants)) {
            if one.pending.len() >= PENDING_MAX {
                one.pending.pop_front();
            }
            one.pending.push_back(event.clone());
            one.pass();
            told += 1;
        }
        told
    }

    /// Whether all that must be there have registered.
    pub(super) fn complete(&self) -> bool {
        self.expected.iter().all(|name| self.all.iter().any(|one| one.name == *name))
    }

    /// Whether all that must be there are, and each has asked for an event.
    pub(super) fn ready(&self) -> bool {
        self.complete() && self.all.iter().all(|one| one.came || one.gone)
    }

    /// Whether each waits for its next event.
    pub(super) fn idle(&self) -> bool {
        self.all
            .iter()
            .all(|one| one.gone || one.waiting.as_ref().is_some_and(|waiting| !waiting.is_closed()))
    }
}

impl Extension {
    /// Gives it what it waits for, if there is something.
    fn pass(&mut self) {
        let Some(event) = self.pending.pop_front() else { return };
        let Some(waiting) = self.waiting.take() else { return self.pending.push_front(event) };
        if let Err(event) = waiting.send(event) {
            self.pending.push_front(event);
        }
    }
}

/// An id in the form of a UUID. It is known to one jail alone, so nobody has to guess it.
fn id(index: usize) -> String {
    format!("00000000-0000-4000-8000-{index:012x}")
}

/// The index in an id. None if it is no UUID; one that is not ours is beyond all that are.
fn index(id: &str) -> Option<usize> {
    let shape = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    if id.len() != 36 || !id.bytes().enumerate().all(shape) {
        return None;
    }
    let ours = id.strip_prefix("00000000-0000-4000-8000-");
    Some(ours.and_then(|rest| usize::from_str_radix(rest, 16).ok()).unwrap_or(usize::MAX))
}
