//! What the tests call with bytes that may be anything: the configuration file.
//!
//! Not for the real fuzzer: a build of this crate for it would take an hour. See
//! `docs/FUZZING.md`.

use super::file::File;

/// A configuration file. A complaint names a line that is there; where it knows a better key, that
/// key in the place of the wrong one is known, and no other complaint about the same key follows.
fn settings(bytes: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let Err((line, why, hint)) = File::parse(text) else { return Ok(()) };
    let last = text.matches('\n').count() + 1;
    if !(1..=last).contains(&line) {
        return Err(format!("line {line} of {last}: {why}"));
    }
    let Some(better) = hint.as_deref().and_then(|hint| hint.split('`').nth(1)) else {
        return Ok(());
    };
    let wrong = why.split('`').nth(1).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let Some(place) =
        lines.get_mut(line - 1).filter(|_| !wrong.is_empty() && wrong.chars().all(plain))
    else {
        return Ok(());
    };
    *place = place.replacen(wrong, better, 1);
    match File::parse(&lines.join("\n")) {
        Err((again, _, Some(hint))) if again == line && hint.contains(&format!("`{better}`")) => {
            Err(format!("`{better}` for `{wrong}` does not help: {hint}"))
        }
        _ => Ok(()),
    }
}

#[test]
fn settings_files() {
    fuzzing::run("settings", 3000, settings);
}
