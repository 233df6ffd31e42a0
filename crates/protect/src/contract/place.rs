//! Places: `body:/card/number`, `query:card`, `header:x-card`, `form:card`, `csv:card`, `line`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Most steps of a pointer.
const STEPS_MAX: usize = 64;

/// Where a field is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Place {
    /// In a JSON document.
    Body(Pointer),
    /// In the query of a URL.
    Query(String),
    /// In a header field; in lower case.
    Header(String),
    /// In a body of `application/x-www-form-urlencoded`.
    Form(String),
    /// In a column of a table.
    Csv(String),
    /// A whole line of a text.
    Line,
}

/// Why a text is no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no place: write `body:/card/number`, `query:NAME`, `header:NAME`, `form:NAME`, `csv:COLUMN` or `line`{}", .text.escape_debug(), .why)]
pub struct NoPlace {
    text: String,
    why: &'static str,
}

/// One step of a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of an object, or an element's number.
    Name(String),
    /// `*`: each element of a list. In an object it is the key `*`.
    Each,
}

/// A JSON pointer (RFC 6901) in which `*` stands for each element of a list, as `[*]` does in
/// JSONPath (RFC 9535).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(Vec<Step>);

impl Pointer {
    /// Reads a pointer.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Some(rest) = text.strip_prefix('/') else {
            return if text.is_empty() {
                Ok(Self(Vec::new()))
            } else {
                Err("; a pointer begins with `/`")
            };
        };
        let steps: Result<Vec<Step>, _> = rest.split('/').map(step).collect();
        let steps = steps?;
        if steps.len() > STEPS_MAX {
            Err("; a pointer has up to 64 steps")
        } else {
            Ok(Self(steps))
        }
    }

    /// The steps from the top.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether it may lead to several places.
    #[must_use]
    pub fn has_wildcard(&self) -> bool {
        self.0.contains(&Step::Each)
    }
}

fn step(text: &str) -> Result<Step, &'static str> {
    if text == "*" {
        return Ok(Step::Each);
    }
    let mut name = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        name.push(match (character, character == '~') {
            (_, false) => character,
            (_, true) => match characters.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => return Err("; in a pointer `~` is written `~0` and `/` in a name `~1`"),
            },
        });
    }
    Ok(Step::Name(name))
}

impl Place {
    /// Reads a place.
    ///
    /// # Errors
    /// [`NoPlace`] quotes the text and says how places are written.
    pub fn parse(text: &str) -> Result<Self, NoPlace> {
        let wrong = |why| NoPlace { text: text.chars().take(120).collect(), why };
        if text == "line" {
            return Ok(Self::Line);
        }
        let (kind, name) = text.split_once(':').ok_or_else(|| wrong(""))?;
        if name.is_empty() && kind != "body" {
            return Err(wrong("; the name is missing"));
        }
        Ok(match kind {
            "body" => Self::Body(Pointer::parse(name).map_err(wrong)?),
            "query" => Self::Query(name.to_owned()),
            "form" => Self::Form(name.to_owned()),
            "csv" => Self::Csv(name.to_owned()),
            "header" if name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) => {
                Self::Header(name.to_ascii_lowercase())
            }
            "header" => return Err(wrong("; this is no header's name")),
            _ => return Err(wrong("")),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(pointer) => write!(f, "body:{pointer}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Form(name) => write!(f, "form:{name}"),
            Self::Csv(name) => write!(f, "csv:{name}"),
            Self::Line => f.write_str("line"),
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| match step {
            Step::Each => f.write_str("/*"),
            Step::Name(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")),
        })
    }
}

impl TryFrom<String> for Place {
    type Error = NoPlace;
    fn try_from(text: String) -> Result<Self, NoPlace> {
        Self::parse(&text)
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_as_they_are_written() {
        for text in [
            "body:/card/number",
            "body:",
            "body:/a~1b/~0/*/0",
            "query:a b",
            "header:x-card",
            "form:é",
            "csv:a:b",
            "line",
        ] {
            assert_eq!(Place::parse(text).expect(text).to_string(), text);
        }
        assert_eq!(Place::parse("header:X-Card"), Place::parse("header:x-card"));
    }

    #[test]
    fn what_is_no_place_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "write `body:"),
            ("card", "write `body:"),
            ("csv:", "name is missing"),
            ("body:card", "begins with `/`"),
            ("body:/a~2", "`~0`"),
            ("body:/a~", "`~0`"),
            ("header:a b", "no header's name"),
            ("cookie:a", "write `body:"),
        ] {
            let said = Place::parse(text).expect_err(text).to_string();
            assert!(said.contains(why), "{said}");
        }
        assert!(Pointer::parse(&"/a".repeat(65)).is_err());
    }
}
