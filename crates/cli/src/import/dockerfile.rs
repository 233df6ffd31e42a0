//! What a Dockerfile says of the program in an image: its words, and what interprets it.

use std::path::Path;

/// Longest Dockerfile, in bytes.
const BYTES_MAX: u64 = 64 << 10;

/// What is started in an image.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Started {
    pub(super) command: Vec<String>,
    pub(super) interpreter: Option<String>,
}

/// Reads the Dockerfile of a directory, if it has one.
pub(super) fn read(directory: &Path) -> Option<Started> {
    use std::io::Read as _;
    let mut text = String::new();
    let file = std::fs::File::open(directory.join("Dockerfile")).ok()?;
    file.take(BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(parsed(&text))
}

fn parsed(text: &str) -> Started {
    let joined = text.replace("\\\n", " ");
    let mut image = "";
    let (mut entry, mut words): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for line in joined.lines().map(str::trim) {
        let (instruction, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match instruction.to_ascii_uppercase().as_str() {
            // A stage of its own begins: what was said before it is not of the image.
            "FROM" => {
                image = rest.split_whitespace().find(|word| !word.starts_with("--")).unwrap_or("");
                (entry, words) = (Vec::new(), Vec::new());
            }
            "ENTRYPOINT" => entry = exec(rest),
            "CMD" => words = exec(rest),
            _ => {}
        }
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    let (name, tag) = name.split_once(':').unwrap_or((name, ""));
    let version: String = tag.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let interpreter = match name {
        "python" if version.contains('.') => Some(format!("python{version}")),
        "python" => Some("python3".to_owned()),
        "node" => Some("node".to_owned()),
        "php" => Some("php".to_owned()),
        _ => None,
    };
    entry.extend(words);
    Started { command: entry, interpreter }
}

/// A list of words, or a line for a shell.
fn exec(text: &str) -> Vec<String> {
    let text = text.trim();
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(words) => words,
        Err(_) if text.is_empty() => Vec::new(),
        Err(_) => vec!["/bin/sh".to_owned(), "-c".to_owned(), text.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stage_says_what_is_started() {
        let text = "FROM golang:1.22 AS build\nCMD [\"no\"]\nFROM docker.io/library/python:3.11-slim\n\
                    ENTRYPOINT [\"python3\"]\nCMD [\"server.py\", \\\n \"--fast\"]\n";
        let started = parsed(text);
        assert_eq!(started.interpreter.as_deref(), Some("python3.11"));
        assert_eq!(started.command, ["python3", "server.py", "--fast"]);
        assert_eq!(parsed("from node\ncmd node x.js").command, ["/bin/sh", "-c", "node x.js"]);
        assert_eq!(parsed(""), Started::default());
    }
}
