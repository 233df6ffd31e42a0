//! Values that are protected already, and values that come back on their way out.

use super::Tally;
use super::bound::Bond;
use super::erasable::Whose;
use crate::transform::{Error, Kind, Value, Way, Work, is_token};
use model::{DataClass, Secret};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A value, and what stands for it.
#[derive(Debug)]
pub struct Swap {
    /// What the value is.
    pub class: DataClass,
    /// What was done with it.
    pub transform: Kind,
    pub(super) plain: Secret<String>,
    pub(super) is_literal: bool,
    pub(super) was_protected: bool,
    pub(super) made: Box<str>,
}

impl Swap {
    /// The value.
    #[must_use]
    pub fn plain(&self) -> &str {
        self.plain.expose()
    }

    /// Whether it came as what stands for it, so that whoever sent it need not have the value.
    #[must_use]
    pub const fn was_protected(&self) -> bool {
        self.was_protected
    }

    /// What stands for it.
    #[must_use]
    pub fn made(&self) -> &str {
        &self.made
    }

    fn parts(&self) -> (&DataClass, Kind, &str, bool, &str) {
        (&self.class, self.transform, self.plain(), self.is_literal, &self.made)
    }

    fn value(&self) -> Value<'static> {
        let text = self.plain().to_owned().into();
        if self.is_literal { Value::Literal(text) } else { Value::Text(text) }
    }
}

impl PartialEq for Swap {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Swap {}

impl Hash for Swap {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl Bond {
    /// Protects a value, unless it is protected. One that has to wait for a salt stays as it is.
    pub(super) fn ingest(
        &self,
        value: &Value<'_>,
        whose: Whose<'_>,
        tally: &mut Tally,
    ) -> Result<Value<'static>, Error> {
        if tally.stands(&self.class, value.as_str()) {
            return Ok(value.kept());
        }
        let tool = self.tool(value, whose.subject, tally)?;
        let Some(work) = tool.work(&self.work) else { return Ok(value.kept()) };
        let token = matches!(value, Value::Text(text) if is_token(text));
        if token && self.work.kind() == Kind::Token {
            let plain = self.opened(work, value, whose.record)?;
            tally.keep(|| self.swap(&plain, value, true))?;
            return Ok(value.kept());
        }
        let made = work.run(Way::Protect, value, whose.record)?;
        tally.keep(|| self.swap(value, &made, false))?;
        Ok(made)
    }

    /// The value of a token, or what a known text stands for; nothing for all else, such as what
    /// has no way back, or has to wait for a salt.
    pub(super) fn reveal(
        &self,
        value: &Value<'_>,
        whose: Whose<'_>,
        tally: &mut Tally,
    ) -> Result<Option<Value<'static>>, Error> {
        if let Some(known) = tally.back(&self.class, value.as_str())? {
            let plain = known.value();
            tally.keep(|| known)?;
            return Ok(Some(plain));
        }
        if !matches!(value, Value::Text(text) if is_token(text)) {
            return Ok(None);
        }
        let tool = self.tool(value, whose.subject, tally)?;
        let Some(work) = tool.work(&self.work) else { return Ok(None) };
        let plain = self.opened(work, value, whose.record)?;
        tally.keep(|| self.swap(&plain, value, true))?;
        Ok(Some(plain))
    }

    /// A value that comes back. A token that these keys did not make may be of keys that another
    /// home handed over: no token says which home made it, and only its own keys open it.
    pub(super) fn opened(
        &self,
        work: &Work,
        value: &Value<'_>,
        record: Option<&str>,
    ) -> Result<Value<'static>, Error> {
        let back = work.run(Way::Undo, value, record);
        if !matches!(back, Err(Error::NotAuthentic | Error::OtherVersion { .. })) {
            return back;
        }
        let mut others = self.others.iter().map(|other| other.run(Way::Undo, value, record));
        others.find_map(Result::ok).map_or(back, Ok)
    }

    fn swap(&self, plain: &Value<'_>, made: &Value<'_>, was_protected: bool) -> Arc<Swap> {
        Arc::new(Swap {
            class: self.class.clone(),
            transform: self.work.kind(),
            plain: Secret::new(plain.as_str().to_owned()),
            is_literal: matches!(plain, Value::Literal(_)),
            was_protected,
            made: made.as_str().into(),
        })
    }
}

#[cfg(test)]
mod tests;
