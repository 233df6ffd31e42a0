//! A manifest's text with its places: every complaint names file and line.

use model::{Code, Problem};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// What is wrong, and where in the text.
#[derive(Debug)]
pub(crate) struct Fault {
    /// With the file and the line.
    pub(crate) problem: Problem,
    /// The bytes that it is about; all of them if that is not known.
    pub(crate) span: Range<usize>,
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        fault.problem
    }
}

/// A manifest that was read as TOML, and nothing more yet.
pub(super) struct Document<'a> {
    /// What to call the file.
    file: String,
    text: &'a str,
    pub(super) root: DeTable<'a>,
}

impl<'a> Document<'a> {
    /// Reads the text as TOML.
    ///
    /// # Errors
    /// E0118 with the line.
    pub(super) fn parse(file: &str, text: &'a str) -> Result<Self, Fault> {
        let root = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            let line = line_of(text, Some(span.clone()));
            let what = format!("{file}:{line}: {}", first_line(error.message()));
            Fault { problem: Problem::new(Code::ManifestUnreadable).detail(what), span }
        })?;
        Ok(Self { file: file.to_owned(), text, root: root.into_inner() })
    }

    /// What the file is called.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// A problem at a place.
    pub(super) fn at(
        &self,
        code: Code,
        span: Option<Range<usize>>,
        what: impl std::fmt::Display,
    ) -> Problem {
        let line = line_of(self.text, span);
        Problem::new(code).detail(format!("{}:{line}: {what}", self.file))
    }

    /// A problem at a place, with the place.
    pub(super) fn fault(
        &self,
        code: Code,
        span: Option<Range<usize>>,
        what: impl std::fmt::Display,
    ) -> Fault {
        let problem = self.at(code, span.clone(), what);
        Fault { problem, span: span.unwrap_or(0..self.text.len()) }
    }

    /// Reads the text as a manifest.
    ///
    /// # Errors
    /// E0104 with the line and what was expected there.
    pub(super) fn manifest(&self) -> Result<model::Manifest, Fault> {
        toml::from_str(self.text).map_err(|error: toml::de::Error| {
            let key = error.span().and_then(|span| self.key_at(&span));
            let key = key.map(|key| format!("`{key}`: ")).unwrap_or_default();
            self.fault(
                Code::ManifestValue,
                error.span(),
                format_args!("{key}{}", first_line(error.message())),
            )
        })
    }

    /// The place that a JSON pointer means, or of what is nearest above it.
    pub(super) fn pointed(&self, pointer: &str) -> Option<Range<usize>> {
        let mut steps = pointer.split('/').skip(1);
        let first = self.root.get(steps.next()?)?;
        let (mut value, mut place) = (first.get_ref(), first.span());
        for step in steps {
            let inner = match value {
                DeValue::Table(table) => table.get(step),
                DeValue::Array(items) => step.parse().ok().and_then(|at: usize| items.get(at)),
                _ => None,
            };
            let Some(inner) = inner else { break };
            (value, place) = (inner.get_ref(), inner.span());
        }
        Some(place)
    }

    /// The place of a function's key.
    pub(super) fn function_key(&self, index: usize, key: &str) -> Option<Range<usize>> {
        self.key("function", index, key)
    }

    /// The place of a key in one of several tables of the same name.
    pub(super) fn key(&self, tables: &str, index: usize, key: &str) -> Option<Range<usize>> {
        let table = self.root.get(tables)?.get_ref().as_array()?.get(index)?;
        let found = table.get_ref().as_table()?.get(key).map(toml::Spanned::span);
        found.or_else(|| Some(table.span()))
    }

    /// The key whose value stands at a place.
    fn key_at(&self, place: &Range<usize>) -> Option<String> {
        fn search(table: &DeTable<'_>, place: &Range<usize>) -> Option<String> {
            table.iter().find_map(|(key, value)| {
                let here = value.span().start <= place.start && place.end <= value.span().end;
                let exact = value.span() == *place;
                match value.get_ref() {
                    _ if exact && !value.get_ref().is_table() => Some(key.get_ref().to_string()),
                    DeValue::Table(inner) => search(inner, place),
                    DeValue::Array(items) => items
                        .iter()
                        .find_map(|item| item.get_ref().as_table().and_then(|t| search(t, place)))
                        .or_else(|| here.then(|| key.get_ref().to_string())),
                    _ => None,
                }
            })
        }
        search(&self.root, place)
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

/// The line, from 1, in which a place begins; 1 if there is no place.
fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start);
    text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1
}
