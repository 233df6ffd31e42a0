//! Commands that people are told to type: how this program is called, and words that a shell
//! takes unchanged.

use std::path::Path;

/// How this program was called, so that the commands work where it is not on the PATH, and from
/// any directory.
pub(crate) fn program() -> String {
    let called = std::env::args_os().next().and_then(|name| name.into_string().ok());
    let Some(called) = called.filter(|name| name.contains('/')) else {
        return "casemate".to_owned();
    };
    let absolute = std::path::absolute(Path::new(&called)).ok();
    absolute.and_then(|path| path.into_os_string().into_string().ok()).unwrap_or(called)
}

/// A word as a shell takes it unchanged.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_shell_unchanged() {
        assert_eq!(quoted("./data"), "./data");
        assert_eq!(quoted("my data"), "'my data'");
        assert_eq!(quoted("a'b$(id)"), r"'a'\''b$(id)'");
        assert_eq!(quoted("-"), "-");
        assert_eq!(quoted("http://127.0.0.1:8080/a?b=1"), "'http://127.0.0.1:8080/a?b=1'");
    }
}
