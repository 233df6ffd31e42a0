//! From `casemate new` to a changed answer, in each language, with every printed hint followed
//! as it stands.

use super::{Going, err, installed, out, shell, typed};
use crate::rig::{BINARY, casemate, repository};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A directory with a program `cargo` that builds for `wasm32-wasip2` although rustup's target is
/// not installed here; none where it is.
fn stand_in(dir: &Path) -> Option<PathBuf> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().expect("rustc");
    let sysroot = String::from_utf8(sysroot.stdout).expect("text");
    if Path::new(sysroot.trim()).join("lib/rustlib/wasm32-wasip2/lib").is_dir() {
        return None;
    }
    let xtask = Path::new(BINARY).with_file_name("xtask");
    assert!(xtask.exists(), "{} is missing: run `cargo xtask guests`", xtask.display());
    let bin = dir.join("bin");
    std::fs::create_dir(&bin).expect("made");
    program(&bin.join("cargo"), &format!("exec '{}' wasip2 \"$@\"\n", xtask.display()));
    Some(bin)
}

/// A program of these lines.
fn program(path: &Path, lines: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{lines}")).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("chmod");
}

/// A newcomer's terminals.
pub(super) struct Newcomer {
    dir: tempfile::TempDir,
    bin: Option<PathBuf>,
    /// Typed in the project before anything else.
    first: Option<String>,
}

impl Newcomer {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let bin = stand_in(dir.path());
        Self { dir, bin, first: None }
    }

    /// One who has this program of a language's own tools, which does what these lines of a shell
    /// say.
    pub(super) fn with_program(name: &str, lines: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let bin = dir.path().join("bin");
        std::fs::create_dir(&bin).expect("made");
        program(&bin.join(name), lines);
        Self { dir, bin: Some(bin), first: None }
    }

    /// One who types this in the project before anything else.
    pub(super) fn with_line(self, line: &str) -> Self {
        Self { first: Some(line.to_owned()), ..self }
    }

    pub(super) fn shell(&self, line: &str) -> Command {
        let mut command = shell(line, self.dir.path());
        if let Some(bin) = &self.bin {
            let path = command.get_envs().find(|(name, _)| *name == "PATH");
            let path = path.and_then(|(_, path)| path).expect("a path").to_owned();
            let paths = [bin.clone()].into_iter().chain(std::env::split_paths(&path));
            command.env("PATH", std::env::join_paths(paths).expect("joined"));
        }
        command
    }

    /// Makes the project, and gives the commands that are printed at the end.
    pub(super) fn make(&self, template: &str) -> Vec<String> {
        let made = self.shell(&format!("casemate new hello -t {template}")).output().expect("sh");
        assert!(made.status.success(), "{}", err(&made));
        let text = out(&made);
        let (_, next) = text.split_once("next:\n\n").expect("what to do next");
        next.lines().map(|line| line.trim().to_owned()).collect()
    }

    pub(super) fn project(&self) -> PathBuf {
        self.dir.path().join("hello")
    }

    /// The newcomer's way, from the first command to a changed answer and a changed example.
    pub(super) fn go(&self, template: &str, source: &str, change: (&str, &str)) {
        let next = self.make(template);
        assert_eq!(next, ["cd hello", "casemate watch"]);
        if template.starts_with("http-") {
            self.share_tools();
        }
        if let Some(line) = &self.first {
            let typed = self.shell(&format!("cd hello && {line}")).output().expect("sh");
            assert!(typed.status.success(), "{}", err(&typed));
        }
        let mut watch = Going::of(self.shell(&format!("{} && exec {}", next[0], next[1])));
        watch.until("try in another terminal");
        let curl = watch.until("  curl");
        assert_eq!(out(&typed(&curl, self.dir.path())), "Hello, Ada!\n", "{curl}");
        let file = self.project().join(source);
        let text = std::fs::read_to_string(&file).expect(source);
        assert!(text.contains(change.0), "{text}");
        std::fs::write(&file, text.replace(change.0, change.1)).expect("written");
        watch.until(&format!("{source} changed"));
        watch.until("hello is new");
        let answer = out(&typed(&curl, self.dir.path()));
        assert!(answer.starts_with("Good day, Ada"), "{answer}");
        assert_eq!(watch.interrupt(), Some(0));
        self.test();
    }

    /// The example fails, shows the difference, and is updated.
    fn test(&self) {
        let failed = self.shell("cd hello && casemate test --no-build --update").output();
        let failed = failed.expect("sh");
        let said = out(&failed);
        assert!(said.contains("- Hello, Ada!") && said.contains("+ Good day, Ada"), "{said}");
        assert!(failed.status.success(), "{}", err(&failed));
    }

    /// What the CI runs.
    pub(super) fn passes_its_own_recipe(&self) {
        let recipe = self.shell("cd hello && sh ci.sh").output().expect("sh");
        assert!(recipe.status.success(), "{}{}", out(&recipe), err(&recipe));
    }

    /// Tools that the repository's own guests were built with are not fetched again.
    fn share_tools(&self) {
        let link = |from: Option<PathBuf>, to: &str| {
            if let Some(from) = from {
                std::os::unix::fs::symlink(from, self.project().join(to)).expect("a link");
            }
        };
        if self.project().join("package.json").exists() {
            link(installed("js/node_modules"), "node_modules");
        }
        if self.project().join("requirements.txt").exists() {
            link(installed("venv"), ".venv");
        }
    }
}

#[test]
fn from_new_to_a_changed_answer_in_rust() {
    let newcomer = Newcomer::new();
    newcomer.go("http-rust", "src/main.rs", ("Hello", "Good day"));
    newcomer.passes_its_own_recipe();
}

#[test]
fn from_new_to_a_changed_answer_in_javascript() {
    let newcomer = Newcomer::new();
    let changed = "Good day, ${name}, it is ${new Date().toISOString()}!";
    newcomer.go("http-js", "src/function.js", ("Hello, ${name}!", changed));
    let manifest = std::fs::read_to_string(newcomer.project().join("casemate.toml"));
    let manifest = manifest.expect("there");
    assert!(manifest.contains("it is 2026-01-01T00:00:00.000Z!"), "time stands still: {manifest}");
}

#[test]
fn from_new_to_a_changed_answer_in_python() {
    let newcomer = Newcomer::new();
    newcomer.go("http-python", "app.py", ("Hello", "Good day"));
}

#[test]
fn from_new_to_a_changed_file_of_a_single_page_application() {
    let newcomer = Newcomer::new();
    let next = newcomer.make("spa");
    let mut watch = Going::of(newcomer.shell(&format!("{} && exec {}", next[0], next[1])));
    watch.until("try in another terminal");
    let curl = watch.until("  curl");
    let page = out(&typed(&curl, newcomer.dir.path()));
    assert!(page.starts_with("<!doctype html>") && page.contains("<title>hello</title>"), "{page}");
    let script = format!("{}app.js", curl.trim_end().trim_end_matches('\''));
    assert!(out(&typed(&script, newcomer.dir.path())).contains("Hello, World!"), "{script}");
    let file = newcomer.project().join("public/app.js");
    let text = std::fs::read_to_string(&file).expect("a script");
    std::fs::write(&file, text.replace("Hello, World!", "Good day, World!")).expect("written");
    watch.until("public/app.js changed");
    watch.until("is new");
    assert!(out(&typed(&script, newcomer.dir.path())).contains("Good day, World!"), "{script}");
    assert_eq!(watch.interrupt(), Some(0));
    newcomer.passes_its_own_recipe();
}

#[test]
fn the_readmes_of_the_templates_say_what_works() {
    let help = casemate().arg("--help").output().expect("runs");
    let commands: Vec<String> = out(&help)
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next().map(str::to_owned))
        .collect();
    let templates = std::fs::read_dir(repository().join("templates")).expect("there").flatten();
    let templates = templates.filter(|entry| entry.path().join("casemate.toml").exists());
    let newcomer = Newcomer::new();
    for template in templates.map(|entry| entry.file_name().into_string().expect("text")) {
        let line = format!("casemate new hello --dir '{template}' -t '{template}'");
        let made = newcomer.shell(&line).output().expect("sh");
        assert!(made.status.success(), "{template}: {}", err(&made));
        let readme = newcomer.dir.path().join(&template).join("README.md");
        let text = std::fs::read_to_string(readme).expect("readable");
        let typed = text.lines().filter_map(|line| line.strip_prefix("casemate "));
        let mut count = 0;
        for line in typed {
            let command = line.split_whitespace().next().expect("a command");
            assert!(commands.iter().any(|known| known == command), "{template}: {line}");
            count += 1;
        }
        assert!(count >= 3, "{template}: {text}");
    }
}
