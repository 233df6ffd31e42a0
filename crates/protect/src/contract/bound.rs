//! A contract with keys, applied to one document.

use super::erasable::{Maker, Whose};
use super::{
    Boundary, Contract, Duplicate, Fault, Field, Missing, Place, Table, Tally, alike, csv, form,
    json, named, parts, unusable,
};
use crate::transform::{ClassKeys, Error, Kind, Value, Way, Work};
use model::{Code, DataClass, Problem, TenantName};

/// Which way a contract is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Values are protected.
    Protect,
    /// Values come back. A contract with a field that has no way back is refused.
    Undo,
    /// Values come back, and fields that have no way back stay as they are.
    UndoPartly,
    /// As [`Direction::Protect`], but what is protected already stays as it is: tokens that these
    /// keys made, and what the [`Tally`] knows.
    Ingest,
    /// Tokens come back, and what the [`Tally`] knows. All else stays as it is and is not counted.
    Reveal,
}

impl Direction {
    const fn way(self) -> Way {
        match self {
            Self::Protect | Self::Ingest => Way::Protect,
            Self::Undo | Self::UndoPartly | Self::Reveal => Way::Undo,
        }
    }
}

/// What was done at one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The place, as the contract has it.
    pub at: String,
    /// The class.
    pub class: DataClass,
    /// The transform.
    pub transform: Kind,
    /// How many values were transformed.
    pub values: u64,
}

/// One field with its keys.
pub(crate) struct Bond {
    pub(crate) at: Place,
    pub(crate) record: Option<Place>,
    pub(crate) subject: Option<Place>,
    pub(crate) missing: Missing,
    /// Whether the field itself says that it may be missing.
    pub(crate) may_miss: bool,
    pub(super) class: DataClass,
    pub(super) work: Work,
    /// What opens tokens that other keys made.
    pub(super) others: Vec<Work>,
    /// What makes the same for a subject, where salts are kept.
    pub(super) maker: Option<Box<Maker>>,
}

/// A contract that can be applied.
pub struct Bound {
    pub(crate) direction: Direction,
    pub(crate) duplicate: Duplicate,
    pub(crate) table: Table,
    pub(crate) bonds: Vec<Bond>,
}

impl Contract {
    /// Checks the contract and asks for the keys of each class in it, once for each field.
    ///
    /// # Errors
    /// What [`Contract::check`] finds, [`Code::DataOneWay`], or what `keys` says.
    pub fn bind(
        &self,
        tenant: &TenantName,
        direction: Direction,
        keys: &mut dyn FnMut(&DataClass) -> Result<ClassKeys, Problem>,
    ) -> Result<Bound, Problem> {
        self.check()?;
        let stuck = |field: &&Field| !field.transform.is_reversible();
        if let (Direction::Undo, Some(field)) = (direction, self.fields.iter().find(stuck)) {
            let error = Error::OneWay(field.transform.word());
            let detail = format!("the field at `{}`: {error}", field.at);
            return Err(Problem::new(Code::DataOneWay).detail(detail));
        }
        let skips = |field: &&Field| direction != Direction::UndoPartly || !stuck(field);
        let bonds: Result<Vec<Bond>, Problem> = self
            .fields
            .iter()
            .filter(skips)
            .map(|field| field.bond(self.missing, tenant, direction, &keys(&field.class)?))
            .collect();
        Ok(Bound { direction, duplicate: self.duplicate, table: self.csv.clone(), bonds: bonds? })
    }
}

impl Field {
    fn bond(
        &self,
        missing: Missing,
        tenant: &TenantName,
        direction: Direction,
        keys: &ClassKeys,
    ) -> Result<Bond, Problem> {
        let recipe = self.recipe();
        let bound = |keys: &ClassKeys| {
            let work = recipe.bind(tenant, &self.class, keys);
            work.map_err(|wrong| unusable(format!("`{}`: {wrong}", self.at)))
        };
        let work = bound(keys)?;
        let others = keys.others.iter().filter(|_| recipe.kind == Kind::Token).map(bound);
        let others = others.collect::<Result<_, Problem>>()?;
        let own = keys.own();
        let salts = matches!(direction, Direction::Ingest | Direction::Reveal);
        let maker = (salts && own.subject.is_some()).then(|| {
            let (keys, tenant) = (own.clone(), tenant.clone());
            Box::new(Maker { recipe: recipe.clone(), tenant, keys, erasable: self.erasable })
        });
        if self.erasable && maker.is_none() {
            let what = "`erasable` is for functions of a node, which keeps the salts";
            return Err(unusable(named(self, what)));
        }
        Ok(Bond {
            at: self.at.clone(),
            record: self.record.clone(),
            subject: self.subject.clone(),
            missing: self.missing.unwrap_or(missing),
            may_miss: self.missing == Some(Missing::Ignore),
            class: self.class.clone(),
            work,
            others,
            maker,
        })
    }
}

impl Bound {
    /// Applies the contract to a JSON document (RFC 8259). `record` is the id of the record for
    /// isolated fields that name none.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn json(
        &self,
        document: &[u8],
        record: Option<&str>,
        tally: &mut Tally,
    ) -> Result<Vec<u8>, Fault> {
        json::apply(self, document, record, tally)
    }

    /// Refuses names that a function could take for those of the contract.
    fn no_likes(&self, document: &[u8], name: fn(&Place) -> Option<&str>) -> Result<(), Fault> {
        if self.direction != Direction::Ingest {
            return Ok(());
        }
        let names: Vec<&str> = self.bonds.iter().filter_map(|bond| name(&bond.at)).collect();
        alike::refuse(&names, document)
    }

    /// Applies it to a body of `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn form(
        &self,
        body: &[u8],
        record: Option<&str>,
        tally: &mut Tally,
    ) -> Result<Vec<u8>, Fault> {
        self.no_likes(body, |place| match place {
            Place::Form(name) => Some(name),
            _ => None,
        })?;
        form::apply(self, form::Kind::Form, body, record, tally)
    }

    /// Applies it to a body of `multipart/form-data`. Parts of these names are files, and pass as
    /// they are.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn parts(
        &self,
        body: &[u8],
        boundary: &Boundary,
        files: &[String],
        record: Option<&str>,
        tally: &mut Tally,
    ) -> Result<Vec<u8>, Fault> {
        parts::apply(self, (body, boundary), files, record, tally)
    }

    /// Applies it to a whole table.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn csv(
        &self,
        table: &[u8],
        record: Option<&str>,
        tally: &mut Tally,
    ) -> Result<Vec<u8>, Fault> {
        csv::apply(self, table, record, tally)
    }

    /// Applies it to the query of a URL, without its `?`.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn query(
        &self,
        query: &[u8],
        record: Option<&str>,
        tally: &mut Tally,
    ) -> Result<Vec<u8>, Fault> {
        self.no_likes(query, |place| match place {
            Place::Query(name) => Some(name),
            _ => None,
        })?;
        form::apply(self, form::Kind::Query, query, record, tally)
    }

    /// Applies it to header fields. Gives the new value for each that changes.
    ///
    /// # Errors
    /// [`Fault`]; also if a value that came back may not stand in a header.
    pub fn headers(
        &self,
        fields: &[(&str, &[u8])],
        record: Option<&str>,
        tally: &mut Tally,
    ) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        let before = tally.counts();
        let mut made = vec![None; fields.len()];
        for (at, bond) in self.bonds.iter().enumerate() {
            let Place::Header(name) = &bond.at else { continue };
            for (slot, (_, value)) in
                made.iter_mut().zip(fields).filter(|(_, (own, _))| own.eq_ignore_ascii_case(name))
            {
                let text = self.text(at, value, Whose::record(record), tally)?;
                let stands = text.bytes().all(|byte| byte >= b' ' && byte != 0x7f);
                *slot = Some(text.into_bytes()).filter(|_| stands);
                if !stands {
                    return Err(
                        Fault::form("what it stands for may not stand in a header").at(&bond.at)
                    );
                }
            }
        }
        self.all_there(&before, tally, |place| matches!(place, Place::Header(_)))?;
        Ok(made)
    }

    /// Applies it to a line of text, without its end.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn line(
        &self,
        line: &[u8],
        record: Option<&str>,
        tally: &mut Tally,
    ) -> Result<Vec<u8>, Fault> {
        match self.bonds.iter().position(|bond| bond.at == Place::Line) {
            Some(at) if !line.is_empty() => {
                self.text(at, line, Whose::record(record), tally).map(String::into_bytes)
            }
            _ => Ok(line.to_vec()),
        }
    }

    /// A reader of a table's rows, from the first.
    pub(super) fn rows(&self) -> csv::Rows<'_> {
        csv::Rows::new(self)
    }

    /// What was done, by field.
    #[must_use]
    pub fn done(&self, tally: &Tally) -> Vec<Done> {
        let bonds = self.bonds.iter().enumerate();
        bonds
            .map(|(at, bond)| Done {
                at: bond.at.to_string(),
                class: bond.class.clone(),
                transform: bond.work.kind(),
                values: tally.of(at),
            })
            .collect()
    }

    /// Transforms one value of the field of this number.
    pub(crate) fn value(
        &self,
        field: usize,
        value: &Value<'_>,
        whose: Whose<'_>,
        tally: &mut Tally,
    ) -> Result<Value<'static>, Fault> {
        let bond = self.bonds.get(field).ok_or_else(Fault::missing)?;
        let made = match self.direction {
            Direction::Ingest => bond.ingest(value, whose, tally),
            Direction::Reveal => match bond.reveal(value, whose, tally) {
                Ok(None) => return Ok(value.kept()),
                made => made.map(|made| made.unwrap_or_else(|| value.kept())),
            },
            direction if direction.way() == Way::Undo => {
                bond.opened(&bond.work, value, whose.record)
            }
            direction => bond.work.run(direction.way(), value, whose.record),
        };
        let made = made.map_err(|error| Fault::value(error).at(&bond.at))?;
        tally.count(field);
        Ok(made)
    }

    /// The same where all is text.
    pub(crate) fn text(
        &self,
        field: usize,
        bytes: &[u8],
        whose: Whose<'_>,
        tally: &mut Tally,
    ) -> Result<String, Fault> {
        let place = self.bonds.get(field).map(|bond| bond.at.to_string()).unwrap_or_default();
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Fault::form("the value is not UTF-8").at(&place))?;
        let made = self.value(field, &Value::Text(text.into()), whose, tally)?;
        Ok(made.as_str().to_owned())
    }

    /// Refuses a document in which a field was not found, if the contract says so.
    pub(crate) fn all_there(
        &self,
        before: &Tally,
        after: &Tally,
        belongs: impl Fn(&Place) -> bool,
    ) -> Result<(), Fault> {
        let wanted = |bond: &Bond| bond.missing == Missing::Refuse && belongs(&bond.at);
        let mut fields = self.bonds.iter().enumerate().filter(|(_, bond)| wanted(bond));
        match fields.find(|(at, _)| before.of(*at) == after.of(*at)) {
            Some((_, bond)) => Err(Fault::missing().at(&bond.at)),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("fields", &self.bonds.len()).finish_non_exhaustive()
    }
}
