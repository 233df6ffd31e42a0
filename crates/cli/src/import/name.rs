//! Names of other platforms as names of ours.

use model::FunctionName;

/// Longest name that still leaves room for a number behind it.
const LETTERS_MAX: usize = 58;

/// A text in the alphabet of our names: words of `CamelCase` are apart, anything else is `-`.
pub(super) fn plain(text: &str) -> String {
    let mut name = String::new();
    let mut before = ' ';
    for c in text.chars() {
        let new_word =
            c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        if new_word && !name.ends_with('-') {
            name.push('-');
        }
        before = c;
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name: String = name.trim_matches('-').chars().take(LETTERS_MAX).collect();
    match name.trim_end_matches('-') {
        "" => "app".to_owned(),
        name if name.starts_with(|c: char| c.is_ascii_digit()) => format!("f-{name}"),
        name => name.to_owned(),
    }
}

/// A name that `allowed` takes, near this text.
pub(super) fn allowed<T>(text: &str, allowed: impl Fn(&str) -> Option<T>) -> Option<T> {
    let name = plain(text);
    allowed(&name).or_else(|| allowed(&format!("my-{name}")))
}

/// A function's name near this text that is not taken.
pub(super) fn function(text: &str, taken: &[FunctionName]) -> Option<FunctionName> {
    let first = allowed(text, |name| FunctionName::parse(name).ok())?;
    if !taken.contains(&first) {
        return Some(first);
    }
    let numbered = |number: usize| FunctionName::parse(&format!("{first}-{number}")).ok();
    (2..10_000).filter_map(numbered).find(|name| !taken.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_near_what_they_were() {
        for (text, expect) in [
            ("HelloWorldFunction", "hello-world-function"),
            ("getURL2Function", "get-url2-function"),
            ("create_user", "create-user"),
            ("9lives", "f-9lives"),
            ("äöü", "app"),
            ("a--b__", "a-b"),
        ] {
            assert_eq!(plain(text), expect);
        }
        assert!(plain(&"Ab".repeat(100)).len() <= LETTERS_MAX);
    }

    #[test]
    fn reserved_and_taken_names_are_moved_aside() {
        let first = function("events", &[]).expect("a name");
        assert_eq!(first.as_str(), "my-events");
        assert_eq!(function("Events", &[first]).expect("a name").as_str(), "my-events-2");
    }
}
