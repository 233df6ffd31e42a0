//! The examples that come with a page of their own: each command of it is run as it is written, and
//! prints what the page says.
//!
//! Blocks marked `sh` are run as those of the documentation are (`docs.rs`), on a copy of the
//! example with addresses of its own. The `text` block that follows one is what it prints, with `…`
//! for anything within a line, and for any lines where it stands alone; how many spaces stand
//! between two words does not matter. What stands in a comment before a block:
//!
//! - `<!-- again: REASON -->`: the block is run until it prints what follows.
//! - `<!-- beside: REASON -->`: the block's one command runs on, in a terminal of its own.
//! - `<!-- there -->`: the `text` block is what that one has printed by now, or will soon.

use crate::docs::{Stage, blocks, free_address};
use crate::rig::repository;
use std::fs;
use std::path::Path;

/// Runs of a block that is waited for, half a second apart.
const RUNS: usize = 240;

/// Compares what a block prints with what is wanted of it.
const PRELUDE: &str = r#"
prints() { # WANTED RUNS
    local run
    for run in $(seq "$2"); do
        if [ "$2" = 1 ]; then
            block >"$ROOT/out" 2>&1 || { cat "$ROOT/out" >&2; return 1; }
        else
            set +e; block >"$ROOT/out" 2>&1; set -e
        fi
        if [[ "$(<"$ROOT/out")"$'\n' =~ $1 ]]; then return 0; fi
        [ "$run" = "$2" ] || sleep 0.5
    done
    { echo "it prints:"; cat "$ROOT/out"; echo "and not: $1"; cat "$ROOT/node.log"; } >&2
    return 1
}
"#;

/// An expression for a text, of which `…` leaves parts open.
fn expression(text: &str) -> String {
    let mut whole = String::from("^");
    for line in text.lines() {
        if line.trim() == "…" {
            whole.push_str("(.*\n)?");
            continue;
        }
        for (at, word) in line.trim_end().split(' ').filter(|word| !word.is_empty()).enumerate() {
            whole.push_str(if at > 0 || line.starts_with(' ') { " +" } else { "" });
            for sign in word.chars() {
                match sign {
                    '…' => whole.push_str("[^\n]*"),
                    '\\' | '^' | '$' | '.' | '[' | ']' | '|' | '(' | ')' | '*' | '+' | '?'
                    | '{' | '}' => whole.extend(['\\', sign]),
                    _ => whole.push(sign),
                }
            }
        }
        whole.push_str(" *\n");
    }
    whole.push('$');
    whole
}

/// A text as a word of bash.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
    format!("$'{text}'")
}

/// The script of a page, and how many of its blocks are compared with what they print.
fn script(page: &Path, text: &str) -> (String, usize) {
    let name = page.display();
    let (mut script, mut compared) = (PRELUDE.to_owned(), 0);
    let all = blocks(text);
    for (at, block) in all.iter().enumerate() {
        let note = block.note.as_deref().unwrap_or_default();
        let wanted = |text: &str| quoted(&expression(text));
        match block.language.as_str() {
            "sh" => {}
            "text" if note == "there" => {
                compared += 1;
                script.push_str(&format!(
                    "echo '--- {name}:{}' >&2\nblock() {{ cat \"$ROOT/beside.log\"; }}\nprints {} {RUNS}\n",
                    block.line,
                    wanted(&block.text)
                ));
                continue;
            }
            _ => continue,
        }
        script.push_str(&format!("echo '--- {name}:{}' >&2\n", block.line));
        if note.starts_with("beside: ") {
            let command = block.text.trim_end();
            script.push_str(&format!(
                "{command} >\"$ROOT/beside.log\" 2>&1 &\nBESIDE=\"$BESIDE $!\"\n"
            ));
            continue;
        }
        let next = all.get(at + 1).filter(|next| next.language == "text" && next.note.is_none());
        match next {
            Some(next) => {
                compared += 1;
                let runs = if note.starts_with("again: ") { RUNS } else { 1 };
                script.push_str(&format!(
                    "block() {{\n{}}}\nprints {} {runs}\n",
                    block.text,
                    wanted(&next.text)
                ));
            }
            None => script.push_str(&block.text),
        }
    }
    (script, compared)
}

/// Copies a directory of texts, as `own` has them.
fn copy(from: &Path, to: &Path, own: &dyn Fn(&str) -> String) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to, own);
        } else {
            fs::write(to, own(&fs::read_to_string(&from).expect("a text"))).expect("written");
        }
    }
}

/// Does what the page of an example says. At least so many of its blocks say what they print.
fn walk(example: &str, least: usize) {
    let directory = Path::new("examples").join(example);
    let from = repository().join(&directory);
    let stage = Stage::new();
    // The example's own service.
    let service = free_address();
    let own = |text: &str| stage.own(text).replace("127.0.0.1:9098", &service);
    copy(&from, &stage.work().join(&directory), &own);
    let page = directory.join("README.md");
    let text = own(&fs::read_to_string(from.join("README.md")).expect("a page"));
    let (script, compared) = script(&page, &text);
    assert!(compared >= least, "{example}: only {compared} blocks are compared");
    if let Err(said) = stage.run(&page, &script) {
        panic!("{said}");
    }
}

#[test]
fn an_order_that_always_fails_is_given_up_told_and_brought_through() {
    walk("orders", 10);
}

#[test]
fn a_nightly_job_runs_when_it_is_granted_and_writes_its_reports() {
    walk("nightly", 6);
}

#[test]
fn a_chat_bot_answers_with_a_token_that_it_does_not_have() {
    walk("chatbot", 5);
}

#[test]
fn a_page_that_says_something_else_than_is_printed_is_found() {
    let run = |wanted: &str| {
        let page = Path::new("page.md");
        let text =
            format!("```sh\necho 'a  b (1)'; echo c.d\n```\n\n```text\n{wanted}```\n\nIts end.\n");
        let (script, compared) = script(page, &text);
        assert_eq!(compared, 1);
        Stage::new().run(page, &script)
    };
    for same in ["a b (1)\nc.d\n", "a …\nc.d\n", "…\nc.d\n", "a b (1)\n…\n", "…\n"] {
        run(same).unwrap_or_else(|said| panic!("{same}: {said}"));
    }
    for other in ["a b (1)\n", "a b (1)\ncxd\n", "ab (1)\nc.d\n", "c.d\na b (1)\n"] {
        let said = run(other).expect_err(other);
        assert!(said.contains("it prints:"), "{said}");
    }
}
