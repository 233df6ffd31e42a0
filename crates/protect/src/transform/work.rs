//! A recipe with keys: what is run on each value.

use super::email;
use super::ff1::{Ff1, Way};
use super::general::{self, Grain};
use super::hash::Hash;
use super::mask::mask;
use super::recipe::{Kind, Recipe, Wrong, wrong};
use super::shape::{Part, Shape};
use super::token::Tokens;
use super::{ClassKeys, Error, Mode, Names, card, phone};
use model::{DataClass, TenantName};
use std::borrow::Cow;

/// What `fixed` puts in the place of a value, if nothing else is said.
const REMOVED: &str = "[removed]";

/// A value: a text, or a number or truth value as it is written in JSON.
#[derive(Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// A number, `true` or `false`.
    Literal(Cow<'a, str>),
}

impl Value<'_> {
    /// The text, or the number as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Literal(text) => text,
        }
    }

    /// The same value.
    pub(crate) fn kept(&self) -> Value<'static> {
        match self {
            Self::Text(text) => self::text(text.to_string()),
            Self::Literal(text) => literal(text.to_string()),
        }
    }
}

/// Values are not to be seen.
impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "[text]",
            Self::Literal(_) => "[literal]",
        })
    }
}

/// A transform, ready to be run.
pub struct Work {
    kind: Kind,
    first: usize,
    last: usize,
    tool: Tool,
}

enum Tool {
    Token(Box<Tokens>),
    Shape(Box<Shape>),
    Email(Box<Shape>, bool),
    Hash(Box<Hash>),
    Mask(char),
    Fixed(String),
    Date(Grain),
    Bucket(u64),
}

impl Recipe {
    /// Gives the recipe its keys.
    ///
    /// # Errors
    /// As [`Recipe::check`].
    pub fn bind(
        &self,
        tenant: &TenantName,
        class: &DataClass,
        keys: &ClassKeys,
    ) -> Result<Work, Wrong> {
        self.check()?;
        let mode = self.mode.unwrap_or_default();
        let tenant = keys.bound_to.as_ref().unwrap_or(tenant).clone();
        let names = Names { tenant, class: class.clone(), mode };
        let tool = match self.kind {
            Kind::Token => Tokens::new(names, keys)
                .map(|tokens| Tool::Token(Box::new(tokens)))
                .map_err(|error| wrong("transform", error.to_string()))?,
            Kind::Hash => {
                let form = self.form()?;
                let key = if form.is_some() { &keys.format_hash } else { &keys.hash };
                Tool::Hash(Box::new(Hash::new(names, key.clone(), form)))
            }
            Kind::Mask => {
                Tool::Mask(self.with.as_ref().and_then(|w| w.chars().next()).unwrap_or('*'))
            }
            Kind::Fixed => Tool::Fixed(self.with.clone().unwrap_or_else(|| REMOVED.to_owned())),
            Kind::Month => Tool::Date(Grain::Month),
            Kind::Year => Tool::Date(Grain::Year),
            Kind::Bucket => Tool::Bucket(self.width.unwrap_or(1)),
            Kind::Email => {
                let keep = self.keep_domain.unwrap_or(true);
                let form = if keep { "email" } else { "email-all" };
                Tool::Email(Box::new(self.shape(names, keys, form)?), keep)
            }
            _ => Tool::Shape(Box::new(self.shape(names, keys, self.kind.word())?)),
        };
        let kept = |count: Option<u8>| usize::from(count.unwrap_or(0));
        let (first, last) = (kept(self.keep_first), kept(self.keep_last));
        Ok(Work { kind: self.kind, first, last, tool })
    }

    fn shape(&self, names: Names, keys: &ClassKeys, form: &'static str) -> Result<Shape, Wrong> {
        Ok(Shape { ff1: Ff1::new(&keys.fpe), alphabet: self.enciphers()?, names, form })
    }
}

impl Work {
    /// The transform that this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Transforms one value. An empty text stays: there is nothing to protect.
    ///
    /// A number stays one where the transform can make one; a token, a mask, or a hash in full is
    /// a text. `record` is the id of the value's record, for [`Mode::Isolated`].
    ///
    /// # Errors
    /// [`Error`] says what does not fit; it never quotes the value.
    pub fn run(
        &self,
        way: Way,
        value: &Value<'_>,
        record: Option<&str>,
    ) -> Result<Value<'static>, Error> {
        if matches!(value, Value::Text(text) if text.is_empty()) {
            return Ok(Value::Text(Cow::Borrowed("")));
        }
        if way == Way::Undo && !self.kind.is_reversible() {
            return Err(Error::OneWay(self.kind.word()));
        }
        let part = Part { first: self.first, last: self.last, beside: "", record };
        match (&self.tool, value) {
            (Tool::Token(tokens), value) if way == Way::Protect => {
                tokens.seal(value, record).map(text)
            }
            (Tool::Token(tokens), Value::Text(token)) => tokens.open(token, record),
            (Tool::Shape(shape), Value::Text(value)) => {
                self.shaped(shape, way, value, part).map(text)
            }
            (Tool::Shape(shape), Value::Literal(number)) => {
                self.shaped_number(shape, way, number, part).map(literal)
            }
            (Tool::Email(shape, keep), Value::Text(value)) => {
                email::run(shape, way, value, *keep, part).map(text)
            }
            (Tool::Hash(hash), Value::Literal(number)) if hash.makes_numbers() => {
                hash.number(number, record).map(literal)
            }
            (Tool::Hash(hash), value) => hash.text(value.as_str(), record).map(text),
            (Tool::Mask(with), value) => {
                Ok(text(mask(value.as_str(), self.first, self.last, *with)))
            }
            (Tool::Fixed(with), _) => Ok(text(with.clone())),
            (Tool::Date(grain), Value::Text(value)) => general::date(value, *grain).map(text),
            (Tool::Bucket(width), Value::Text(value)) => general::bucket(value, *width).map(text),
            (Tool::Bucket(width), Value::Literal(number)) => {
                general::bucket(number, *width).map(literal)
            }
            (Tool::Token(_), Value::Literal(_)) => Err(Error::NotToken),
            (Tool::Email(..), Value::Literal(_)) => Err(Error::NotEmail),
            (Tool::Date(_), Value::Literal(_)) => Err(Error::NotDate),
        }
    }

    fn shaped(&self, shape: &Shape, way: Way, text: &str, part: Part<'_>) -> Result<String, Error> {
        if way == Way::Protect && super::is_token(text) {
            return Err(Error::AlreadyToken);
        }
        match self.kind {
            Kind::Card => card::run(shape, way, text, part, false),
            Kind::Phone => phone::run(shape, way, text, part),
            _ => shape.text(way, text, part),
        }
    }

    fn shaped_number(
        &self,
        shape: &Shape,
        way: Way,
        number: &str,
        part: Part<'_>,
    ) -> Result<String, Error> {
        match self.kind {
            Kind::Card => card::run(shape, way, number, part, true),
            Kind::Digits | Kind::Phone => shape.number(way, number, part),
            _ => Err(Error::NotNumber),
        }
    }
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Recipe {
    /// Whether the id of the value's record is mixed in.
    #[must_use]
    pub fn is_isolated(&self) -> bool {
        self.mode == Some(Mode::Isolated)
    }
}

fn text(text: String) -> Value<'static> {
    Value::Text(Cow::Owned(text))
}

fn literal(text: String) -> Value<'static> {
    Value::Literal(Cow::Owned(text))
}

#[cfg(test)]
mod tests;
