//! What a failed build says is missing on this machine, and how to get it.

/// What the tools say, and what to do about it. The first that fits is given.
const KNOWN: &[(&str, &str)] = &[
    ("target may not be installed", "rustup target add wasm32-wasip2"),
    ("the `wasm32-wasip2` target", "rustup target add wasm32-wasip2"),
    ("ensurepip is not", "install Python's venv, on Debian: `apt install python3-venv`"),
    ("No module named venv", "install Python's venv, on Debian: `apt install python3-venv`"),
];

/// Programs that builds begin with.
const PROGRAMS: &[(&str, &str)] = &[
    ("cargo", "install Rust: https://rustup.rs"),
    ("rustup", "install Rust: https://rustup.rs"),
    ("npm", "install Node 20 or newer with npm: https://nodejs.org"),
    ("node", "install Node 20 or newer: https://nodejs.org"),
    ("python3", "install Python 3.10 or newer with venv and pip: https://www.python.org"),
];

/// How a shell says that there is no program of that name.
const NOT_FOUND: i32 = 127;

/// What to install, if the build failed for the lack of it.
pub(super) fn missing(code: i32, said: &str) -> Option<String> {
    if let Some((_, advice)) = KNOWN.iter().find(|(words, _)| said.contains(words)) {
        return Some((*advice).to_owned());
    }
    if code != NOT_FOUND {
        return None;
    }
    // `sh: 1: npm: not found`, `sh: npm: command not found`, `sh: line 1: npm: command not found`
    let line = said.lines().rev().find(|line| line.contains("not found"))?;
    let program = line.split(": ").filter(|part| !part.ends_with("not found")).last()?.trim();
    let known = PROGRAMS.iter().find(|(name, _)| *name == program);
    Some(known.map_or_else(
        || format!("install `{program}`, or correct `build` in the manifest"),
        |(_, advice)| (*advice).to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_to_install() {
        for (code, said, expect) in [
            (127, "sh: 1: npm: not found\n", Some("install Node 20")),
            (127, "/bin/sh: line 1: cargo: command not found\n", Some("install Rust")),
            (127, "sh: frob: command not found", Some("install `frob`")),
            (
                101,
                "error[E0463]: can't find crate for `core`\n  = note: the `wasm32-wasip2` target may not be installed\n",
                Some("rustup target add wasm32-wasip2"),
            ),
            (1, "Error: ensurepip is not available", Some("install Python's venv")),
            (101, "error: expected `;`", None),
            (1, "404 not found", None),
        ] {
            let advice = missing(code, said);
            match expect {
                Some(expect) => assert!(
                    advice.as_deref().is_some_and(|a| a.starts_with(expect)),
                    "{said}: {advice:?}"
                ),
                None => assert_eq!(advice, None, "{said}"),
            }
        }
    }
}
