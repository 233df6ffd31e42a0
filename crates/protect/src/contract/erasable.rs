//! Values that can be erased: the keys of each subject are made with a salt, which is fetched when
//! a document was read once and it is known whose values are in it.
//!
//! Invariant: a value of an erasable field is never protected with the keys of its class alone, and
//! a token of another subject is never taken for one of this.

use super::bound::Bond;
use super::tally::VALUES_MAX;
use super::{Contract, Field, Tally, named, unusable};
use crate::transform::{ClassKeys, Error, Kind, Recipe, Token, Value, Work};
use model::data::Fate;
use model::manifest::{DataSpec, Unnamed};
use model::{DataClass, Problem, Salt, SaltId, SubjectHash, TenantName};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Whose value it is, and of which record.
#[derive(Clone, Copy, Default)]
pub(crate) struct Whose<'a> {
    /// The id of the record, for the mode `isolated`.
    pub(crate) record: Option<&'a str>,
    /// The subject, for what can be erased.
    pub(crate) subject: Option<&'a str>,
}

impl<'a> Whose<'a> {
    /// Of this record, and of no subject.
    pub(crate) const fn record(record: Option<&'a str>) -> Self {
        Self { record, subject: None }
    }
}

/// Salts that were fetched for one document.
#[derive(Debug, Default)]
pub struct Salts {
    subjects: HashMap<(DataClass, SubjectHash), Salt>,
    fates: HashMap<(DataClass, SaltId), Fate>,
}

impl Salts {
    /// The salt of a subject.
    pub fn put_subject(&mut self, class: &DataClass, subject: SubjectHash, salt: Salt) {
        self.subjects.insert((class.clone(), subject), salt);
    }

    /// What became of a salt.
    pub fn put_fate(&mut self, class: &DataClass, id: SaltId, fate: Fate) {
        self.fates.insert((class.clone(), id), fate);
    }
}

/// Salts that are to be fetched before a document can be transformed, by class.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Of these subjects. Where a subject has none, one is made.
    pub subjects: BTreeMap<DataClass, BTreeSet<SubjectHash>>,
    /// Of these names.
    pub salts: BTreeMap<DataClass, BTreeSet<SaltId>>,
}

impl Wants {
    fn is_full(&self) -> bool {
        let subjects: usize = self.subjects.values().map(BTreeSet::len).sum();
        let salts: usize = self.salts.values().map(BTreeSet::len).sum();
        subjects + salts >= 2 * VALUES_MAX
    }

    /// Whether there is nothing to fetch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.subjects.is_empty() && self.salts.is_empty()
    }
}

/// What makes a field's transform anew for each subject.
pub(super) struct Maker {
    pub(super) recipe: Recipe,
    pub(super) tenant: TenantName,
    pub(super) keys: ClassKeys,
    /// Whether all of the field's values can be erased. Otherwise only what comes as a token of a
    /// subject's is opened with the subject's keys.
    pub(super) erasable: bool,
}

/// What a value is transformed with.
pub(super) enum Tool {
    /// With the class's keys.
    Plain,
    /// With the keys of a subject.
    Own(Box<Work>),
    /// With those of a subject whose salt is not here yet.
    Wanted,
}

impl Tool {
    /// What runs; nothing if a salt is missing.
    pub(super) fn work<'w>(&'w self, plain: &'w Work) -> Option<&'w Work> {
        match self {
            Self::Plain => Some(plain),
            Self::Own(work) => Some(work),
            Self::Wanted => None,
        }
    }
}

impl Bond {
    /// What a value is transformed with. What is not here is noted in the tally.
    pub(super) fn tool(
        &self,
        value: &Value<'_>,
        subject: Option<&str>,
        tally: &mut Tally,
    ) -> Result<Tool, Error> {
        let text = match value {
            Value::Text(text) if text.is_empty() => return Ok(Tool::Plain),
            Value::Text(text) if self.work.kind() == Kind::Token => Token::parse(text),
            _ => None,
        };
        let own = |token: &Token<'_>| token.class == self.class;
        let id = text.filter(own).and_then(|token| token.salt);
        let Some(maker) = &self.maker else { return Ok(Tool::Plain) };
        if maker.erasable {
            return self.tool_of(maker, subject, id, tally);
        }
        let Some(id) = id else { return Ok(Tool::Plain) };
        match tally.fate(&self.class, id)? {
            None => Ok(Tool::Wanted),
            Some(fate) => maker.with(&self.class, fate),
        }
    }

    /// What a value of an erasable field is transformed with; `id` is the salt that it names, if it
    /// is a token already.
    fn tool_of(
        &self,
        maker: &Maker,
        subject: Option<&str>,
        id: Option<SaltId>,
        tally: &mut Tally,
    ) -> Result<Tool, Error> {
        let subject = maker.keys.subject(subject.ok_or(Error::NoSubject)?)?;
        let salt = tally.salt(&self.class, subject)?;
        let Some(id) = id else {
            return salt.map_or(Ok(Tool::Wanted), |it| maker.with(&self.class, Fate::Kept(it)));
        };
        // What became of the token's own salt says why it does not fit.
        match (salt, tally.fate(&self.class, id)?) {
            (Some(salt), Some(Fate::Kept(_))) if id != salt.id => Err(Error::OtherSalt),
            (Some(_), Some(fate)) => maker.with(&self.class, fate),
            _ => Ok(Tool::Wanted),
        }
    }
}

impl Maker {
    fn with(&self, class: &DataClass, fate: Fate) -> Result<Tool, Error> {
        let salt = match fate {
            Fate::Kept(salt) => salt,
            Fate::Erased => return Err(Error::Erased),
            Fate::Unknown => return Err(Error::NoSalt),
        };
        let keys = self.keys.salted(&salt)?;
        // The recipe was checked when the field was bound.
        let work = self.recipe.bind(&self.tenant, class, &keys).map_err(|_| Error::NotAuthentic)?;
        Ok(Tool::Own(Box::new(work)))
    }
}

impl Tally {
    /// One that has these salts.
    #[must_use]
    pub fn with_salts(mut self, salts: Salts) -> Self {
        self.salts = salts;
        self
    }

    /// What has to be fetched before the document can be transformed. If there is anything, what
    /// was made is to be thrown away, and made again with the salts.
    #[must_use]
    pub fn wants(&self) -> Option<&Wants> {
        Some(&self.wants).filter(|wants| !wants.is_empty())
    }

    fn salt(&mut self, class: &DataClass, subject: SubjectHash) -> Result<Option<Salt>, Error> {
        let found = self.salts.subjects.get(&(class.clone(), subject)).cloned();
        if found.is_none() {
            self.is_room()?;
            self.wants.subjects.entry(class.clone()).or_default().insert(subject);
        }
        Ok(found)
    }

    fn fate(&mut self, class: &DataClass, id: SaltId) -> Result<Option<Fate>, Error> {
        let found = self.salts.fates.get(&(class.clone(), id)).cloned();
        if found.is_none() {
            self.is_room()?;
            self.wants.salts.entry(class.clone()).or_default().insert(id);
        }
        Ok(found)
    }

    fn is_room(&self) -> Result<(), Error> {
        let (values, bytes) = (VALUES_MAX, super::tally::BYTES_MAX);
        if self.wants.is_full() { Err(Error::TooMany { values, bytes }) } else { Ok(()) }
    }
}

impl Contract {
    /// Looks whether what can be erased can be: all values of a class or none, each with a subject.
    pub(super) fn check_erasable(&self) -> Result<(), Problem> {
        for (at, field) in self.fields.iter().enumerate() {
            let wrong = |key: &str, what: &str| {
                Err(unusable(named(field, what)).below(format_args!("/field/{at}/{key}")))
            };
            match (field.erasable, &field.subject) {
                (false, None) => continue,
                (false, Some(_)) => return wrong("subject", "`subject` is for `erasable = true`"),
                (true, None) => {
                    return wrong(
                        "erasable",
                        "`erasable` needs `subject`: where it stands whose value it is",
                    );
                }
                (true, Some(_)) => {}
            }
            if !field.transform.has_mode() {
                let what = format!(
                    "`erasable` means nothing for `{}`, which uses no key",
                    field.transform.word()
                );
                return wrong("erasable", &what);
            }
            if field.recipe().is_isolated() {
                return wrong(
                    "mode",
                    "`erasable` binds values to their subject, so they are isolated already",
                );
            }
            if let Some(other) = self.fields.iter().find(|other| field.is_left_by(other)) {
                let what =
                    format!("the field at `{}` has the same class and is not `erasable`", other.at);
                return wrong("erasable", &what);
            }
        }
        Ok(())
    }

    /// Refuses tokens for values that no field names, where the class's can be erased: nobody knows
    /// whose they are.
    ///
    /// # Errors
    /// The class, with its place below `data`.
    pub fn names_all(&self, spec: &DataSpec) -> Result<(), Problem> {
        let erased = |class: &DataClass| {
            let of = |own: &DataClass| {
                own == class || own.built_in().is_some_and(|it| DataClass::from(it) == *class)
            };
            self.fields.iter().any(|field| field.erasable && of(&field.class))
        };
        let tokens = spec.unnamed.iter().filter(|(_, action)| **action == Unnamed::Token);
        match tokens.map(|(class, _)| class).find(|class| erased(class)) {
            None => Ok(()),
            Some(class) => {
                let what = format!(
                    "`unnamed`: values of `{class}` can be erased, and nobody knows whose an unnamed one is"
                );
                Err(unusable(what)
                    .hint("write `mask` or `refuse`")
                    .below(format_args!("/unnamed/{class}")))
            }
        }
    }
}

impl Field {
    /// Whether values of the same class would stay where this field's are erased.
    fn is_left_by(&self, other: &Self) -> bool {
        !other.erasable && other.class == self.class && other.transform.has_mode()
    }
}

#[cfg(test)]
mod tests;
