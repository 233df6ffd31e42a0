//! YAML as the files of other platforms are written: blocks, and texts in quotes wherever a reader
//! could take them for something else.

use std::fmt::Write as _;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Yaml {
    Text(String),
    Number(u64),
    Truth(bool),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
    /// A text with a tag, such as `!Ref`.
    Tagged(&'static str, String),
}

impl Yaml {
    /// A map of these.
    pub(super) fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// A text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A document.
    pub(super) fn document(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        match self {
            Self::Map(entries) => {
                for (key, value) in entries {
                    let _infallible = write!(out, "{indent}{}:", scalar(key));
                    value.behind(out, depth);
                }
            }
            Self::List(items) => {
                for item in items {
                    let _infallible = write!(out, "{indent}-");
                    match item {
                        Self::Map(entries) if !entries.is_empty() => {
                            let mut inner = String::new();
                            item.write(&mut inner, depth + 1);
                            let _infallible = write!(out, " {}", inner.trim_start());
                        }
                        item => item.behind(out, depth),
                    }
                }
            }
            one => one.behind(out, depth),
        }
    }

    /// What stands behind a key or a dash.
    fn behind(&self, out: &mut String, depth: usize) {
        let _infallible = match self {
            Self::Text(text) => writeln!(out, " {}", scalar(text)),
            Self::Number(number) => writeln!(out, " {number}"),
            Self::Truth(truth) => writeln!(out, " {truth}"),
            Self::Tagged(tag, text) => writeln!(out, " {tag} {}", scalar(text)),
            Self::List(items) if items.is_empty() => writeln!(out, " []"),
            Self::Map(entries) if entries.is_empty() => writeln!(out, " {{}}"),
            Self::List(_) | Self::Map(_) => {
                out.push('\n');
                self.write(out, depth + 1);
                Ok(())
            }
        };
    }
}

/// A text, in quotes unless nobody could take it for something else.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./".contains(c) || c == '-';
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if begins && text.chars().all(plain) && !word.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    // A string of JSON's is one of YAML's, too.
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let texts =
            ["yes", "a: b", "- x", "", "#", "!Ref x", "äö\n\"\\", "1", "~", "{a}", "a/b-c.d_e"];
        let list = texts.map(Yaml::text).to_vec();
        let yaml = Yaml::map([
            ("list", Yaml::List(list)),
            (
                "rows",
                Yaml::List(vec![Yaml::map([
                    ("a", Yaml::Number(1)),
                    ("b", Yaml::map([("c", Yaml::Truth(true))])),
                ])]),
            ),
            ("ref", Yaml::Tagged("!Ref", "Table".to_owned())),
            ("none", Yaml::List(vec![])),
        ]);
        let read = crate::import::yaml_of(&yaml.document());
        assert_eq!(
            read.get("list").map(|it| it
                .items()
                .iter()
                .filter_map(|it| it.scalar().map(str::to_owned))
                .collect::<Vec<_>>()),
            Some(texts.map(str::to_owned).to_vec())
        );
        assert_eq!(read.at(&["ref"]).and_then(|it| it.tag.clone()).as_deref(), Some("!Ref"));
        let row = read.get("rows").and_then(|it| it.items().first().cloned()).expect("a row");
        assert_eq!(
            (row.text_at("a"), row.at(&["b", "c"]).and_then(|it| it.text().map(str::to_owned))),
            (Some("1"), Some("true".to_owned()))
        );
    }
}
