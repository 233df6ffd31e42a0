//! Manifests that were broken in many ways, and what comes of doing what the hints say.

mod follow;
mod mutations;

use crate::rig::{casemate, repository};
use follow::followed;
use mutations::{Mutation, by_hand, of_every_entry};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Hints that are followed until the manifest has to be right.
const STEPS_MAX: usize = 5;

/// A complaint about a manifest.
#[derive(Debug)]
struct Complaint {
    code: String,
    detail: String,
    hint: String,
}

/// What `casemate check` says about a file; nothing if it is right.
fn check(file: &Path) -> Option<Complaint> {
    let mut command = casemate();
    let output = command.args(["--format", "json", "check"]).arg(file).output().expect("runs");
    if output.status.success() {
        return None;
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let problem: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    Some(Complaint { code: text("code"), detail: text("detail"), hint: text("hint") })
}

/// The line that a complaint names.
fn line_of(complaint: &Complaint, file: &Path, text: &str) -> usize {
    let start = format!("{}:", file.display());
    let rest = complaint.detail.strip_prefix(&start);
    let line = rest.and_then(|rest| rest.split(':').next()).and_then(|line| line.parse().ok());
    let line: usize = line.unwrap_or_else(|| panic!("no file and line: {complaint:?}"));
    let last = text.lines().count().max(1);
    assert!((1..=last + 1).contains(&line), "line {line} of {last}: {complaint:?}");
    line
}

/// Does what the hints say until the manifest is right. Gives what went wrong on the way.
fn mended(dir: &Path, mutation: &Mutation) -> Result<usize, String> {
    let file = dir.join("casemate.toml");
    let mut text = mutation.text.clone();
    let mut seen = BTreeSet::new();
    for step in 0..=STEPS_MAX {
        std::fs::write(&file, &text).expect("written");
        let Some(complaint) = check(&file) else { return Ok(step) };
        let line = line_of(&complaint, &file, &text);
        let story = format!("{}, step {step}: {complaint:?} of\n{text}", mutation.name);
        if complaint.code.len() != 5 || complaint.hint.is_empty() {
            return Err(format!("no code or no hint: {story}"));
        }
        if !seen.insert((complaint.detail.clone(), text.lines().nth(line - 1).map(str::to_owned))) {
            return Err(format!("said twice: {story}"));
        }
        match followed(&text, &complaint.hint) {
            Some(next) if next != text => text = next,
            _ => return Err(format!("the hint cannot be followed: {story}")),
        }
    }
    Err(format!("{}: not right after {STEPS_MAX} steps\n{text}", mutation.name))
}

/// The manifests of the templates and of the examples, and one with all else.
fn bases() -> Vec<(String, String)> {
    let at = |path: PathBuf| {
        let name = path.parent().and_then(Path::file_name).expect("a directory");
        (name.to_string_lossy().into_owned(), std::fs::read_to_string(&path).expect("readable"))
    };
    let root = repository();
    let templates = ["http-rust", "http-js", "spa"].map(|name| format!("templates/{name}"));
    let examples = ["examples", "examples/words", "examples/site"].map(str::to_owned);
    let files = templates.into_iter().chain(examples);
    let mut bases: Vec<_> = files.map(|path| at(root.join(path).join("casemate.toml"))).collect();
    bases.push(("rich".to_owned(), mutations::RICH.to_owned()));
    bases
}

#[test]
fn every_hint_about_a_broken_manifest_mends_it_or_leads_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let bases = bases();
    for (name, text) in &bases {
        std::fs::write(dir.path().join("casemate.toml"), text).expect("written");
        assert!(check(&dir.path().join("casemate.toml")).is_none(), "{name} is right");
    }
    let mut all = by_hand();
    all.extend(bases.iter().flat_map(|(name, text)| of_every_entry(name, text)));
    let distinct: BTreeSet<&str> = all.iter().map(|mutation| mutation.text.as_str()).collect();
    let (mut broken, mut failures) = (BTreeSet::new(), Vec::new());
    for mutation in &all {
        match mended(dir.path(), mutation) {
            Ok(0) if mutation.must_fail => failures.push(format!("{} is taken", mutation.name)),
            Ok(0) => {}
            Ok(_) => drop(broken.insert(&mutation.text)),
            Err(story) => failures.push(story),
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), all.len(), failures.join("\n"));
    assert!(broken.len() >= 200, "only {} of {} were broken", broken.len(), distinct.len());
}
