//! The repository's files, read once.
//!
//! Invariant: paths are relative to the root and written with `/`.

use anyhow::{Context as _, Result};
use std::path::Path;

/// Directories that hold nothing of ours.
const SKIPPED: &[&str] = &[".git", "target", "node_modules", "__pycache__", ".casemate"];

/// One file.
pub(super) struct File {
    /// Where it is.
    pub(super) path: String,
    /// What it says; nothing if it is no text.
    pub(super) text: String,
}

/// All files, by path.
#[derive(Default)]
pub(super) struct Tree {
    files: Vec<File>,
}

impl Tree {
    /// Reads every file below `root` that could be committed.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.walk(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn walk(&mut self, root: &Path, below: &str) -> Result<()> {
        let directory = root.join(below);
        let entries = std::fs::read_dir(&directory);
        for entry in entries.with_context(|| format!("cannot read {}", directory.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            let kind = entry.file_type()?;
            // In a second work tree `.git` is a file.
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if kind.is_dir() {
                self.walk(root, &path)?;
            } else if kind.is_file() {
                let bytes = std::fs::read(entry.path());
                let bytes = bytes.with_context(|| format!("cannot read {path}"))?;
                let text = String::from_utf8(bytes).unwrap_or_default();
                self.files.push(File { path, text });
            }
        }
        Ok(())
    }

    /// Files of these names and texts, for tests.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file =
            |(path, text): &(&str, &str)| File { path: (*path).into(), text: (*text).into() };
        Self { files: files.iter().map(file).collect() }
    }

    /// All files.
    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// Files whose name ends in `.extension`.
    pub(super) fn ending(&self, extension: &str) -> impl Iterator<Item = &File> {
        let end = format!(".{extension}");
        self.files.iter().filter(move |file| file.path.ends_with(&end))
    }

    /// What a file says.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    /// Whether there is a file, or a directory with files.
    pub(super) fn holds(&self, path: &str) -> bool {
        let directory = format!("{}/", path.trim_end_matches('/'));
        path.is_empty()
            || self.files.iter().any(|file| file.path == path || file.path.starts_with(&directory))
    }
}

/// The first line, from 1, of which `matches` is true; 1 if there is none.
pub(super) fn line_where(text: &str, matches: impl Fn(&str) -> bool) -> usize {
    text.lines().position(matches).map_or(1, |at| at + 1)
}
