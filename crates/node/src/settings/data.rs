//! `[data]`: what is protected in requests and looked for where data leaves functions, whatever
//! their manifests say.

use super::pick::{Pick, joined};
use engine::DataDefaults;
use model::manifest::{DataField, Exit, LaidField, LaidSpec};
use model::{Code, DataClass, FunctionName, Problem};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The section's keys in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    observe: Option<bool>,
    #[serde(default)]
    out: BTreeMap<DataClass, Exit>,
    #[serde(default)]
    classes: Vec<DataClass>,
    /// Fields as manifests have them, with `functions` beside.
    #[serde(default, rename = "in")]
    intake: Vec<toml::Table>,
}

impl File {
    /// What holds for all functions.
    pub(super) fn pick(self, pick: &mut Pick) -> Result<DataDefaults, Problem> {
        let Self { observe, out, classes, intake } = self;
        if let Some(class) = out.keys().find(|class| !protect::detect::finds(class)) {
            let detail = format!("`data.out`: no detector finds values of the class `{class}`");
            return Err(Problem::new(Code::BadConfig)
                .detail(detail)
                .hint("docs/reference/detection.md lists the classes that are found"));
        }
        let observe = pick.of("data.observe", false, observe);
        let shown = joined(out.iter().map(|(class, exit)| format!("{class} = {}", exit.word())));
        pick.of("data.out", "none".to_owned(), shown);
        let fields = intake.into_iter().enumerate().map(|(at, table)| {
            field(table).map_err(|why| {
                let detail = format!("`[[data.in]]` number {}: {why}", at + 1);
                Problem::new(Code::BadConfig).detail(detail)
            })
        });
        let laid = LaidSpec { classes, fields: fields.collect::<Result<_, _>>()? };
        protect::contract::check_operator(&laid).map_err(|problem| {
            let detail = problem.detail.unwrap_or_default();
            Problem::new(Code::BadConfig).detail(format!("`[[data.in]]`: {detail}"))
        })?;
        let shown = joined(laid.fields.iter().map(|one| {
            let names = one.functions.iter().map(FunctionName::as_str).collect::<Vec<_>>();
            let of = if names.is_empty() { "all".to_owned() } else { names.join(" and ") };
            format!("{} as {} of {of}", one.field.at, one.field.class)
        }));
        pick.of("data.in", "none".to_owned(), shown);
        Ok(DataDefaults { observe, out, laid })
    }
}

/// A field, and the functions that it is laid over.
fn field(mut table: toml::Table) -> Result<LaidField, String> {
    let functions = table.remove("functions").map(|value| {
        let names: Vec<FunctionName> =
            value.try_into().map_err(|error| format!("`functions`: {error}"))?;
        // Nobody means all functions by a list of none.
        if names.is_empty() { Err("`functions` names none".to_owned()) } else { Ok(names) }
    });
    let functions = functions.transpose()?.unwrap_or_default();
    let read = DataField::deserialize(toml::Value::Table(table));
    Ok(LaidField { functions, field: read.map_err(|error| error.message().to_owned())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DataDefaults, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        file.pick(&mut Pick(Vec::new())).map_err(|problem| problem.to_string())
    }

    /// A field of the operator's, with something else in it.
    fn laid(from: &str, to: &str) -> String {
        "[[in]]\nat = \"body:/card\"\nclass = \"pan\"\ntransform = \"token\"\nfunctions = [\"shop\"]\n"
            .replacen(from, to, 1)
    }

    #[test]
    fn reads_what_is_laid_over_functions() {
        let data = read(&laid("", "")).expect("valid");
        let shop = FunctionName::parse("shop").expect("a name");
        let other = FunctionName::parse("other").expect("a name");
        assert_eq!(data.laid.over(&shop).count(), 1);
        assert_eq!(data.laid.over(&other).count(), 0);
        let own = format!("classes = [\"pet\"]\n{}", laid("\"pan\"", "\"pet\""));
        assert!(read(&own.replace("functions = [\"shop\"]\n", "")).is_ok());
    }

    #[test]
    fn reads_what_holds_for_all_functions() {
        let data =
            read("observe = true\n[out]\npan = \"mask\"\nsecret = \"block\"\n").expect("valid");
        assert!(data.observe);
        let out: Vec<_> = data.out.iter().map(|(class, exit)| (class.as_str(), *exit)).collect();
        assert_eq!(out, [("pan", Exit::Mask), ("secret", Exit::Block)]);
        assert_eq!(read("").expect("valid"), DataDefaults::default());
        for (text, what) in [
            ("[out]\nname = \"mask\"\n", "no detector"),
            ("[out]\npan = \"hide\"\n", "unknown variant"),
            ("[out]\nPAN = \"mask\"\n", "no class"),
            ("mask = true\n", "unknown field"),
            ("[[in]]\nat = \"body:/a\"\n", "number 1: missing field"),
            (&laid("at", "where"), "unknown field"),
            (&laid("\"pan\"", "\"pet\""), "no class of the platform's own"),
            (&laid("body:/card", "line"), "no such place"),
            (&laid("[\"shop\"]", "[]"), "names none"),
            (&laid("\"shop\"", "\"Sh op\""), "functions"),
        ] {
            let said = read(text).expect_err(text);
            assert!(said.contains(what), "{text}: {said}");
        }
    }
}
