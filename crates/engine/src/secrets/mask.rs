//! Finding used secrets and sensitive values where they may not be, and covering them.
//!
//! A value is looked for as it is, and as it is written in base64, in hexadecimal digits, in a URL,
//! in a form and in JSON. What is found is covered with as many `*`, so that lengths stay true.
//!
//! Invariant: a value that is cut by the border of two frames is found, and nothing is held back
//! that cannot become one.
//! Invariant: a text is gone through once, however many values there are and however they look.

mod forms;
mod found;
mod glance;
mod index;
mod spelling;
mod stream;

pub(crate) use forms::percent;
pub(crate) use stream::Stream;

use forms::forms;
use found::Found;
use glance::Glance;
use index::{Index, State};
use model::vault::MASKED_BYTES_MIN;
use model::{DataClass, Secret, SecretName};
use protect::detect::VALUE_BYTES_MIN;
use std::borrow::Borrow;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

/// Most patterns for which a glance is worth it.
const GLANCED_MAX: usize = 512;

/// The values that an invocation used, in all the forms in which they are looked for.
#[derive(Default, Clone)]
pub(crate) struct Masker {
    patterns: Vec<Pattern>,
    /// The texts of all patterns, each of which is there once.
    texts: HashSet<Text>,
    /// The values that were added, and whose they are.
    values: HashSet<(Whose, Text)>,
    /// Made when something is first looked for.
    glance: OnceLock<Arc<Glance>>,
    /// Made when a glance was not enough.
    index: OnceLock<Arc<Index>>,
}

/// Whose value it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Whose {
    /// A secret's.
    Secret(SecretName),
    /// One of a class of data.
    Class(DataClass),
}

impl std::fmt::Display for Whose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(name) => name.fmt(f),
            Self::Class(class) => f.write_str(class.as_str()),
        }
    }
}

impl From<&SecretName> for Whose {
    fn from(name: &SecretName) -> Self {
        Self::Secret(name.clone())
    }
}

#[derive(Clone)]
struct Pattern {
    name: Arc<Whose>,
    text: Text,
}

/// What is looked for. It is kept once, and wiped when nobody looks for it any more.
#[derive(Clone)]
struct Text(Arc<Secret<Vec<u8>>>);

impl Text {
    fn bytes(&self) -> &[u8] {
        self.0.expose()
    }
}

impl From<Secret<Vec<u8>>> for Text {
    fn from(text: Secret<Vec<u8>>) -> Self {
        Self(Arc::new(text))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Text {}

impl std::hash::Hash for Text {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

impl Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        self.bytes()
    }
}

/// Whose value was found, and in how many bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) name: Whose,
    pub(crate) bytes: u64,
}

impl Masker {
    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether this value of this secret is looked for.
    pub(crate) fn knows(&self, name: &SecretName, value: &Secret<Vec<u8>>) -> bool {
        self.values.contains(&(name.into(), value.clone().into()))
    }

    /// Whether this value of a class is looked for.
    pub(crate) fn knows_value(&self, class: &DataClass, value: &str) -> bool {
        let value = Secret::new(value.as_bytes().to_vec());
        self.values.contains(&(Whose::Class(class.clone()), value.into()))
    }

    /// Looks for another value from now on.
    pub(crate) fn add(&mut self, name: &SecretName, value: &Secret<Vec<u8>>) {
        let name = Whose::from(name);
        if self.values.insert((name.clone(), value.clone().into())) {
            self.put(&Arc::new(name), forms(value.expose(), MASKED_BYTES_MIN));
        }
    }

    /// Looks for a value of a class from now on, in all its spellings. What is so short that it
    /// stands anywhere by chance is not looked for.
    pub(crate) fn add_value(&mut self, class: &DataClass, value: &str) {
        let name = Whose::Class(class.clone());
        let known = Secret::new(value.as_bytes().to_vec());
        if !self.values.insert((name.clone(), known.into())) {
            return;
        }
        let name = Arc::new(name);
        for spelling in spelling::of(value) {
            if spelling.expose().len() >= VALUE_BYTES_MIN {
                self.put(&name, forms(spelling.expose(), VALUE_BYTES_MIN));
            }
        }
    }

    /// Looks for what another one looks for, too.
    pub(crate) fn join(&mut self, other: &Self) {
        if self.patterns.is_empty() {
            self.clone_from(other);
            return;
        }
        self.forget();
        self.values.extend(other.values.iter().cloned());
        for pattern in &other.patterns {
            if self.texts.insert(pattern.text.clone()) {
                self.patterns.push(pattern.clone());
            }
        }
    }

    /// The values of classes alone, without those that `but` names. If that is all of them, nothing
    /// is made anew.
    pub(crate) fn without(self: &Arc<Self>, but: &[DataClass]) -> Arc<Self> {
        let stays = |name: &Whose| match name {
            Whose::Class(class) => !but.contains(class),
            Whose::Secret(_) => false,
        };
        if self.patterns.iter().all(|it| stays(&it.name)) {
            return Arc::clone(self);
        }
        let patterns: Vec<Pattern> =
            self.patterns.iter().filter(|it| stays(&it.name)).cloned().collect();
        Arc::new(Self {
            texts: patterns.iter().map(|it| it.text.clone()).collect(),
            patterns,
            values: self.values.iter().filter(|(name, _)| stays(name)).cloned().collect(),
            glance: OnceLock::new(),
            index: OnceLock::new(),
        })
    }

    /// Whether these are all the values that are looked for.
    pub(crate) fn has_just<'v>(
        &self,
        values: impl Iterator<Item = (&'v DataClass, &'v str)>,
    ) -> bool {
        let values: HashSet<(&DataClass, &str)> = values.collect();
        values.len() == self.values.len()
            && values.iter().all(|(class, value)| self.knows_value(class, value))
    }

    /// There are other values: what was made of them is no more.
    fn forget(&mut self) {
        self.glance.take();
        self.index.take();
    }

    fn put(&mut self, name: &Arc<Whose>, forms: Vec<Secret<Vec<u8>>>) {
        self.forget();
        for text in forms.into_iter().map(Text::from) {
            if self.texts.insert(text.clone()) {
                self.patterns.push(Pattern { name: Arc::clone(name), text });
            }
        }
    }

    /// Covers what is found in a whole text. `None` if there is nothing.
    pub(crate) fn whole(&self, text: &[u8]) -> Option<(Vec<u8>, Vec<Hit>)> {
        if !self.may_hold(text) {
            return None;
        }
        let mut found = Found::default();
        self.scan(&mut State::default(), text, 0, &mut found);
        (!found.is_empty()).then(|| (found.covered(text), found.take_hits()))
    }

    /// Goes through more of a text, of which `before` bytes are known already.
    fn scan(&self, state: &mut State, text: &[u8], before: usize, found: &mut Found) {
        if self.patterns.is_empty() {
            return;
        }
        let index = self.index();
        for (end, byte) in (before + 1..).zip(text) {
            *state = index.next(*state, *byte);
            let ending = index.ending(*state).and_then(|which| self.patterns.get(which));
            if let Some(Pattern { name, text }) = ending {
                found.add(name, end.saturating_sub(text.bytes().len())..end);
            }
        }
    }

    /// Whether a text may hold a value. Most hold none, and then no more is to be done.
    fn may_hold(&self, text: &[u8]) -> bool {
        match self.patterns.len() {
            0 => false,
            1..=GLANCED_MAX => self.glance().may_hold(text, &self.texts()),
            _ => true,
        }
    }

    /// How many of the last bytes of a text that holds no value could be the beginning of one.
    fn begun(&self, text: &[u8]) -> usize {
        if self.patterns.is_empty() { 0 } else { self.glance().begun(text, &self.texts()) }
    }

    fn texts(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.patterns.iter().map(|it| it.text.bytes())
    }

    fn glance(&self) -> &Glance {
        self.glance.get_or_init(|| Arc::new(Glance::of(self.texts())))
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Arc::new(Index::of(self.texts())))
    }

    /// How many of the last bytes could be the beginning of a pattern.
    fn open(&self, state: State) -> usize {
        if self.patterns.is_empty() { 0 } else { self.index().open(state) }
    }
}

#[cfg(test)]
mod tests;
