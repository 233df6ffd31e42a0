//! Projects of other platforms, imported, deployed and called; and applications of ours, exported.

mod back;
mod formats;
mod odd;

use crate::rig::{Node, casemate, repository, request};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A copy of a project of `tests/import`.
struct Project(tempfile::TempDir);

impl Project {
    fn of(name: &str) -> Self {
        let project = Self(tempfile::tempdir().expect("a directory"));
        copy(&repository().join("tests/import").join(name), &project.dir());
        project
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().expect("a directory"));
        for (name, text) in files {
            let file = project.dir().join(name);
            fs::create_dir_all(file.parent().expect("a parent")).expect("made");
            fs::write(file, text).expect("written");
        }
        project
    }

    fn dir(&self) -> PathBuf {
        self.0.path().join("project")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir().join(name)).expect(name)
    }

    /// Runs a command in the project.
    fn run(&self, words: &[&str]) -> Output {
        casemate().args(words).current_dir(self.dir()).output().expect("the binary runs")
    }

    fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    fn json(&self, words: &[&str]) -> Value {
        let text = self.ok(&[words, &["--format", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn refused(&self, words: &[&str], code: &str, part: &str) {
        let output = self.run(words);
        let text = said(&output);
        assert!(!output.status.success(), "{words:?}: {text}");
        assert!(
            text.contains(code) && text.contains(part),
            "{words:?}: no {code} or `{part}`: {text}"
        );
    }

    fn deploy(&self, node: &Node) {
        node.ok(&["deploy", "--grant", self.dir().to_str().expect("text")]);
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("readable").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// The answer to a GET of a holder of this token, in JSON.
fn answer(node: &Node, path: &str, token: Option<&str>) -> Value {
    let reply = request(node.gateway, "GET", path, token, b"");
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    serde_json::from_str(&reply.text()).unwrap_or_else(|error| panic!("{error}: {}", reply.text()))
}

fn has(list: &Value, function: &str, part: &str) -> bool {
    let items = list.as_array().expect("a list");
    items.iter().any(|it| {
        (function.is_empty() || it["function"] == function)
            && it["what"].as_str().is_some_and(|what| what.contains(part))
    })
}

/// Sets every secret that a report names, to `value-of-NAME`.
fn set_secrets(node: &Node, project: &Project, report: &Value) {
    for asked in report["secrets"].as_array().expect("secrets") {
        let name = asked["secret"].as_str().expect("a name");
        let file = project.0.path().join(name);
        fs::write(&file, format!("value-of-{name}")).expect("written");
        node.ok(&["secret", "set", name, "--file", file.to_str().expect("text")]);
    }
}
