//! Documents that are made from the code: the command line's reference, the manifest's schema and
//! the pages about error codes.
//!
//! Invariant: what is committed equals what is made here; the tests below hold it. After a change
//! of a command, a manifest key or a code run `UPDATE=1 cargo test -p casemate reference`.

use crate::args::Cli;
use clap::CommandFactory as _;
use model::Code;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const NOTICE: &str = "<!-- Made by `UPDATE=1 cargo test -p casemate reference`; do not edit. -->";

/// A document: where it lies below `docs/`, and what it says.
type Document = (PathBuf, String);

/// The command line's reference: the help of every command.
fn cli() -> Document {
    let mut out = format!("{NOTICE}\n\n# The command line\n\n");
    let mut root = Cli::command().term_width(100);
    root.build();
    help(&mut out, &mut root, "casemate", 2);
    (PathBuf::from("reference/cli.md"), out)
}

fn help(out: &mut String, command: &mut clap::Command, path: &str, level: usize) {
    let text = command.render_long_help().to_string();
    let text: Vec<&str> = text.lines().map(str::trim_end).collect();
    let heading = "#".repeat(level);
    let _infallible =
        write!(out, "{heading} {path}\n\n```text\n{}\n```\n\n", text.join("\n").trim());
    let names: Vec<String> = command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in names {
        if let Some(sub) = command.find_subcommand_mut(&name) {
            help(out, sub, &format!("{path} {name}"), (level + 1).min(4));
        }
    }
}

fn schema() -> Document {
    let text = serde_json::to_string_pretty(&crate::manifest::schema()).expect("plain data");
    (PathBuf::from("reference/manifest.schema.json"), text + "\n")
}

/// The ranges of codes, as `model::code` documents them.
const RANGES: &[(&str, &str)] = &[
    ("E01", "Deploying"),
    ("E02", "Policy"),
    ("E03", "Data"),
    ("E04", "Running"),
    ("E05", "Storing"),
    ("E06", "The node"),
    ("E07", "The gateway"),
    ("E08", "Identity"),
    ("E09", "Egress"),
    ("E10", "Budgets"),
    ("E11", "Keys"),
    ("E12", "The ledger"),
    ("E13", "Native functions"),
    ("E14", "Events"),
];

fn errors() -> Vec<Document> {
    let mut index = format!(
        "{NOTICE}\n\n# Error codes\n\n\
         Codes never change their meaning.\n`casemate explain CODE` prints these pages.\n"
    );
    for (prefix, name) in RANGES {
        let codes: Vec<&Code> =
            Code::ALL.iter().filter(|code| code.text().starts_with(prefix)).collect();
        if codes.is_empty() {
            continue;
        }
        let _infallible =
            write!(index, "\n## {name}\n\n| code | HTTP | meaning |\n|---|---|---|\n");
        for code in codes {
            let row = format!("| [{code}]({code}.md) | {} | {} |\n", code.status(), code.title());
            index.push_str(&row);
        }
    }
    let pages = Code::ALL.iter().map(|code| {
        let text = format!(
            "{NOTICE}\n\n# {code}: {}\n\nHTTP status: {}\n\n## Likely cause\n\n{}\n\n## What to do\n\n{}\n",
            code.title(),
            code.status(),
            sentences(code.cause()),
            sentences(code.remedy())
        );
        (PathBuf::from(format!("errors/{code}.md")), text)
    });
    let mut all: Vec<Document> = pages.collect();
    all.push((PathBuf::from("errors/README.md"), index));
    all
}

/// One sentence per line, as prose files are written.
fn sentences(text: &str) -> String {
    text.replace(". ", ".\n")
}

fn check(documents: Vec<Document>) {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let update = std::env::var_os("UPDATE").is_some();
    for (path, text) in documents {
        let file = docs.join(&path);
        if update {
            fs::create_dir_all(file.parent().expect("below docs")).expect("docs can be written");
            fs::write(&file, &text).expect("docs can be written");
        }
        let committed = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            committed == text,
            "docs/{} is not what the code says; run: UPDATE=1 cargo test -p casemate reference",
            path.display()
        );
    }
}

#[test]
fn the_committed_cli_reference_is_what_the_commands_say() {
    check(vec![cli()]);
}

#[test]
fn the_committed_manifest_schema_is_what_the_types_say() {
    check(vec![schema()]);
}

#[test]
fn the_committed_error_pages_are_what_the_codes_say() {
    let pages = errors();
    assert!(
        Code::ALL
            .iter()
            .all(|code| RANGES.iter().any(|(prefix, _)| code.text().starts_with(prefix))),
        "every code is in a range of the index"
    );
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    for entry in fs::read_dir(docs).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let known =
            pages.iter().any(|(path, _)| path.file_name() == Some(entry.file_name().as_ref()));
        assert!(known, "docs/errors/{name} belongs to no code");
    }
    check(pages);
}

#[test]
fn every_command_teaches_by_example() {
    fn walk(command: &clap::Command) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let name = sub.get_name();
            let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(
                !about.is_empty() && !about.contains('\n') && !about.ends_with('.'),
                "{name}: {about}"
            );
            let after = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.starts_with("Examples:\n  casemate "), "{name} has no examples");
            walk(sub);
        }
    }
    walk(&Cli::command());
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn completions_are_made_for_every_shell() {
    use clap::ValueEnum as _;
    for shell in clap_complete::Shell::value_variants() {
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut Cli::command(), "casemate", &mut script);
        let script = String::from_utf8(script).expect("text");
        assert!(script.contains("rollback"), "{shell}");
    }
}
