//! The data contract of a function, from its manifest.

use super::{Contract, Field, Place, Table, unusable};
use crate::detect::finds;
use crate::transform::Kind;
use model::manifest::{Arrival, DataField, DataSpec, DataTable, FunctionSpec, RevealSpec};
use model::{Code, DataClass, Problem};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as Unread, StrDeserializer};

/// Digits of most cards' numbers.
const CARD_DIGITS: u8 = 16;
/// Digits that have to be left to encipher: fewer make less than 1,000,000 values.
const DIGITS_MIN: u8 = 6;

impl Contract {
    /// What is done with requests of a function that come in this way; nothing if its manifest names
    /// no field of them.
    ///
    /// # Errors
    /// The first thing that is wrong, with the place as a JSON pointer below `data`.
    pub fn of_intake(spec: &DataSpec, arrival: &Arrival) -> Result<Option<Self>, Problem> {
        let about = |(_, field): &(usize, &DataField)| field.is_about(arrival);
        let (numbers, own): (Vec<usize>, Vec<&DataField>) =
            spec.intake.iter().enumerate().filter(about).unzip();
        if own.is_empty() {
            return Ok(None);
        }
        let numbered = |at: usize| numbers.get(at).copied().unwrap_or(at);
        let fields = own.iter().enumerate().map(|(at, field)| {
            of_field(field).map_err(|it| it.below(format_args!("/in/{}", numbered(at))))
        });
        let contract = Self {
            missing: option(spec.missing.as_deref(), "missing")?.unwrap_or_default(),
            duplicate: option(spec.duplicate.as_deref(), "duplicate")?.unwrap_or_default(),
            classes: spec.classes.clone(),
            csv: spec.csv.as_ref().map_or_else(|| Ok(Table::default()), table)?,
            fields: fields.collect::<Result<_, Problem>>()?,
        };
        contract.check().map_err(|problem| in_place(problem, numbered))?;
        Ok(Some(contract))
    }

    /// A token for each value of a class, wherever it stands: see [`super::Bound::line`].
    #[must_use]
    pub fn of_found(class: &DataClass) -> Self {
        let fields = vec![Field::new(Place::Line, class.clone(), Kind::Token)];
        Self { classes: vec![class.clone()], fields, ..Self::default() }
    }

    /// Where values come back in a request, as a contract for [`super::Direction::Reveal`].
    ///
    /// # Errors
    /// As [`Contract::of_intake`].
    pub fn of_reveal(spec: &RevealSpec, classes: &[DataClass]) -> Result<Self, Problem> {
        let fields = spec.at.iter().enumerate().map(|(at, text)| {
            let place = place(text).and_then(|place| match place {
                Place::Csv(_) => Err(unusable(format!("`{text}`: values do not come back there"))
                    .hint("write `body:/card/number`, `form:NAME`, `query:NAME` or `header:NAME`")),
                Place::Query(_) | Place::Form(_) if spec.is_reply() => {
                    let what = format!("`{text}`: a reply has no such place");
                    Err(unusable(what).hint("write `body:/card/number` or `header:NAME`"))
                }
                place => Ok(place),
            });
            let place = place.map_err(|it| it.below(format_args!("/at/{at}")))?;
            Ok(Field::new(place, spec.class.clone(), Kind::Token))
        });
        let fields: Result<Vec<Field>, Problem> = fields.collect();
        let contract = Self { classes: classes.to_vec(), fields: fields?, ..Self::default() };
        contract.check().map_err(|problem| Problem { pointer: None, ..problem })?;
        Ok(contract)
    }
}

/// Looks whether the contracts of functions mean something, all of them.
///
/// # Errors
/// The first thing that is wrong, with the place as a JSON pointer in the manifest.
pub fn check_functions(functions: &[FunctionSpec]) -> Result<(), Problem> {
    for (at, function) in functions.iter().enumerate() {
        let Some(data) = &function.data else { continue };
        let checked = intakes(data).and_then(|()| reveals(data));
        checked.and_then(|()| looked_for(data)).map_err(|problem| {
            let why = problem.detail.clone().unwrap_or_default();
            let detail = format!("function `{}`, `data`: {why}", function.name);
            problem.detail(detail).below(format_args!("/function/{at}/data"))
        })?;
    }
    Ok(())
}

/// The contract of each way in, and the files.
fn intakes(data: &DataSpec) -> Result<(), Problem> {
    let ways = Arrival::distinct(data.intake.iter());
    for way in ways.iter().chain(ways.is_empty().then_some(&Arrival::Http)) {
        if let Some(contract) = Contract::of_intake(data, way)? {
            contract.names_all(data)?;
        }
    }
    let form = |name: &str| data.intake.iter().any(|it| it.at.strip_prefix("form:") == Some(name));
    if let Some(at) = data.files.iter().position(|name| form(name)) {
        let what = format!("`files`: `{}` is a field, and no file", data.files[at].escape_debug());
        return Err(unusable(what).below(format_args!("/files/{at}")));
    }
    if !data.files.is_empty() && !data.intake.iter().any(|it| it.at.starts_with("form:")) {
        let what = "`files`: no `form:` field is named, so no form is read";
        return Err(unusable(what).below("/files"));
    }
    Ok(())
}

fn table(spec: &DataTable) -> Result<Table, Problem> {
    let mut characters = spec.delimiter.as_deref().unwrap_or(",").chars();
    match (characters.next(), characters.next()) {
        (Some(delimiter), None) => {
            Ok(Table { delimiter, header: spec.header.unwrap_or(Table::default().header) })
        }
        _ => Err(unusable("`csv.delimiter` is one character").below("/csv/delimiter")),
    }
}

fn reveals(data: &DataSpec) -> Result<(), Problem> {
    data.reveal.iter().enumerate().try_for_each(|(at, one)| {
        let made = Contract::of_reveal(one, &data.classes);
        made.map(drop).map_err(|problem| problem.below(format_args!("/reveal/{at}")))
    })
}

/// Refuses a class that no detector finds where it is to be found: nothing would come of it.
fn looked_for(data: &DataSpec) -> Result<(), Problem> {
    let out = data.out.keys().map(|class| ("out", class));
    let unnamed = data.unnamed.keys().map(|class| ("unnamed", class));
    match out.chain(unnamed).find(|(_, class)| !finds(class)) {
        None => Ok(()),
        Some((key, class)) => {
            let what = format!("`{key}`: no detector finds values of the class `{class}`");
            Err(unusable(what)
                .hint("docs/reference/detection.md lists the classes that are found")
                .below(format_args!("/{key}/{class}")))
        }
    }
}

pub(super) fn of_field(field: &DataField) -> Result<Field, Problem> {
    let record = field.record.as_deref().map(place).transpose();
    let subject = field.subject.as_deref().map(place).transpose();
    let made = Field {
        at: place(&field.at).map_err(|problem| problem.below("/at"))?,
        class: field.class.clone(),
        transform: word(&field.transform, "transform")?,
        missing: option(field.missing.as_deref(), "missing")?,
        mode: option(field.mode.as_deref(), "mode")?,
        record: record.map_err(|problem| problem.below("/record"))?,
        erasable: field.erasable,
        subject: subject.map_err(|problem| problem.below("/subject"))?,
        keep_first: field.keep_first,
        keep_last: field.keep_last,
        keep_domain: field.keep_domain,
        alphabet: field.alphabet.clone(),
        length: field.length,
        width: field.width,
        with: field.with.clone(),
    };
    enough(&made)?;
    Ok(made)
}

/// Refuses a card that keeps so much that most cards could not be enciphered.
fn enough(field: &Field) -> Result<(), Problem> {
    let kept = field.keep_first.unwrap_or(0).saturating_add(field.keep_last.unwrap_or(0));
    let left = CARD_DIGITS.saturating_sub(kept);
    if field.transform != Kind::Card || left >= DIGITS_MIN {
        return Ok(());
    }
    let what = format!(
        "the field at `{}`: of {CARD_DIGITS} digits {left} are left to encipher, and {DIGITS_MIN} are needed",
        field.at
    );
    let hint =
        "keep fewer, such as `keep_first = 6` and `keep_last = 4`, or use `transform = \"token\"`";
    Err(Problem::new(Code::DataTooFew).detail(what).hint(hint).below("/keep_first"))
}

/// A place that requests have.
fn place(text: &str) -> Result<Place, Problem> {
    match Place::parse(text).map_err(unusable)? {
        Place::Line => {
            let what = format!("`{text}`: a request has no such place");
            Err(unusable(what).hint(
                "write `body:/card/number`, `form:NAME`, `csv:COLUMN`, `query:NAME` or `header:NAME`",
            ))
        }
        place => Ok(place),
    }
}

fn option<'t, T: Deserialize<'t>>(text: Option<&'t str>, key: &str) -> Result<Option<T>, Problem> {
    text.map(|text| word(text, key)).transpose()
}

fn word<'t, T: Deserialize<'t>>(text: &'t str, key: &str) -> Result<T, Problem> {
    let read: StrDeserializer<'t, Unread> = text.into_deserializer();
    T::deserialize(read)
        .map_err(|error| unusable(format!("`{key}`: {error}")).below(format_args!("/{key}")))
}

/// `field` of a contract is `in` of a manifest, where others stand between them.
fn in_place(problem: Problem, numbered: impl Fn(usize) -> usize) -> Problem {
    let pointer = problem.pointer.as_deref().map(|it| match it.strip_prefix("/field/") {
        Some(rest) => {
            let (at, rest) = rest.split_once('/').unwrap_or((rest, ""));
            let at = at.parse().map(&numbered).unwrap_or_default();
            format!("/in/{at}{}{rest}", if rest.is_empty() { "" } else { "/" })
        }
        None => it.to_owned(),
    });
    let hint = problem.hint.as_deref().map(|hint| {
        hint.replace("at the top", "below `[function.data]`")
            .replace("[[field]]", "[[function.data.in]]")
    });
    Problem { pointer, hint, ..problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> DataSpec {
        serde_json::from_str(text).expect("a spec")
    }

    #[test]
    fn a_manifest_says_the_same_as_a_contract() {
        let spec = spec(
            r#"{"missing":"refuse","in":[{"at":"body:/n","class":"pan","transform":"card","keep_last":4,"mode":"join"}],
                "reveal":[{"class":"pan","to":"https://x","purpose":"pay","at":["form:card","body:/a"]}]}"#,
        );
        let made = Contract::of_intake(&spec, &Arrival::Http).expect("good").expect("fields");
        assert_eq!(made.missing, super::super::Missing::Refuse);
        assert_eq!((made.fields[0].transform, made.fields[0].keep_last), (Kind::Card, Some(4)));
        let back = Contract::of_reveal(&spec.reveal[0], &spec.classes).expect("good");
        assert_eq!(back.fields.len(), 2);
    }

    #[test]
    fn what_a_request_cannot_have_is_refused_with_its_place() {
        for (field, pointer, what) in [
            (r#"{"at":"line","class":"pan","transform":"token"}"#, "/in/0/at", "no such place"),
            (r#"{"at":"body:a","class":"pan","transform":"token"}"#, "/in/0/at", "is no place"),
            (
                r#"{"at":"body:/a","class":"pan","transform":"tokn"}"#,
                "/in/0/transform",
                "unknown variant",
            ),
            (r#"{"at":"body:/a","class":"pet","transform":"token"}"#, "/in/0/class", "no class"),
            (
                r#"{"at":"body:/a","class":"pan","transform":"card","keep_first":8,"keep_last":4}"#,
                "/in/0/keep_first",
                "4 are left",
            ),
        ] {
            let problem = intakes(&spec(&format!(r#"{{"in":[{field}]}}"#))).expect_err(field);
            assert_eq!(problem.pointer.as_deref(), Some(pointer), "{problem}");
            assert!(problem.to_string().contains(what), "{problem}");
        }
    }

    #[test]
    fn fields_of_one_trigger_are_a_contract_of_their_own() {
        let field =
            |more: &str| format!(r#"{{"at":"body:/a","class":"pan","transform":"token"{more}}}"#);
        let both = [field(r#","trigger":"http""#), field(r#","trigger":"call""#)].join(",");
        let data = spec(&format!(r#"{{"in":[{both}]}}"#));
        intakes(&data).expect("the same place, but not in the same requests");
        let of = |arrival| Contract::of_intake(&data, &arrival).expect("good").map(|it| it.fields);
        assert_eq!(of(Arrival::Http).map(|it| it.len()), Some(1));
        assert_eq!(of(Arrival::Invoke), None);
        let twice = [field(r#","trigger":"http""#), field(r#","trigger":"call""#), field("")];
        let problem =
            intakes(&spec(&format!(r#"{{"in":[{}]}}"#, twice.join(",")))).expect_err("two");
        assert_eq!(problem.pointer.as_deref(), Some("/in/2/at"), "{problem}");
    }

    #[test]
    fn tables_and_files_have_to_mean_something() {
        let field = |at: &str| format!(r#"{{"at":"{at}","class":"pan","transform":"token"}}"#);
        let read = |more: &str, at: &str| {
            intakes(&spec(&format!(r#"{{{more}"in":[{}]}}"#, field(at))))
                .map_err(|problem| problem.pointer.unwrap_or_default())
        };
        assert_eq!(read(r#""csv":{"delimiter":";","header":false},"#, "csv:2"), Ok(()));
        assert_eq!(read(r#""files":["photo"],"#, "form:card"), Ok(()));
        for (more, at, pointer) in [
            (r#""csv":{"delimiter":";;"},"#, "csv:a", "/csv/delimiter"),
            (r#""csv":{"delimiter":"a"},"#, "csv:a", "/csv/delimiter"),
            (r#""csv":{"header":false},"#, "csv:a", "/in/0/at"),
            (r#""files":["card"],"#, "form:card", "/files/0"),
            (r#""files":["photo"],"#, "body:/card", "/files"),
        ] {
            assert_eq!(read(more, at), Err(pointer.to_owned()), "{more} {at}");
        }
    }
}
