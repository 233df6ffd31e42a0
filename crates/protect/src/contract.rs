//! Data contracts: which fields of what comes in are sensitive, what they are, and what becomes of
//! them.
//!
//! A [`Contract`] is what somebody wrote. [`Contract::bind`] checks it and gives it keys; the
//! [`Bound`] that comes of it is applied to documents, one whole or many from a [`Stream`].
//!
//! Invariant: what a contract does not name leaves byte for byte as it came.
//! Invariant: no error quotes a value.

mod alike;
mod bound;
mod csv;
mod erasable;
mod fault;
mod field;
mod form;
mod json;
mod laid;
mod manifest;
mod parts;
mod place;
mod stream;
mod swap;
mod tally;

pub use bound::{Bound, Direction, Done};
pub(crate) use erasable::Whose;
pub use erasable::{Salts, Wants};
pub use fault::Fault;
pub use field::Field;
pub use laid::{check_laid, check_operator};
pub use manifest::check_functions;
pub use parts::Boundary;
pub use place::{Place, Pointer, Step};
pub use stream::{Format, Stream};
pub use swap::Swap;
pub use tally::{BYTES_MAX, Tally, VALUES_MAX};

use model::{Code, DataClass, Problem};
use serde::Deserialize;

/// Most fields of a contract.
const FIELDS_MAX: usize = 256;

/// What happens where a field's place is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// Nothing.
    #[default]
    Ignore,
    /// The document is refused.
    Refuse,
}

/// What happens where an object has a field's key twice, or a table its column. Readers differ in
/// which one they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicate {
    /// The document is refused.
    #[default]
    Refuse,
    /// Each is transformed.
    All,
}

/// How tables are written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Table {
    /// What stands between two cells: one ASCII character.
    pub delimiter: char,
    /// Whether the first row names the columns. Without, they are named by their numbers, from 1.
    pub header: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self { delimiter: ',', header: true }
    }
}

/// A data contract.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// What happens where a field's place is empty.
    #[serde(default)]
    pub missing: Missing,
    /// What happens where a field's place is there twice.
    #[serde(default)]
    pub duplicate: Duplicate,
    /// Classes beside the platform's own.
    #[serde(default)]
    pub classes: Vec<DataClass>,
    /// How tables are written.
    #[serde(default)]
    pub csv: Table,
    /// The sensitive fields.
    #[serde(default, rename = "field")]
    pub fields: Vec<Field>,
}

impl Contract {
    /// Looks whether the contract means something, all of it.
    ///
    /// # Errors
    /// The first thing that is wrong, with the place as a JSON pointer.
    pub fn check(&self) -> Result<(), Problem> {
        if self.fields.is_empty() || self.fields.len() > FIELDS_MAX {
            let what = format!("it has {} fields and needs 1 to {FIELDS_MAX}", self.fields.len());
            return Err(unusable(what).hint("a field begins with a line `[[field]]`"));
        }
        let delimiter = self.csv.delimiter;
        if !delimiter.is_ascii()
            || delimiter.is_ascii_alphanumeric()
            || "\"\r\n\0".contains(delimiter)
        {
            let what = "`csv.delimiter` is one ASCII character, and no letter, digit or quote";
            return Err(unusable(what).below("/csv/delimiter"));
        }
        for (at, field) in self.fields.iter().enumerate() {
            self.check_field(field, &self.fields[..at])
                .map_err(|problem| problem.below(format_args!("/field/{at}")))?;
        }
        self.fields.iter().enumerate().try_for_each(|(at, field)| {
            let own = |place: &&Place| self.fields.iter().any(|other| other.at == **place);
            let ids = [("record", &field.record), ("subject", &field.subject)];
            let mut ids = ids.into_iter().filter_map(|(key, place)| Some((key, place.as_ref()?)));
            ids.find(|(_, place)| own(place)).map_or(Ok(()), |(key, place)| {
                let what = format!("`{key}`: `{place}` is transformed itself, so it is no id");
                Err(unusable(named(field, what)).below(format_args!("/field/{at}/{key}")))
            })
        })?;
        self.check_erasable()
    }

    fn check_field(&self, field: &Field, earlier: &[Field]) -> Result<(), Problem> {
        let class = &field.class;
        if !class.is_built_in() && !self.classes.contains(class) {
            let what = named(field, format!("`{class}` is no class of the platform's own"));
            let hint = format!("declare it with `classes = [\"{class}\"]` at the top");
            return Err(Problem::new(Code::DataClassUnknown)
                .detail(what)
                .hint(hint)
                .below("/class"));
        }
        if earlier.iter().any(|other| other.at == field.at) {
            return Err(unusable(named(field, "another field has the same place")).below("/at"));
        }
        field.recipe().check().map_err(|wrong| {
            unusable(named(field, &wrong)).below(format_args!("/{}", wrong.key))
        })?;
        self.check_places(field)
            .map_err(|(key, what)| unusable(named(field, what)).below(format_args!("/{key}")))
    }

    fn check_places(&self, field: &Field) -> Result<(), (&'static str, String)> {
        let unnumbered = |place: &Place| match place {
            Place::Csv(column) if !self.csv.header => !matches!(column.parse(), Ok(1_usize..)),
            _ => false,
        };
        if unnumbered(&field.at) {
            return Err(("at", "a table without header has columns 1, 2, 3, …".to_owned()));
        }
        if field.record.is_some() && !field.recipe().is_isolated() {
            return Err(("record", "`record` needs `mode = \"isolated\"`".to_owned()));
        }
        for (key, id) in [("record", &field.record), ("subject", &field.subject)] {
            let Some(id) = id else { continue };
            if unnumbered(id) || !is_beside(id, &field.at) {
                let what = format!("`{key}` is one place in the same body, table, form or query");
                return Err((key, what));
            }
        }
        Ok(())
    }
}

/// Whether an id can be read together with a field's value.
fn is_beside(id: &Place, at: &Place) -> bool {
    let whole = !matches!(id, Place::Body(pointer) if pointer.has_wildcard());
    let beside = std::mem::discriminant(id) == std::mem::discriminant(at);
    let can = matches!(id, Place::Body(_) | Place::Csv(_) | Place::Query(_) | Place::Form(_));
    whole && beside && can
}

fn named(field: &Field, what: impl std::fmt::Display) -> String {
    format!("the field at `{}`: {what}", field.at)
}

pub(crate) fn unusable(what: impl std::fmt::Display) -> Problem {
    Problem::new(Code::DataContract).detail(what)
}

#[cfg(test)]
pub(crate) mod tests;
