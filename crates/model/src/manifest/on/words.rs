//! What an event trigger wants, as lists show it.

use super::{EventTrigger, Filter};
use std::collections::BTreeMap;
use std::fmt;

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(texts) => compared(f, texts, "is"),
            Self::Prefix(texts) => compared(f, texts, "begins"),
            Self::Suffix(texts) => compared(f, texts, "ends"),
            Self::All(some) => joined(f, some, "and"),
            Self::Any(some) => joined(f, some, "or"),
            Self::Not(one) => write!(f, "not ({one})"),
        }
    }
}

/// Each attribute with its text, which is quoted: it may look like a condition.
fn compared(
    f: &mut fmt::Formatter<'_>,
    texts: &BTreeMap<String, String>,
    how: &str,
) -> fmt::Result {
    for (at, (name, text)) in texts.iter().enumerate() {
        let and = if at > 0 { " and " } else { "" };
        write!(f, "{and}{name} {how} {text:?}")?;
    }
    Ok(())
}

fn joined(f: &mut fmt::Formatter<'_>, some: &[Filter], word: &str) -> fmt::Result {
    for (at, one) in some.iter().enumerate() {
        if at > 0 {
            write!(f, " {word} ")?;
        }
        write!(f, "({one})")?;
    }
    Ok(())
}

impl EventTrigger {
    /// Which events it wants, in words: `type is "com.x.paid" and not (subject ends "/test")`.
    #[must_use]
    pub fn wanted(&self) -> String {
        let own = [("type", &self.kind), ("source", &self.source), ("subject", &self.subject)];
        let own = own.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
        let own = own.map(|(name, text)| format!("{name} is {text:?}"));
        let filters = self.filter.iter().map(|one| match one {
            Filter::Any(some) if some.len() > 1 => format!("({one})"),
            _ => one.to_string(),
        });
        let all: Vec<String> = own.chain(filters).collect();
        if all.is_empty() { "every event".to_owned() } else { all.join(" and ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_said_in_words_that_mean_one_thing() {
        for (trigger, words) in [
            ("", "every event"),
            (r#","type":"com.x.paid""#, r#"type is "com.x.paid""#),
            (
                r#","type":"a","source":"/b","subject":"c""#,
                r#"type is "a" and source is "/b" and subject is "c""#,
            ),
            (
                r#","filter":[{"not":{"suffix":{"subject":"/test"}}}]"#,
                r#"not (subject ends "/test")"#,
            ),
            (
                r#","type":"a","filter":[{"any":[{"prefix":{"n":"1","m":"2"}},{"exact":{"o":"3"}}]}]"#,
                r#"type is "a" and ((m begins "2" and n begins "1") or (o is "3"))"#,
            ),
            (r#","filter":[{"all":[{"exact":{"n":"1"}}]}]"#, r#"(n is "1")"#),
            // What a text says is no condition.
            (r#","type":"a\" or n is \"b""#, r#"type is "a\" or n is \"b""#),
        ] {
            let text = format!(r#"{{"name":"t"{trigger}}}"#);
            let trigger: EventTrigger = serde_json::from_str(&text).expect(&text);
            assert_eq!(trigger.wanted(), words);
        }
    }
}
