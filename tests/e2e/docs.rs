//! Every command of the documentation is run, as it is written.
//!
//! Blocks marked `sh` of the README, the guides and the concepts are run page by page, in order,
//! in one shell and a directory of their own. What stands in a comment before a block:
//!
//! - `<!-- not run: REASON -->`: the block is left out, for this reason.
//! - `<!-- file: PATH -->`: the block is written to this file first.
//! - `<!-- instead: COMMAND -->`: this is run in the block's place, where it names the reader's own.
//!
//! The shell differs from a reader's in this: the listeners are on free ports, absolute
//! directories lie below the page's own, `casemate up` and `casemate watch` go to the background
//! until the next one or the page's end, what follows (`-f`) is ended after two seconds, and `ID`
//! is the newest invocation.

use crate::rig::{BINARY, repository};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the shell knows before a page begins. What a page has run beside it is in `BESIDE`.
const PRELUDE: &str = r#"
set -eu -o pipefail
NODE=
BESIDE=
stop() { if [ -n "$NODE" ]; then kill "$NODE" 2>/dev/null && wait "$NODE" || true; NODE=; fi; }
trap 'stop; kill $BESIDE 2>/dev/null || true' EXIT
ready() {
    for _ in $(seq 600); do
        if curl -sf -o /dev/null "http://$CASEMATE_ADMIN/readyz"; then return 0; fi
        kill -0 "$NODE" 2>/dev/null || break
        sleep 0.1
    done
    cat "$ROOT/node.log"; echo "the node did not become ready" >&2; return 1
}
newest() { command casemate records -n 1 --format json | grep -o '"id": *"[^"]*"' | head -1 | cut -d'"' -f4; }
casemate() {
    local words=() word
    for word in "$@"; do
        if [ "$word" = ID ]; then word=$(newest); fi
        words+=("$word")
    done
    case " ${words[*]} " in
    " up "*|" watch "*)
        stop
        command casemate "${words[@]}" >"$ROOT/node.log" 2>&1 &
        NODE=$!
        ready ;;
    *" -f "*) timeout 2 casemate "${words[@]}" || [ $? = 124 ] ;;
    *) command casemate "${words[@]}" ;;
    esac
}
"#;

/// A fenced block, and what the comment before it says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) line: usize,
    pub(crate) language: String,
    pub(crate) text: String,
    pub(crate) note: Option<String>,
}

/// The blocks of a page.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut note = None;
    let mut open: Option<Block> = None;
    for (index, line) in page.lines().enumerate() {
        let content = line.trim_start();
        match (&mut open, content.strip_prefix("```")) {
            (None, Some(language)) => {
                let language = language.trim().to_owned();
                let note = note.take();
                open = Some(Block { line: index + 1, language, text: String::new(), note });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {
                let inner = content.strip_prefix("<!-- ").and_then(|c| c.strip_suffix(" -->"));
                if let Some(inner) = inner {
                    note = Some(inner.to_owned());
                } else if !content.is_empty() {
                    note = None;
                }
            }
        }
    }
    found
}

/// The script of a page; empty if nothing of it is run.
fn script(page: &Path, text: &str) -> String {
    let name = page.display();
    let mut script = String::new();
    let mut runs = false;
    for block in blocks(text) {
        let note = block.note.as_deref().unwrap_or_default();
        if let Some(path) = note.strip_prefix("file: ") {
            script.push_str(&format!(
                "mkdir -p \"$(dirname '{path}')\"; cat >'{path}' <<'END_OF_FILE'\n{}END_OF_FILE\n",
                block.text
            ));
            continue;
        }
        if block.language != "sh" {
            continue;
        }
        if let Some(reason) = note.strip_prefix("not run: ") {
            assert!(reason.len() > 8, "{name}:{}: say why it is not run", block.line);
            continue;
        }
        runs = true;
        if let Some(instead) = note.strip_prefix("instead: ") {
            script.push_str(&format!("echo '--- {name}:{}' >&2\n{instead}\n", block.line));
            continue;
        }
        script.push_str(&format!("echo '--- {name}:{}' >&2\n{}", block.line, block.text));
    }
    if runs { script } else { String::new() }
}

/// Every page whose commands are run.
fn pages() -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("README.md")];
    for directory in ["docs/guides", "docs/concepts"] {
        let entries = fs::read_dir(repository().join(directory)).expect(directory).flatten();
        found.extend(entries.map(|entry| Path::new(directory).join(entry.file_name())));
    }
    found.retain(|path| path.extension().is_some_and(|kind| kind == "md"));
    found.sort();
    found
}

/// Where a toolchain is, which is found by the home directory unless a variable names it.
fn toolchain(variable: &'static str) -> Option<(&'static str, PathBuf)> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let usual = if variable == "CARGO_HOME" { ".cargo" } else { ".rustup" };
    let path = named.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(usual)))?;
    path.is_dir().then_some((variable, path))
}

pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// A directory and addresses of a page's own.
pub(crate) struct Stage {
    dir: tempfile::TempDir,
    listen: String,
    admin: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path();
        // Whoever runs a native function reaches its package.
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("readable");
        for directory in ["work", "bin", "home", "srv", "mnt/keys", "etc/casemate"] {
            fs::create_dir_all(root.join(directory)).expect(directory);
        }
        fs::write(root.join("etc/casemate.conf"), "").expect("written");
        std::os::unix::fs::symlink(BINARY, root.join("bin/casemate")).expect("linked");
        Self { dir, listen: free_address(), admin: free_address() }
    }

    /// The directory that a page's commands begin in.
    pub(crate) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// A text with the addresses and directories of this stage.
    pub(crate) fn own(&self, text: &str) -> String {
        let at = |path: &str| format!("{}{path}", self.dir.path().display());
        text.replace("127.0.0.1:8080", &self.listen)
            .replace("localhost:8080", &self.listen)
            .replace("127.0.0.1:8089", &self.admin)
            .replace("/srv/", &at("/srv/"))
            .replace("/mnt/", &at("/mnt/"))
            .replace("/etc/casemate", &at("/etc/casemate"))
    }

    /// Runs a page's script; what it said, if it failed.
    pub(crate) fn run(&self, page: &Path, script: &str) -> Result<(), String> {
        let root = self.dir.path();
        let at = |path: &str| format!("{}{path}", root.display());
        let text = self.own(script);
        // A page that does not begin by starting a node is read beside a running one.
        let first = text.lines().find(|line| line.trim_start().starts_with("casemate "));
        let begins = first.is_some_and(|line| line.contains("casemate up"));
        let node = if begins || first.is_none() { "" } else { "casemate up\n" };
        let output = Command::new("bash")
            .current_dir(self.work())
            .args(["-c", &format!("{PRELUDE}{node}{text}")])
            .env_clear()
            .env("PATH", format!("{}:{}", at("/bin"), std::env::var("PATH").expect("a path")))
            .env("HOME", root.join("home"))
            .envs(["CARGO_HOME", "RUSTUP_HOME"].into_iter().filter_map(toolchain))
            .env("ROOT", root)
            .env("CASEMATE_HOME", root.join("data"))
            .env("CASEMATE_LISTEN", &self.listen)
            .env("CASEMATE_ADMIN", &self.admin)
            .stdin(std::process::Stdio::null())
            .output()
            .expect("bash runs");
        if output.status.success() {
            return Ok(());
        }
        let wrote = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{}: {}\n{wrote}\n{said}", page.display(), output.status))
    }
}

/// Runs a page beside the examples; what it said, if it failed.
fn run(page: &Path, script: &str) -> Result<(), String> {
    let stage = Stage::new();
    std::os::unix::fs::symlink(repository().join("examples"), stage.work().join("examples"))
        .expect("linked");
    stage.run(page, script)
}

#[test]
fn every_command_of_the_documentation_works() {
    let mut ran = 0;
    let mut failures = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(repository().join(&page)).expect("a page");
        let script = script(&page, &text);
        if !script.is_empty() {
            ran += 1;
            failures.extend(run(&page, &script).err());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(ran >= 4, "only {ran} pages have commands that are run");
}

#[test]
fn a_command_that_fails_is_found() {
    let page = Path::new("page.md");
    let text =
        "<!-- file: a/b -->\n```\nx\n```\n\n```sh\ngrep -q x a/b\ncasemate explain E9999\n```\n";
    let failed = run(page, &script(page, text)).expect_err("there is no E9999");
    assert!(failed.contains("page.md:6"), "{failed}");
}
