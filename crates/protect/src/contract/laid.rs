//! The operator's data contract, laid over that of a function.
//!
//! Invariant: what the operator names is protected as the operator says, whatever a manifest says
//! beside it.

use super::manifest::of_field;
use super::{Contract, Field, Missing, Place, Table, unusable};
use model::manifest::{Arrival, DataField, DataSpec, FunctionSpec, LaidSpec};
use model::{Code, FunctionName, Problem};

impl Contract {
    /// What the operator wants of a function's requests that come in this way, if anything.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn of_operator(
        laid: &LaidSpec,
        function: &FunctionName,
        arrival: &Arrival,
    ) -> Result<Option<Self>, Problem> {
        Self::laid(laid, laid.over(function), arrival)
    }

    fn laid<'f>(
        laid: &LaidSpec,
        fields: impl Iterator<Item = &'f DataField>,
        arrival: &Arrival,
    ) -> Result<Option<Self>, Problem> {
        let own = fields.filter(|field| field.is_about(arrival));
        let fields = own.map(operators).collect::<Result<Vec<Field>, Problem>>()?;
        if fields.is_empty() {
            return Ok(None);
        }
        let contract = Self { classes: laid.classes.clone(), fields, ..Self::default() };
        contract.check()?;
        Ok(Some(contract))
    }

    /// Lays it over the contract of a function. Its fields stand first: of two that lead to one
    /// value the first counts.
    ///
    /// # Errors
    /// [`Code::DataLaid`]: both say something else of one place, or together they mean nothing.
    pub fn over(self, own: Option<Self>) -> Result<Self, Problem> {
        let Some(own) = own else { return Ok(self) };
        let against = |what: String| Err(Problem::new(Code::DataLaid).detail(what));
        let mut all = self.fields;
        let tables = |field: &Field| matches!(field.at, Place::Csv(_));
        if all.iter().any(tables) && own.csv != Table::default() {
            return against(
                "`csv`: the operator names columns of tables as they usually are".into(),
            );
        }
        for field in own.fields {
            let field = Field { missing: Some(field.missing.unwrap_or(own.missing)), ..field };
            match all.iter_mut().find(|other| other.at == field.at) {
                None => all.push(field),
                // Of what both say, the stricter word counts.
                Some(other) if field.says_as(other) => {
                    let refuses = field.missing == Some(Missing::Refuse);
                    other.missing = if refuses { field.missing } else { other.missing };
                }
                Some(_) => {
                    let what = format!("the operator says something else of `{}`", field.at);
                    return against(what);
                }
            }
        }
        let mut classes = self.classes;
        classes.extend(own.classes);
        let both = Self { classes, fields: all, csv: own.csv, ..own_rest(own.duplicate) };
        match both.check() {
            Ok(()) => Ok(both),
            Err(problem) => against(problem.detail.unwrap_or_default()),
        }
    }
}

/// What holds for a whole contract. Each field says for itself what happens where it is missing.
fn own_rest(duplicate: super::Duplicate) -> Contract {
    Contract { duplicate, ..Contract::default() }
}

impl Field {
    /// Whether the same becomes of the same values.
    fn says_as(&self, other: &Self) -> bool {
        let same = (&self.class, &self.record) == (&other.class, &other.record);
        let same = same && (self.erasable, &self.subject) == (other.erasable, &other.subject);
        same && self.recipe() == other.recipe()
    }
}

/// A field of the operator's. One that may be missing is not missed, since it is laid over functions
/// that have no such field; but a column that is called something else would be.
fn operators(field: &DataField) -> Result<Field, Problem> {
    let field = of_field(field)?;
    let usual = match field.at {
        Place::Csv(_) => None,
        _ => Some(Missing::Ignore),
    };
    Ok(Field { missing: field.missing.or(usual), ..field })
}

/// Looks whether functions fit what the operator lays over them.
///
/// # Errors
/// The first that does not, with its place in the manifest.
pub fn check_laid(functions: &[FunctionSpec], laid: &LaidSpec) -> Result<(), Problem> {
    for (at, function) in functions.iter().enumerate() {
        if laid.over(&function.name).next().is_none() || function.assets.is_some() {
            continue;
        }
        fits(function, laid).map_err(|problem| {
            let why = problem.detail.clone().unwrap_or_default();
            let detail = format!("function `{}`: {why}", function.name);
            problem.detail(detail).below(format_args!("/function/{at}"))
        })?;
    }
    Ok(())
}

fn fits(function: &FunctionSpec, laid: &LaidSpec) -> Result<(), Problem> {
    let unread = function.http.iter().position(|it| it.websocket.is_some() || it.upload.is_some());
    if let Some(at) = unread {
        let what = "a route has `websocket` or `upload`, and no contract is kept there";
        return Err(Problem::new(Code::DataLaid).detail(what).below(format_args!("/http/{at}")));
    }
    let none = DataSpec::default();
    let data = function.data.as_deref().unwrap_or(&none);
    let ways = Arrival::distinct(data.intake.iter().chain(laid.over(&function.name)));
    for way in ways.iter().chain(ways.is_empty().then_some(&Arrival::Http)) {
        let Some(operators) = Contract::of_operator(laid, &function.name, way)? else { continue };
        let both = operators.over(Contract::of_intake(data, way)?);
        both.and_then(|both| both.names_all(data)).map_err(|it| it.below("/data"))?;
    }
    Ok(())
}

/// Looks whether the operator's contract means something, for each function that it names and for
/// all others.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_operator(laid: &LaidSpec) -> Result<(), Problem> {
    let unread = |field: &DataField| field.trigger.is_some() && field.arrival().is_none();
    if let Some(at) = laid.fields.iter().position(|it| unread(&it.field)) {
        return Err(unusable(format!("`[[data.in]]` number {}: `trigger` is no way in", at + 1)));
    }
    let named = laid.fields.iter().flat_map(|it| it.functions.iter());
    for name in named.map(Some).chain([None]) {
        let fields: Vec<&DataField> = match name {
            Some(name) => laid.over(name).collect(),
            None => {
                let all = laid.fields.iter().filter(|it| it.functions.is_empty());
                all.map(|it| &it.field).collect()
            }
        };
        let ways = Arrival::distinct(fields.iter().copied());
        for way in ways.iter().chain(ways.is_empty().then_some(&Arrival::Http)) {
            Contract::laid(laid, fields.iter().copied(), way)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
