//! The platform's transforms in programs outside of it: a service, a function of another platform, a
//! warehouse's remote function.
//!
//! With the same keys a token that was made here is one of the platform's, and the other way round.
//! Keys come from a [`KeyFile`], which holds those of some classes and no root, or from whatever
//! derives them.
//!
//! ```ignore
//! let keys = KeyFile::read(&std::fs::read_to_string("keys.json")?)?;
//! let contract: Contract = toml::from_str(&std::fs::read_to_string("contract.toml")?)?;
//! let outside = Outside::new(&contract, keys.tenant(), &mut |class| keys.of(class))?;
//! let made = outside.document(Way::Protect, Format::Json, body)?;
//! ```
//!
//! Invariant: nothing is transformed but what the contract names, so whoever may ask has no cipher
//! for texts of their own choice beyond that.

mod keyfile;
mod remote;

pub use keyfile::KeyFile;
pub use remote::Warehouse;

use crate::contract::{Bound, Contract, Direction, Done, Fault, Format, Place, Stream, Tally};
use crate::transform::ClassKeys;
pub use crate::transform::Way;
use model::{DataClass, Problem, TenantName};

/// What was made, and what was done for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The new document.
    pub bytes: Vec<u8>,
    /// How many values were transformed, by field.
    pub done: Vec<Done>,
}

impl Made {
    /// How many values were transformed.
    #[must_use]
    pub fn values(&self) -> u64 {
        self.done.iter().map(|done| done.values).sum()
    }
}

/// A contract, ready to be applied in both ways.
#[derive(Debug)]
pub struct Outside {
    protect: Kinds,
    undo: Kinds,
}

/// The contract's fields by the kind of document that they are in; nothing where it names none.
#[derive(Debug)]
struct Kinds {
    json: Option<Bound>,
    csv: Option<Bound>,
}

impl Outside {
    /// Checks the contract, and asks for the keys of each class in it.
    ///
    /// # Errors
    /// What is wrong with the contract, or what `keys` says.
    pub fn new(
        contract: &Contract,
        tenant: &TenantName,
        keys: &mut dyn FnMut(&DataClass) -> Result<ClassKeys, Problem>,
    ) -> Result<Self, Problem> {
        contract.check()?;
        let mut kinds = |direction| {
            let mut kind = |fits: fn(&Place) -> bool| {
                let fields = contract.fields.iter().filter(|field| fits(&field.at));
                let own = Contract { fields: fields.cloned().collect(), ..contract.clone() };
                let any = !own.fields.is_empty();
                any.then(|| own.bind(tenant, direction, keys)).transpose()
            };
            let json = kind(|place| matches!(place, Place::Body(_)))?;
            Ok::<_, Problem>(Kinds { json, csv: kind(|place| matches!(place, Place::Csv(_)))? })
        };
        // What has no way back stays as it is.
        Ok(Self { protect: kinds(Direction::Protect)?, undo: kinds(Direction::UndoPartly)? })
    }

    fn kinds(&self, way: Way) -> &Kinds {
        match way {
            Way::Protect => &self.protect,
            Way::Undo => &self.undo,
        }
    }

    /// Whether the contract names anything in such documents.
    #[must_use]
    pub fn reads(&self, format: Format) -> bool {
        self.protect.of(format).is_some()
    }

    /// Applies the contract to a document of any of the forms that the contract names fields in.
    ///
    /// # Errors
    /// [`Fault`]; nothing is transformed then.
    pub fn document(&self, way: Way, format: Format, document: &[u8]) -> Result<Made, Fault> {
        let Some(bound) = self.kinds(way).of(format) else {
            return Err(Fault::form("the contract names nothing in such documents"));
        };
        let mut stream = Stream::new(bound, format)?;
        let mut bytes = Vec::with_capacity(document.len() + 64);
        stream.push(document, &mut bytes)?;
        let done = stream.finish(&mut bytes)?;
        Ok(Made { bytes, done })
    }

    /// Answers a warehouse's call of a remote function: the contract's field `csv:COLUMN` is applied
    /// to the first argument of each row.
    ///
    /// # Errors
    /// [`Fault`]; the warehouse then gets nothing of the batch.
    pub fn remote(
        &self,
        way: Way,
        column: &str,
        warehouse: Warehouse,
        request: &[u8],
    ) -> Result<Made, Fault> {
        let bound = self.kinds(way).csv.as_ref();
        let field = bound.and_then(|bound| {
            let own = |place: &Place| matches!(place, Place::Csv(name) if name == column);
            bound.bonds.iter().position(|bond| own(&bond.at)).map(|at| (bound, at))
        });
        let Some((bound, field)) = field else {
            return Err(Fault::form("the contract names no such column, or it has no way back"));
        };
        let mut tally = Tally::default();
        let bytes = remote::answer((bound, field), warehouse, request, &mut tally)?;
        Ok(Made { bytes, done: bound.done(&tally) })
    }
}

impl Kinds {
    fn of(&self, format: Format) -> Option<&Bound> {
        match format {
            Format::Csv => self.csv.as_ref(),
            Format::Json | Format::JsonLines => self.json.as_ref(),
            Format::Text => None,
        }
    }
}

#[cfg(test)]
mod tests;
